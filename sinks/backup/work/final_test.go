package work

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/kafka"
)

func withFinal(o *Options) { o.Final = &Final{Store: "final", Quiet: 50 * time.Millisecond} }

// deletion is the change that a plan has for a topic which left Git.
func (w *world) deletion(topic string) reconcile.Change {
	w.Helper()
	all, err := w.adm.ListTopics(w.Context(), topic)
	if err != nil {
		w.Fatal(err)
	}
	return reconcile.Change{ID: reconcile.ID{Kind: kindTopic, Name: topic}, Action: reconcile.Delete, UID: topicUID(all[topic].ID)}
}

// prepared waits until nothing keeps the change waiting any more.
func (w *world) prepared(c reconcile.Change) {
	w.Helper()
	words := ""
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		if words = w.Prepare(w.Context(), []reconcile.Change{c}, true)[c.ID]; words == "" {
			return
		}
	}
	w.Fatalf("it waits for ever: %s", words)
}

func TestATopicWaitsForItsFinalBackupAndNamesThePoint(t *testing.T) {
	w := newWorld(t, withFinal)
	w.topic("orders", "a", "b", "c")
	w.run()
	c := w.deletion("orders")
	if words := w.Prepare(t.Context(), []reconcile.Change{c}, false)[c.ID]; !strings.Contains(words, "final backup: it is taken first, into store final") {
		t.Errorf("a plan says %q", words)
	}
	if len(w.Jobs()) != 0 {
		t.Error("a plan began it")
	}
	if _, err := w.Assure(t.Context(), c); err == nil {
		t.Error("it may be deleted without one")
	}
	w.prepared(c)
	note, err := w.Assure(t.Context(), c)
	if err != nil || !strings.Contains(note, "its 3 records are point 1 of ottla/deleted-topics in store final: ottla restore --deleted-topic orders") {
		t.Errorf("%q, %v", note, err)
	}
	h, err := w.finalHome(t.Context(), &final{source: "cluster-a"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.Point(t.Context(), 1)
	if err != nil || p.Kind != format.Final || p.Pinned != "final backup of orders" || len(p.Topics) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestWhatIsWrittenAfterTheFinalBackupTakesAnotherIncrement(t *testing.T) {
	w := newWorld(t, withFinal)
	w.topic("orders", "a")
	w.run()
	c := w.deletion("orders")
	w.prepared(c)
	w.produce("orders", "b")
	if _, err := w.Assure(t.Context(), c); err == nil || !strings.Contains(err.Error(), "has gone on from offset 1 to 2") {
		t.Errorf("at the last moment: %v", err)
	}
	w.prepared(c)
	note, err := w.Assure(t.Context(), c)
	if err != nil || !strings.Contains(note, "its 2 records are point 2") {
		t.Errorf("%q, %v", note, err)
	}
}

func TestATopicThatIsReadOrHasAnOpenTransactionWaits(t *testing.T) {
	w := newWorld(t, withFinal)
	w.topic("orders", "a")
	w.run()
	c := w.deletion("orders")
	cl := w.client(kgo.ConsumerGroup("billing"), kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	if err := cl.PollFetches(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	w.Prepare(t.Context(), []reconcile.Change{c}, true)
	w.eventually("final/orders", func(j sinks.Job) bool { return strings.Contains(j.Text, "consumer group billing reads it") })
	if words := w.Prepare(t.Context(), []reconcile.Change{c}, true)[c.ID]; !strings.Contains(words, "final backup: waits") {
		t.Errorf("the plan says %q", words)
	}
}

func TestAFinalBackupThatFailsHoldsTheDeletionBackAndIsTold(t *testing.T) {
	w := newWorld(t, withFinal)
	w.topic("orders", "a")
	w.down = errors.New("no space left")
	w.run()
	c := w.deletion("orders")
	w.Prepare(t.Context(), []reconcile.Change{c}, true)
	w.eventually("final/orders", is(sinks.JobFailing))
	if words := w.Prepare(t.Context(), []reconcile.Change{c}, true)[c.ID]; !strings.Contains(words, "final backup: failed, and is tried again: open store final: no space left") {
		t.Errorf("the plan says %q", words)
	}
	equal(t, "told", keys(w.Incidents()), []string{"work/main/final/orders/failed"})
}

func TestATopicOfTheSameNameWithAnotherIdIsNotWhatWasBackedUp(t *testing.T) {
	w := newWorld(t, withFinal)
	w.topic("orders", "a")
	w.run()
	c := w.deletion("orders")
	c.UID = "AAAAAAAAAAAAAAAAAAAAAQ"
	w.Prepare(t.Context(), []reconcile.Change{c}, true)
	j := w.eventually("final/orders", is(sinks.JobFailing))
	if !strings.Contains(j.Text, "another topic of that name") {
		t.Errorf("%+v", j)
	}
}

func TestARestoreThatEmptiesTopicsWaitsForTheirFinalBackup(t *testing.T) {
	w := newWorld(t, withFinal)
	w.topic("orders", "a", "b")
	w.run()
	id := jobOf(backup.DoesRestore, "again")
	w.declare(id, backup.Spec{backup.FieldDoes: backup.DoesRestore, backup.FieldBackup: "default/x", backup.FieldTopics: "orders", backup.FieldExisting: "purge"})
	w.brief()
	c := reconcile.Change{ID: id, Action: reconcile.Create}
	w.prepared(c)
	if note, err := w.Assure(t.Context(), c); err != nil || !strings.Contains(note, "its 2 records are point 1") {
		t.Errorf("%q, %v", note, err)
	}
}

// emptying is a restore that empties a topic first.
func (w *world) emptying(more ...string) reconcile.Change {
	id := jobOf(backup.DoesRestore, "again")
	w.declare(id, w.spec(append([]string{
		backup.FieldDoes, backup.DoesRestore, backup.FieldBackup, "default/once", backup.FieldTopics, "orders", backup.FieldExisting, "purge",
	}, more...)...))
	w.brief()
	return reconcile.Change{ID: id, Action: reconcile.Create}
}

func TestWhatIsEmptiedOnAnotherClusterIsBackedUpFromThere(t *testing.T) {
	other, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("cluster-b"), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	w := newWorld(t, withFinal, func(o *Options) {
		o.Clusters = append(o.Clusters, Cluster{Name: "other", Options: kafka.Options{Brokers: other.ListenAddrs()}})
	})
	w.topic("orders", "a", "b")
	cl := w.client(kgo.SeedBrokers(other.ListenAddrs()...))
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("theirs")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.run()
	c := w.emptying(backup.FieldCluster, other.ListenAddrs()[0], backup.FieldSource, "cluster-a")
	w.prepared(c)
	note, err := w.Assure(t.Context(), c)
	if err != nil || !strings.Contains(note, "its 1 records are point 1") || !strings.Contains(note, "--cluster other --source-cluster cluster-b") {
		t.Errorf("%q, %v", note, err)
	}
}

func TestATopicThatIsNotThereHasNothingToBackUp(t *testing.T) {
	w := newWorld(t, withFinal)
	w.run()
	c := w.emptying()
	w.prepared(c)
	if note, err := w.Assure(t.Context(), c); err != nil || !strings.Contains(note, "topic orders was not there") {
		t.Errorf("%q, %v", note, err)
	}
	w.topic("orders", "a")
	if _, err := w.Assure(t.Context(), c); err == nil || !strings.Contains(err.Error(), "has been made meanwhile") {
		t.Errorf("made meanwhile: %v", err)
	}
	w.prepared(c)
	if note, err := w.Assure(t.Context(), c); err != nil || !strings.Contains(note, "its 1 records are point 1") {
		t.Errorf("%q, %v", note, err)
	}
}

func TestAConsumerThatComesBackStopsADeletion(t *testing.T) {
	w := newWorld(t, withFinal)
	w.topic("orders", "a")
	w.run()
	c := w.deletion("orders")
	w.prepared(c)
	cl := w.client(kgo.ConsumerGroup("billing"), kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	if err := cl.PollFetches(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Assure(t.Context(), c); err == nil || !strings.Contains(err.Error(), "consumer group billing reads it again") {
		t.Errorf("it is read: %v", err)
	}
}

func TestATopicMadeAnewIsBackedUpAgainBeforeItIsEmptied(t *testing.T) {
	w := newWorld(t, withFinal)
	w.topic("orders", "a")
	w.run()
	c := w.emptying()
	w.prepared(c)
	if _, err := w.adm.DeleteTopics(t.Context(), "orders"); err != nil {
		t.Fatal(err)
	}
	w.topic("orders", "b")
	if _, err := w.Assure(t.Context(), c); err == nil || !strings.Contains(err.Error(), "the topic was made anew") {
		t.Errorf("another topic of the name: %v", err)
	}
}

func TestATopicWithoutAnIdIsNotDeleted(t *testing.T) {
	w := newWorld(t, withFinal)
	c := reconcile.Change{ID: reconcile.ID{Kind: kindTopic, Name: "orders"}, Action: reconcile.Delete}
	if words := w.Prepare(t.Context(), []reconcile.Change{c}, true)[c.ID]; !strings.Contains(words, "give topic orders no id") || len(w.Jobs()) != 0 {
		t.Errorf("%q", words)
	}
	if _, err := w.Assure(t.Context(), c); err == nil {
		t.Error("it may be deleted")
	}
}

func TestALongTopicIsCopiedUntilItIsWhole(t *testing.T) {
	w := newWorld(t, withFinal)
	f := &final{topic: "orders", source: "cluster-a", spec: backup.Spec{}}
	h, err := w.finalHome(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	ends := []int64{4, 8, 10, 10}
	w.engine.capture = func(context.Context, capture.Options) (capture.Report, error) {
		p := &repository.Point{Manifest: format.Manifest{Topics: []format.Topic{{Name: "orders", Partitions: []format.Partition{{End: ends[0]}}}}}}
		ends = ends[1:]
		return capture.Report{Point: p}, nil
	}
	p, err := w.captureWhole(t.Context(), f, h, topicNow{ends: map[int32]end{0: {10, 10}}})
	if err != nil || p.Topics[0].Partitions[0].End != 10 || len(ends) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	ends = []int64{4, 4}
	if _, err := w.captureWhole(t.Context(), f, h, topicNow{ends: map[int32]end{0: {10, 10}}}); err == nil {
		t.Error("it goes on for ever")
	}
}

func TestAFinalBackupThatCannotBeReadBackIsNone(t *testing.T) {
	theirs, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, withFinal, func(o *Options) {
		o.Stores[1].Recipients, o.Stores[1].Identities = []age.Recipient{theirs.Recipient()}, []age.Identity{ours}
	})
	w.topic("orders", "a")
	w.run()
	c := w.deletion("orders")
	w.Prepare(t.Context(), []reconcile.Change{c}, true)
	if j := w.eventually("final/orders", is(sinks.JobFailing)); !strings.Contains(j.Text, "encrypted to others") {
		t.Errorf("%+v", j)
	}
}

func TestAFinalBackupThatNobodyAsksForIsForgotten(t *testing.T) {
	w := newWorld(t, withFinal)
	w.working = t.Context()
	for name, seen := range map[string]time.Time{"old": time.Now().Add(-forgottenAfter - time.Minute), "new": time.Now()} {
		f := &final{topic: name, state: sinks.JobDone, seen: seen}
		w.finals[f.key()] = f
	}
	w.tend()
	if all := w.Jobs(); len(all) != 1 || all[0].ID != "final/new" {
		t.Errorf("%+v", all)
	}
}

func TestARestoreEmptiesOnlyWhatItsFinalBackupHolds(t *testing.T) {
	w := backedUp(t, withFinal)
	w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	w.produce("orders", "later")
	c := w.emptying()
	w.prepared(c)
	if _, err := w.Assure(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	w.produce("orders", "last") // after everybody looked, before it is emptied
	w.round()
	w.eventually("restore/default/again", is(sinks.JobDone))
	h, err := w.finalHome(t.Context(), &final{source: "cluster-a"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.Newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	starts, err := w.adm.ListStartOffsets(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	if start, held := starts["orders"][0].Offset, p.Topics[0].Partitions[0].End; start == 0 || held != start {
		t.Errorf("%d offsets were removed, and %d are held", start, held)
	}
}

func TestWithoutAStoreNothingWaits(t *testing.T) {
	w := newWorld(t)
	c := reconcile.Change{ID: reconcile.ID{Kind: kindTopic, Name: "orders"}, Action: reconcile.Delete}
	if waits := w.Prepare(t.Context(), []reconcile.Change{c}, true); len(waits) != 0 {
		t.Errorf("%v", waits)
	}
}

func topicUID(id [16]byte) string { return base64.RawURLEncoding.EncodeToString(id[:]) }
