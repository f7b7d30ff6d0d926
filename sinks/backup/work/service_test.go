package work

import (
	"errors"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/kindtest"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
)

func TestAPolicyStandsInItsBucketAndExplainsIt(t *testing.T) {
	w := newWorld(t)
	id := policyOf("nightly")
	w.declare(id, w.spec(backup.FieldSchedule, "0 2 * * *"))
	if _, there, err := w.observe(id); there || err != nil {
		t.Fatalf("before: %v, %v", there, err)
	}
	w.round()
	w.restart()
	live, there, err := w.observe(id)
	if err != nil || !there || live.Field(backup.FieldSchedule).Text() != "0 2 * * *" || !live.Whole {
		t.Fatalf("%+v, %v", live, err)
	}
}

func TestABucketThatCannotBeReadIsUnobservedAndNeverEmpty(t *testing.T) {
	w := newWorld(t)
	w.down = errors.New("access denied")
	for _, id := range []reconcile.ID{policyOf("nightly"), jobOf(backup.DoesBackup, "once")} {
		w.declare(id, w.spec(backup.FieldSchedule, "0 2 * * *"))
		if _, _, err := w.observe(id); err == nil || !strings.Contains(err.Error(), "access denied") {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestRemovingABackupEndsItsPolicyAndKeepsItsPoints(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", "a", "b")
	id := policyOf("nightly")
	w.declare(id, w.spec(backup.FieldSchedule, "* * * * * *"))
	w.run()
	w.round()
	w.eventually("backup/default/nightly", func(j sinks.Job) bool { return j.Point >= 2 })
	w.declare(id, nil)
	w.round()
	if len(w.Jobs()) != 0 {
		t.Errorf("it goes on: %+v", w.Jobs())
	}
	if _, there, err := w.observe(id); there || err != nil {
		t.Errorf("its policy is not ended: %v", err)
	}
	h, err := w.homeOf(t.Context(), id, w.spec(), nil)
	if err != nil {
		t.Fatal(err)
	}
	points, err := h.Points(t.Context())
	if err != nil || len(points) < 2 {
		t.Errorf("%d points, %v", len(points), err)
	}
}

func TestWhatTheConfigurationDoesNotAllowIsRefusedInWords(t *testing.T) {
	w := newWorld(t)
	for name, one := range map[string]struct {
		spec backup.Spec
		want string
	}{
		"a store":          {w.spec(backup.FieldStorage, "s3://theirs"), "no store of the agent's configuration holds s3://theirs"},
		"a cluster":        {w.spec(backup.FieldCluster, "elsewhere:9092"), "no cluster of the agent's configuration has one of the bootstrap servers elsewhere:9092"},
		"a purge":          {w.spec(backup.FieldTopics, "payments", backup.FieldExisting, "purge"), "does not allow emptying topic payments (backups.allowPurge)"},
		"a purge of *":     {w.spec(backup.FieldTopics, "orders*", backup.FieldExisting, "purge"), "orders* is a pattern"},
		"a renamed purge":  {w.spec(backup.FieldTopics, "orders", "rename.orders", "payments", backup.FieldExisting, "purge"), "emptying topic payments"},
		"a mapped pattern": {w.spec(backup.FieldTopics, "orders-a", "rename.orders-*", "payments-*", backup.FieldExisting, "purge"), "topicMapping has the pattern orders-*"},
		"a mapped glob":    {w.spec(backup.FieldTopics, "orders-?", "rename.orders-?", "orders-a", backup.FieldExisting, "purge"), "pattern orders-?"},
		"an internal one":  {w.spec(backup.FieldTopics, "__consumer_offsets", backup.FieldExisting, "purge"), "is internal"},
		"a protected one":  {w.spec(backup.FieldTopics, "orders-ledger", backup.FieldExisting, "purge"), "orders-ledger is protected"},
		"a webhook's host": {w.spec("webhook.0.host", "evil.test"), "does not allow asking evil.test (backups.allowWebhooks)"},
		"the document":     {w.spec(backup.FieldRefused, "spec.x: no"), "spec.x: no"},
	} {
		t.Run(name, func(t *testing.T) {
			id := jobOf(backup.DoesRestore, "again")
			w.declare(id, one.spec)
			w.brief()
			verdicts, err := (&jobs{w.Service}).Check(t.Context(), []reconcile.Change{{ID: id, Action: reconcile.Create}})
			if err != nil || len(verdicts) != 1 || !strings.Contains(verdicts[0].Refused, one.want) {
				t.Errorf("%v, %v", verdicts, err)
			}
		})
	}
	allowed := w.spec(backup.FieldTopics, "orders", backup.FieldExisting, "purge", "webhook.0.host", "w.example.com")
	equal(t, "what is allowed", w.refused(allowed), "")
}

func TestAPolicyThatIsRefusedDoesNotRunAndTheOneBeforeItGoesOn(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", "a")
	id := policyOf("nightly")
	w.declare(id, w.spec(backup.FieldSchedule, "* * * * * *"))
	w.run()
	w.round()
	w.declare(id, w.spec(backup.FieldSchedule, "* * * * * *", backup.FieldStorage, "s3://theirs"))
	w.brief()
	at := w.eventually("backup/default/nightly", func(j sinks.Job) bool { return j.Point > 0 }).Point
	w.eventually("backup/default/nightly", func(j sinks.Job) bool { return j.Point > at })
	if live, there, err := w.observe(id); err != nil || !there || live.Field(backup.FieldStorage).Text() != "s3://copies" {
		t.Errorf("what lives is not what was applied: %+v, %v", live, err)
	}
}

func TestTheLawsOfAKindHoldForPolicies(t *testing.T) {
	w := newWorld(t)
	example := func(name string) kindtest.Example {
		id := policyOf(name)
		first, next := w.spec(backup.FieldSchedule, "0 2 * * *", "jitter", "5m0s"), w.spec(backup.FieldSchedule, "0 3 * * *", "codec", "lz4")
		w.declare(id, first)
		return kindtest.Example{
			Name: name, First: reconcile.Resource{ID: id, Fields: first.Fields()}, Next: reconcile.Resource{ID: id, Fields: next.Fields()},
		}
	}
	s := kindtest.Subject{Examples: []kindtest.Example{example("a"), example("b"), example("c"), example("d")}}
	w.brief()
	s.Kind = &policies{w.Service}
	kindtest.Run(t, s)
}

func TestABackupRefThatTwoClustersMatchIsRefusedNamingBoth(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", "a")
	for _, source := range []string{"cluster-a", "cluster-b"} {
		w.restart()
		w.declare(policyOf("nightly"), w.spec(backup.FieldSchedule, "* * * * * *", backup.FieldSource, source))
		delete(w.last, policyOf("nightly"))
		stop := w.run()
		w.round()
		w.eventually("backup/default/nightly", func(j sinks.Job) bool { return j.Point > 0 })
		stop()
	}
	id := jobOf(backup.DoesRestore, "again")
	for source, want := range map[string]string{"": "cluster-a and cluster-b", "cluster-b": ""} {
		spec := backup.Spec{backup.FieldDoes: backup.DoesRestore, backup.FieldBackup: "default/nightly"}
		if source != "" {
			spec[backup.FieldSource] = source
		}
		w.declare(id, spec)
		w.brief()
		verdicts, err := (&jobs{w.Service}).Check(t.Context(), []reconcile.Change{{ID: id, Action: reconcile.Create}})
		if err != nil || (want == "") != (len(verdicts) == 0) || want != "" && !strings.Contains(verdicts[0].Refused, want) {
			t.Errorf("source %q: %v, %v", source, verdicts, err)
		}
	}
	w.declare(id, backup.Spec{backup.FieldDoes: backup.DoesRestore, backup.FieldBackup: "default/none"})
	w.brief()
	if verdicts, _ := (&jobs{w.Service}).Check(t.Context(), []reconcile.Change{{ID: id, Action: reconcile.Create}}); len(verdicts) != 1 || !strings.Contains(verdicts[0].Refused, "no KafkaBackup default/none is declared") {
		t.Errorf("%v", verdicts)
	}
}
