package work

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/format"
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
	h, err := w.finalHome(t.Context())
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
	cl := w.client(kgo.ConsumerGroup("billing"), kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err := cl.PollFetches(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := cl.CommitUncommittedOffsets(t.Context()); err != nil {
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

func TestWithoutAStoreNothingWaits(t *testing.T) {
	w := newWorld(t)
	c := reconcile.Change{ID: reconcile.ID{Kind: kindTopic, Name: "orders"}, Action: reconcile.Delete}
	if waits := w.Prepare(t.Context(), []reconcile.Change{c}, true); len(waits) != 0 {
		t.Errorf("%v", waits)
	}
}

func topicUID(id [16]byte) string { return base64.RawURLEncoding.EncodeToString(id[:]) }
