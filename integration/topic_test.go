package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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
	c := connect(t, kafka.Options{Brokers: r.Plain(), RequestTimeout: 10 * time.Second})
	k := kind(t, c, kafka.KindTopic)
	const count = 20
	var there, changes []reconcile.Change
	for i := range count {
		there = append(there, set(reconcile.Create, topicID(fmt.Sprintf("old%d", i)), "partitions", "1", "replicas", "1"))
		changes = append(changes, set(reconcile.Create, topicID(fmt.Sprintf("new%d", i)), "partitions", "5", "replicas", "1"))
	}
	mustApply(t, k, there...)
	for _, c := range there {
		look(t, k, c.ID)
		changes = append(changes, set(reconcile.Update, c.ID, "partitions", "3", "config.retention.ms", "1000"))
	}
	killed := make(chan error, 1)
	outcomes := make(map[string]reconcile.Outcome)
	k.Apply(t.Context(), changes, func(some ...reconcile.Outcome) {
		for _, o := range some {
			if len(outcomes) == 0 {
				go func() { killed <- r.Kill9() }() // while the next request is on its way
			}
			outcomes[o.ID.Name+fmt.Sprint(o.Fields)] = o
		}
	})
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	if err := r.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for key, o := range outcomes {
		if o.Failed == "" && o.Unsure {
			t.Errorf("%s is done and unsure: %+v", key, o)
		}
		if o.Failed == "" && strings.HasPrefix(o.ID.Name, "new") {
			look(t, k, o.ID)
		}
	}
	// One further try settles what failed, and harms nothing that did not.
	for _, c := range changes {
		if o, ok := outcomes[c.ID.Name+"[]"]; !ok || o.Failed != "" {
			kafkatest.Eventually(t, func() error { return settled(t, k, c) })
		}
	}
}

// settled tries a change again until it shows.
func settled(t *testing.T, k reconcile.Kind, c reconcile.Change) error {
	lives, _, err := k.Observe(t.Context(), reconcile.Scope{Name: []reconcile.ID{c.ID}})
	if err != nil {
		return err
	}
	if len(lives) == 1 {
		c.Action = reconcile.Update
		missing := slices.DeleteFunc(slices.Clone(c.Fields), func(f reconcile.FieldChange) bool { return lives[0].Field(f.Name).Same(f.To) })
		if len(missing) == 0 {
			return nil
		}
	}
	return fmt.Errorf("not yet: %v", apply(t.Context(), k, c))
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
