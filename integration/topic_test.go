package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
)

func TestCheckNamesTheConfigurationKeyThatIsWrong(t *testing.T) {
	c := connect(t, kafka.Options{Brokers: kafkatest.Shared(t).Plain()})
	k := kind(t, c, kafka.KindTopic)
	there := topicID(kafkatest.Prefix(t) + "there")
	mustApply(t, k, set(reconcile.Create, there, "partitions", "2", "replicas", "1"))
	look(t, k, there)

	fresh := topicID(kafkatest.Prefix(t) + "fresh")
	verdicts, err := k.(reconcile.Checker).Check(t.Context(), []reconcile.Change{
		set(reconcile.Create, fresh, "partitions", "1", "config.retention.ms", "soon"),
		set(reconcile.Update, there, "config.retention.ms", "1000", "config.max.message.bytes", "many", "config.no.such.key", "1", "partitions", "1"),
		set(reconcile.Create, topicID("bad name"), "partitions", "1"),
		set(reconcile.Create, topicID("__consumer_offsets"), "partitions", "1"),
		set(reconcile.Create, topicID(fresh.Name+"2"), "replicas", "1", "config.min.insync.replicas", "2"),
		set(reconcile.Create, topicID(fresh.Name+"3"), "replicas", "3"),
		set(reconcile.Create, topicID(fresh.Name+"4"), "partitions", "1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range verdicts {
		got = append(got, v.ID.Name+" "+v.Field)
		t.Logf("%s %s: %s", v.ID, v.Field, v.Refused)
	}
	for _, want := range []string{
		fresh.Name + " ", there.Name + " config.max.message.bytes", there.Name + " config.no.such.key", there.Name + " partitions",
		"bad name ", "__consumer_offsets ", fresh.Name + "2 config.min.insync.replicas", fresh.Name + "3 ",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not refused: %q", want, got)
		}
	}
	if len(got) != 8 {
		t.Errorf("%d refusals, not 8: %q", len(got), got)
	}
}

func TestATopicMadeAnewByHandIsAnotherTopic(t *testing.T) {
	c := connect(t, kafka.Options{Brokers: kafkatest.Shared(t).Plain()})
	k := kind(t, c, kafka.KindTopic)
	id := topicID(kafkatest.Prefix(t) + "orders")
	mustApply(t, k, set(reconcile.Create, id, "partitions", "1", "replicas", "1"))
	old := look(t, k, id)
	remove := reconcile.Change{ID: id, Action: reconcile.Delete, UID: old.UID}
	mustApply(t, k, remove)
	kafkatest.Eventually(t, func() error {
		lives, _, err := k.Observe(t.Context(), reconcile.Scope{Name: []reconcile.ID{id}})
		if err != nil || len(lives) > 0 {
			return fmt.Errorf("still there: %v %w", lives, err)
		}
		return nil
	})
	mustApply(t, k, set(reconcile.Create, id, "partitions", "1", "replicas", "1"))
	if again := look(t, k, id); again.UID == old.UID || again.UID == "" {
		t.Fatalf("the new topic has id %q, the old one had %q", again.UID, old.UID)
	}
	update := set(reconcile.Update, id, "config.retention.ms", "1000")
	update.UID = old.UID
	nameless := reconcile.Change{ID: id, Action: reconcile.Delete}
	for _, change := range []reconcile.Change{update, remove, nameless} {
		out := apply(t.Context(), k, change)
		if len(out) != 1 || out[0].Failed == "" || out[0].Unsure {
			t.Errorf("%s of the old topic: %v", change.Action, out)
		}
	}
	if live := look(t, k, id); !live.Field("config.retention.ms").Is(reconcile.Unset) {
		t.Errorf("the new topic was changed: %v", live.Fields)
	}
}

func TestAThousandTopicsAreOneRequestAndShow(t *testing.T) {
	c := connect(t, kafka.Options{Brokers: kafkatest.Shared(t).Plain()})
	k := kind(t, c, kafka.KindTopic)
	prefix := kafkatest.Prefix(t)
	var changes []reconcile.Change
	scope := reconcile.Scope{}
	for i := range 1000 {
		id := topicID(fmt.Sprintf("%s%d", prefix, i))
		changes = append(changes, set(reconcile.Create, id, "partitions", "1", "replicas", "1", "config.retention.ms", "3600000"))
		scope.Name = append(scope.Name, id)
	}
	reports := 0
	k.Apply(t.Context(), changes, func(o ...reconcile.Outcome) {
		if len(o) > 0 {
			reports++
		}
	})
	if reports != 1 {
		t.Errorf("reported %d times, not once", reports)
	}
	kafkatest.Eventually(t, func() error {
		lives, unseen, err := k.Observe(t.Context(), scope)
		if err != nil || len(lives) != 1000 {
			return fmt.Errorf("%d observed, %d unobserved, %w", len(lives), len(unseen), err)
		}
		return nil
	})
}

func TestAThrottledRequestWaitsAsTold(t *testing.T) {
	r := kafkatest.Shared(t)
	c, user := limited(t, r, allow("cluster", kafka.ClusterName, "create", "describe")...)
	admin := connect(t, kafka.Options{Brokers: r.Plain()})
	entity := kafka.QuotaEntityID(kafka.QuotaPart{Type: "user", Name: &user})
	mustApply(t, kind(t, admin, kafka.KindQuotaEntity), set(reconcile.Update, entity, "controller_mutation_rate", "10"))
	look(t, kind(t, admin, kafka.KindQuotaEntity), entity)
	prefix := kafkatest.Prefix(t)
	var changes []reconcile.Change
	for i := range 4 {
		changes = append(changes, set(reconcile.Create, topicID(fmt.Sprintf("%s%d", prefix, i)), "partitions", "60", "replicas", "1"))
	}
	for _, o := range apply(t.Context(), kind(t, c, kafka.KindTopic), changes...) {
		if o.Failed != "" {
			t.Errorf("%s: %s", o.ID, o.Failed)
		}
	}
}

func TestABrokerThatDiesInTheMiddleLeavesNothingDoubtful(t *testing.T) {
	r := kafkatest.Start(t, kafkatest.Options{})
	c := connect(t, kafka.Options{Brokers: r.Plain()})
	k := kind(t, c, kafka.KindTopic)
	var changes []reconcile.Change
	for i := range 20 {
		changes = append(changes, set(reconcile.Create, topicID(fmt.Sprintf("t%d", i)), "partitions", "400", "replicas", "1"))
	}
	began := make(chan struct{})
	done := make(chan []reconcile.Outcome)
	go func() {
		close(began)
		done <- apply(t.Context(), k, changes...)
	}()
	<-began
	if err := r.Kill9(); err != nil {
		t.Fatal(err)
	}
	if err := r.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	outcomes := <-done
	if len(outcomes) != len(changes) {
		t.Fatalf("%d outcomes for %d changes", len(outcomes), len(changes))
	}
	said := make(map[reconcile.ID]reconcile.Outcome)
	for _, o := range outcomes {
		said[o.ID] = o
	}
	lives, _, err := k.Observe(t.Context(), reconcile.Scope{Full: true})
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[reconcile.ID]bool)
	for _, l := range lives {
		there[l.ID] = true
	}
	for id, o := range said {
		if o.Unsure {
			continue // either may be
		}
		if done := o.Failed == ""; done != there[id] {
			t.Errorf("%s is there: %v, and was reported as %+v", id, there[id], o)
		}
	}
	var again []reconcile.Change
	for _, change := range changes {
		if !there[change.ID] {
			again = append(again, change)
		}
	}
	mustApply(t, k, again...)
	for _, change := range changes {
		look(t, k, change.ID)
	}
}

func TestPartitionsOnlyGrow(t *testing.T) {
	rule := kafka.TopicRules().Field("partitions")
	if words := rule.Check(reconcile.TextOf("5"), reconcile.TextOf("3")); !strings.Contains(words, "only grow") {
		t.Error(words)
	}
	c := connect(t, kafka.Options{Brokers: kafkatest.Shared(t).Plain()})
	k := kind(t, c, kafka.KindTopic)
	id := topicID(kafkatest.Prefix(t) + "orders")
	mustApply(t, k, set(reconcile.Create, id, "partitions", "3", "replicas", "1"))
	look(t, k, id)
	out := apply(t.Context(), k, set(reconcile.Update, id, "partitions", "2", "config.retention.ms", "1000"))
	for _, o := range out {
		if shrink := slices.Equal(o.Fields, []string{"partitions"}); shrink != (o.Failed != "") {
			t.Errorf("%v: %q", o.Fields, o.Failed)
		}
	}
	if live := look(t, k, id); live.Fields["partitions"].Text() != "3" {
		t.Errorf("partitions are %s", live.Fields["partitions"])
	}
}
