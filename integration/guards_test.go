package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/reconcile"
)

// topicNamed is a small topic's document.
func topicNamed(name string) string {
	return fmt.Sprintf(`apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata: {name: PRE%s}
spec: {partitions: 1, replicas: 1}
`, name)
}

// fate of a whole change in the plan.
func (w *world) fate(id string) reconcile.Fate {
	w.t.Helper()
	c, ok := changes(w.plan().Plan)[id]
	if !ok {
		w.t.Fatalf("the plan does not speak of %s", id)
	}
	return c.Fate
}

// shows waits until a plan speaks of it: brokers are late.
func (w *world) shows(id string) {
	w.t.Helper()
	kafkatest.Eventually(w.t, func() error {
		if _, ok := changes(w.plan().Plan)[id]; !ok {
			return fmt.Errorf("the plan does not speak of %s", id)
		}
		return nil
	})
}

// several topics, so that one that leaves is no wipe.
func several(names ...string) map[string]string {
	files := map[string]string{}
	for _, n := range names {
		files[n+".yaml"] = topicNamed(n)
	}
	return files
}

func TestATopicThatWeCreatedAndGitRemovedIsDeletedWithAllThreeKeys(t *testing.T) {
	w := newWorld(t)
	w.push(several("a", "b"))
	w.apply(0)
	w.cluster["allowDeletion"] = map[string]any{"topics": false}
	w.push(map[string]string{"a.yaml": ""})
	w.apply(3)
	if f := w.fate("Topic/" + w.pre + "a"); !strings.Contains(f.Refused, "allowDeletion") {
		t.Errorf("without the third key: %+v", f)
	}
	if w.partitions(w.pre+"a") != 1 {
		t.Fatal("it was deleted")
	}
	w.cluster["allowDeletion"] = map[string]any{"topics": true}
	w.apply(0)
	kafkatest.Eventually(t, func() error {
		if w.partitions(w.pre+"a") != 0 {
			return fmt.Errorf("it is still there")
		}
		return nil
	})
	if w.partitions(w.pre+"b") != 1 {
		t.Error("another one went with it")
	}
	w.settled()
}

func TestATopicIsNotDeletedBeforeItsGrace(t *testing.T) {
	w := newWorld(t)
	delete(w.sync, "grace")
	w.push(several("a", "b"))
	w.apply(0)
	w.push(map[string]string{"a.yaml": ""})
	w.apply(0)
	if f := w.fate("Topic/" + w.pre + "a"); f.Waiting == "" {
		t.Errorf("it does not wait: %+v", f)
	}
	w.push(several("a"))
	w.apply(0)
	w.settled()
}

func TestAnAdoptedTopicIsDeletedOnlyWhenConfirmed(t *testing.T) {
	w := newWorld(t)
	_, err := w.admin.CreateTopic(t.Context(), 1, 1, map[string]*string{"max.message.bytes": str("5000000")}, w.pre+"a")
	w.must(err)
	w.push(several("a", "b"))
	w.apply(0)
	if got := w.topicConfig(w.pre + "a")["max.message.bytes"]; got != "5000000" {
		t.Fatalf("adoption took a key away: %q", got)
	}
	w.push(map[string]string{"a.yaml": ""})
	v := w.apply(3)
	if len(v.Holds) != 1 {
		t.Fatalf("holds: %+v", v.Holds)
	}
	if w.partitions(w.pre+"a") != 1 {
		t.Fatal("it was deleted")
	}
	if r := w.ottla("confirm", "000000000000"); r.code == 0 {
		t.Error("a digest of nothing was confirmed")
	}
	if r := w.ottla("confirm", string(v.Holds[0].Digest)); r.code != 0 {
		t.Fatalf("confirm: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	w.apply(0)
	kafkatest.Eventually(t, func() error {
		if w.partitions(w.pre+"a") != 0 {
			return fmt.Errorf("it is still there")
		}
		return nil
	})
}

func TestARevisionThatWouldWipeIsHeldAndTheRestGoesOn(t *testing.T) {
	w := newWorld(t)
	w.push(several("a", "b", "c", "d"))
	w.apply(0)
	w.push(map[string]string{"a.yaml": "", "b.yaml": "", "e.yaml": topicNamed("e")})
	v := w.apply(3)
	if len(v.Holds) != 1 || len(v.Holds[0].IDs) != 2 {
		t.Fatalf("holds: %+v", v.Holds)
	}
	if w.partitions(w.pre+"a") != 1 || w.partitions(w.pre+"b") != 1 {
		t.Error("a wipe was carried out")
	}
	if w.partitions(w.pre+"e") != 1 {
		t.Error("the rest did not go on")
	}
}

func TestAnEmptyRevisionDeletesNothing(t *testing.T) {
	w := newWorld(t)
	w.push(several("a"))
	w.apply(0)
	w.push(map[string]string{"a.yaml": "", "README.md": "nothing here"})
	v := w.apply(3)
	if len(v.Holds) == 0 {
		t.Errorf("nothing is held: %+v", changes(v.Plan))
	}
	if w.partitions(w.pre+"a") != 1 {
		t.Error("it was deleted")
	}
}

func TestRaisedRetentionIsNotHealedAway(t *testing.T) {
	w := newWorld(t)
	w.push(map[string]string{"orders.yaml": ordersTopic})
	w.apply(0)
	id := "Topic/" + w.pre + "orders"
	w.setConfig(w.pre+"orders", "retention.ms", str("-1"))
	w.setConfig(w.pre+"orders", "max.message.bytes", str("2000000"))
	w.shows(id)
	v := w.apply(3)
	f := field(t, v.Plan, id, "config.retention.ms")
	if f.Why != reconcile.Drifted || f.Fate.Held == "" {
		t.Errorf("raised retention: %+v", f)
	}
	if got := w.topicConfig(w.pre + "orders"); got["retention.ms"] != "-1" || got["max.message.bytes"] != "" {
		t.Errorf("live is %v", got)
	}
	t.Run("and a commit that declares less is applied and marked", func(t *testing.T) {
		w.setConfig(w.pre+"orders", "retention.ms", str("604800000"))
		kafkatest.Eventually(t, func() error {
			if len(changes(w.plan().Plan)) > 0 {
				return fmt.Errorf("not yet seen")
			}
			return nil
		})
		w.push(map[string]string{"orders.yaml": strings.Replace(ordersTopic, "604800000", "3600000", 1)})
		v := w.apply(0)
		if f := field(t, v.Plan, id, "config.retention.ms"); f.Risk == "" || f.Why != reconcile.Declared {
			t.Errorf("declared: %+v", f)
		}
	})
}

func TestATopicDeletedByHandIsNotReplacedByAnEmptyOne(t *testing.T) {
	w := newWorld(t)
	w.push(several("a", "b"))
	w.apply(0)
	_, err := w.admin.DeleteTopic(t.Context(), w.pre+"a")
	w.must(err)
	w.shows("Topic/" + w.pre + "a")
	w.apply(3)
	if w.partitions(w.pre+"a") != 0 {
		t.Fatal("it was created empty")
	}
	w.sync["recreate"] = true
	w.apply(0)
	w.settled()
}

func TestATopicOfAnotherIDIsNotOwned(t *testing.T) {
	w := newWorld(t)
	w.push(several("a", "b"))
	w.apply(0)
	_, err := w.admin.DeleteTopic(t.Context(), w.pre+"a")
	w.must(err)
	w.shows("Topic/" + w.pre + "a")
	_, err = w.admin.CreateTopic(t.Context(), 1, 1, nil, w.pre+"a")
	w.must(err)
	w.push(map[string]string{"a.yaml": ""})
	w.apply(0)
	if w.partitions(w.pre+"a") != 1 {
		t.Error("somebody else's topic was deleted")
	}
}

func TestFewerPartitionsAndOtherReplicationAreRefused(t *testing.T) {
	w := newWorld(t)
	w.push(map[string]string{"orders.yaml": ordersTopic})
	w.apply(0)
	w.push(map[string]string{"orders.yaml": strings.Replace(ordersTopic, "partitions: 3", "partitions: 2", 1)})
	v := w.apply(3)
	if f := field(t, v.Plan, "Topic/"+w.pre+"orders", "partitions"); f.Fate.Refused == "" {
		t.Errorf("fewer partitions: %+v", f)
	}
	w.push(map[string]string{"orders.yaml": strings.Replace(ordersTopic, "replicas: 1", "replicas: 2", 1)})
	v = w.apply(3)
	if f := field(t, v.Plan, "Topic/"+w.pre+"orders", "replicas"); !strings.Contains(f.Fate.Refused, "not yet carried out") {
		t.Errorf("another replication: %+v", f)
	}
}

func TestProtectedPrincipalsAndAllowLists(t *testing.T) {
	w := newWorld(t)
	w.cluster["protected"] = map[string]any{"principals": []string{"User:" + w.pre + "bob"}}
	w.sync["allow"] = map[string]any{"topics": []string{w.pre + "orders"}}
	w.push(map[string]string{"orders.yaml": ordersTopic, "bob.yaml": bobUser, "other.yaml": topicNamed("other")})
	v := w.apply(3)
	all := changes(v.Plan)
	for _, id := range []string{"AclSet/User:" + w.pre + "bob", "ScramCredential/" + w.pre + "bob|SCRAM-SHA-512", "QuotaEntity/user=" + w.pre + "bob", "Topic/" + w.pre + "other"} {
		if all[id].Fate.Refused == "" {
			t.Errorf("%s is not refused: %+v", id, all[id].Fate)
		}
	}
	if len(w.acls("User:"+w.pre+"bob")) > 0 || w.partitions(w.pre+"other") != 0 {
		t.Error("a refused change was carried out")
	}
	if w.partitions(w.pre+"orders") != 3 {
		t.Error("the rest did not go on")
	}
}

func TestMarkersAndAnnotations(t *testing.T) {
	w := newWorld(t)
	marked := func(name, mark string) string {
		return strings.Replace(topicNamed(name), "metadata: {", "metadata: {"+mark+", ", 1)
	}
	w.push(several("kept", "given", "paused", "plain"))
	w.apply(0)
	w.push(map[string]string{
		"kept.yaml":   marked("kept", `annotations: {ottla.io/prune: disabled}`),
		"given.yaml":  marked("given", `annotations: {strimzi.io/managed: "false"}`),
		"paused.yaml": marked("paused", `annotations: {strimzi.io/pause-reconciliation: "true"}`),
		"other.yaml":  marked("other", `labels: {strimzi.io/cluster: elsewhere}`),
	})
	w.apply(0)
	w.push(map[string]string{"kept.yaml": "", "given.yaml": "", "paused.yaml": ""})
	w.apply(3) // the paused one is held
	for _, name := range []string{"kept", "given", "paused"} {
		if w.partitions(w.pre+name) != 1 {
			t.Errorf("%s was deleted", name)
		}
	}
	if w.partitions(w.pre+"other") != 0 {
		t.Error("a topic of another cluster was created")
	}
}

func TestADeclarationThatMovesNeverDeletesAndCreates(t *testing.T) {
	w := newWorld(t)
	second := merged(map[string]any{
		"name": "second", "repository": "platform", "ref": map[string]any{"branch": "main"}, "cluster": "main", "path": "second",
	}, w.sync)
	w.sync["path"] = "first"
	w.push(map[string]string{"first/a.yaml": topicNamed("a"), "first/b.yaml": topicNamed("b"), "second/c.yaml": topicNamed("c")})
	w.twoSyncs(second)
	if r := w.ottla("apply"); r.code != 0 {
		t.Fatalf("exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	id := w.topicID(w.pre + "a")
	w.push(map[string]string{"first/a.yaml": "", "second/renamed.yaml": topicNamed("a")})
	if r := w.ottla("apply"); r.code != 0 {
		t.Fatalf("exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	if r := w.ottla("plan"); r.code != 0 {
		t.Errorf("not settled: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	if now := w.topicID(w.pre + "a"); now != id {
		t.Errorf("its id was %s, and is %s", id, now)
	}
}

// twoSyncs adds a second sync to the configuration.
func (w *world) twoSyncs(second map[string]any) {
	first := merged(map[string]any{
		"name": "main", "repository": "platform", "ref": map[string]any{"branch": "main"}, "cluster": "main",
	}, w.sync)
	w.more["syncs"] = []any{first, second}
}

func (w *world) topicID(name string) string {
	w.t.Helper()
	ts, err := kadm.NewClient(w.kafka.Client(w.t)).ListTopics(w.t.Context(), name)
	w.must(err)
	return ts[name].ID.String()
}

func TestObserveWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.sync["mode"] = "observe"
	w.push(map[string]string{"orders.yaml": ordersTopic, "bob.yaml": bobUser})
	w.apply(2)
	if w.partitions(w.pre+"orders") != 0 || len(w.acls("User:"+w.pre+"bob")) > 0 {
		t.Error("something was written")
	}
}

func TestARewrittenHistoryIsRefused(t *testing.T) {
	w := newWorld(t)
	w.push(several("a"))
	w.push(several("b"))
	w.apply(0)
	w.git("reset", "-q", "--hard", "HEAD~1")
	w.push(map[string]string{"a.yaml": strings.Replace(topicNamed("a"), "partitions: 1", "partitions: 2", 1)})
	v := w.apply(1)
	if v.State != "rejected" || !strings.Contains(v.Problems[0].Text, "rewritten") {
		t.Errorf("state %s, problems %v", v.State, v.Problems)
	}
	if w.partitions(w.pre+"a") != 1 {
		t.Error("it was carried out")
	}
}

func TestReleaseGivesUpWithoutDeleting(t *testing.T) {
	w := newWorld(t)
	w.push(several("a", "b"))
	w.apply(0)
	w.push(map[string]string{"a.yaml": ""})
	if r := w.ottla("release", "Topic/"+w.pre+"a"); r.code != 0 {
		t.Fatalf("exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	w.apply(0)
	if w.partitions(w.pre+"a") != 1 {
		t.Error("it was deleted")
	}
	if r := w.ottla("release", "Topic/nothing"); r.code != 1 {
		t.Errorf("what is not owned: exit %d", r.code)
	}
}
