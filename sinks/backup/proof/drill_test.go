package proof_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/sinks/backup/proof"
)

func (w *world) drill(change ...func(*proof.DrillOptions)) (proof.Evidence, error) {
	o := proof.DrillOptions{Repository: w.repo, Dial: dial(w.scratch)}
	for _, c := range change {
		c(&o)
	}
	return proof.Drill(w.t.Context(), o)
}

// check returns a check of evidence by its name.
func check(t *testing.T, e proof.Evidence, name string) proof.Check {
	t.Helper()
	i := slices.IndexFunc(e.Checks, func(c proof.Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("there is no check %q in %+v", name, e.Checks)
	}
	return e.Checks[i]
}

func TestADrillProvesEveryRecordAndLeavesNothing(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", 3)
	w.topic("audit."+strings.Repeat("long", 55), 1)
	w.topic("audit."+strings.Repeat("long", 55)+"er", 1)
	point := w.backup()
	var done, total int64
	e, err := w.drill(func(o *proof.DrillOptions) { o.Progress = func(d, all int64) { done, total = d, all } })
	if err != nil {
		t.Fatal(err)
	}
	if !e.Passed || e.Kind != "drill" || e.Point != point.Number || e.Target == "" || len(e.Digests) != 5 || e.Backup.Name != "nightly" {
		t.Errorf("evidence %+v", e)
	}
	if equal := check(t, e, "equal"); !strings.Contains(equal.Text, "450 records of 5 partitions") {
		t.Errorf("%+v", equal)
	}
	if left := w.topics(w.scratch); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if done == 0 || done != total {
		t.Errorf("progress %d of %d", done, total)
	}
}

func TestADrillIntoAnEmbeddedKafkaSaysThatItProvesLess(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", 1)
	w.backup()
	e, err := w.drill(func(o *proof.DrillOptions) { o.Embedded = true })
	if err != nil || !e.Passed || e.Target != "embedded" || !strings.Contains(e.Proves, "can be read") || !strings.Contains(e.Proves, "does not prove") {
		t.Errorf("%v, %+v", err, e)
	}
}

func TestADrillOfChosenTopicsLeavesOthersOut(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", 1)
	w.topic("audit", 2)
	w.backup()
	e, err := w.drill(func(o *proof.DrillOptions) { o.Topics = []string{"au*"} })
	if err != nil || !e.Passed || len(e.Digests) != 2 || e.Digests[0].Topic != "audit" {
		t.Errorf("%v, %+v", err, e)
	}
	if _, err := w.drill(func(o *proof.DrillOptions) { o.Topics = []string{"nobody"} }); err == nil {
		t.Error("a drill of nothing passed")
	}
}

// A flipped byte in a pack must not pass, whoever finds it first.
func TestADrillOfADamagedBackupFails(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", 1)
	w.backup()
	w.damage()
	e, err := w.drill()
	if err != nil {
		t.Fatal(err)
	}
	if e.Passed || check(t, e, "restored").Passed || !strings.Contains(e.Proves, "could not be restored") {
		t.Errorf("evidence %+v", e)
	}
	if left := w.topics(w.scratch); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// damage flips a byte in the middle of every pack.
func (w *world) damage() {
	w.t.Helper()
	for it := w.bucket.List(nil); ; {
		obj, err := it.Next(w.t.Context())
		if err != nil {
			return
		}
		if !strings.Contains(obj.Key, "/packs/") {
			continue
		}
		b, err := w.bucket.ReadAll(w.t.Context(), obj.Key)
		if err != nil {
			w.t.Fatal(err)
		}
		b[100] ^= 1
		if err := w.bucket.WriteAll(w.t.Context(), obj.Key, b, &blob.WriterOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// What a scratch cluster changes under our hands is told, not only what it loses.
func TestADrillFindsRecordsThatAreNotTheBackups(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", 1)
	w.backup()
	e, err := w.drill(func(o *proof.DrillOptions) {
		o.Step = func(step string) {
			if step == "digests of the scratch topics" {
				w.intrude()
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if equal := check(t, e, "equal"); e.Passed || equal.Passed || len(equal.Found) == 0 || !strings.Contains(equal.Found[0], "orders-0: 151 records restored, the backup holds 150") {
		t.Errorf("%+v", equal)
	}
}

// intrude writes one record into every scratch topic.
func (w *world) intrude() {
	cl := w.client(w.scratch)
	for _, topic := range w.topics(w.scratch) {
		if err := cl.ProduceSync(w.t.Context(), &kgo.Record{Topic: topic, Value: []byte("foreign")}).FirstErr(); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestACancelledDrillLeavesNothing(t *testing.T) {
	for _, at := range []string{"create scratch topics", "restore", "digests of the backup", "digests of the scratch topics"} {
		w := newWorld(t)
		w.topic("orders", 1)
		w.backup()
		ctx, cancel := context.WithCancel(t.Context())
		e, err := proof.Drill(ctx, proof.DrillOptions{Repository: w.repo, Dial: dial(w.scratch), Step: func(step string) {
			if step == at {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) || e.Passed || !strings.Contains(e.Proves, "Nothing") {
			t.Errorf("at %q: %v, %+v", at, err, e)
		}
		if left := w.topics(w.scratch); len(left) > 0 {
			t.Errorf("at %q, left behind: %v", at, left)
		}
		cancel()
	}
}

func TestLeftoversOfKilledDrillsAreDeletedAndNothingElse(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", 1)
	w.backup()
	now := time.Now().UTC()
	stamp := func(age time.Duration) string { return now.Add(-age).Format("20060102T150405") }
	old, young := "ottla-drill-"+stamp(25*time.Hour)+"-0a1b2c3d-orders", "ottla-drill-"+stamp(23*time.Hour)+"-0a1b2c3d-orders"
	keep := []string{"ottla-drill-" + stamp(25*time.Hour) + "-0a1b2c3d", "ottla-drill-20200101T000000-xyz-orders", "ottla-drill-notes",
		"my-ottla-drill-20200101T000000-0a1b2c3d-orders", "orders", young, "ottla-drill-20209999T000000-0a1b2c3d-orders"}
	if _, err := kadm.NewClient(w.client(w.scratch)).CreateTopics(t.Context(), 1, 1, nil, append(keep, old)...); err != nil {
		t.Fatal(err)
	}
	e, err := w.drill()
	if err != nil || !e.Passed || !strings.Contains(check(t, e, "leftovers").Text, "1 topic ") {
		t.Errorf("%v, %+v", err, e)
	}
	slices.Sort(keep)
	if left := w.topics(w.scratch); !slices.Equal(left, keep) {
		t.Errorf("left: %v, want %v", left, keep)
	}
}

func TestTopicsThatCannotBeDeletedAreToldByName(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", 1)
	w.backup()
	w.scratch.ControlKey(int16(kmsg.DeleteTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.scratch.KeepControl()
		resp := req.ResponseKind().(*kmsg.DeleteTopicsResponse)
		for _, t := range req.(*kmsg.DeleteTopicsRequest).Topics {
			r := kmsg.NewDeleteTopicsResponseTopic()
			r.TopicID, r.ErrorCode = t.TopicID, kerr.TopicDeletionDisabled.Code
			resp.Topics = append(resp.Topics, r)
		}
		return resp, nil, true
	})
	e, err := w.drill()
	if err != nil {
		t.Fatal(err)
	}
	cleaned := check(t, e, "cleaned")
	if e.Passed || cleaned.Passed || len(cleaned.Found) != 1 || !strings.Contains(cleaned.Found[0], "-orders: TOPIC_DELETION_DISABLED") {
		t.Errorf("%+v", cleaned)
	}
	if !check(t, e, "equal").Passed {
		t.Error("the records are equal all the same")
	}
}

func TestAScratchClusterThatCannotBeReachedProvesNothing(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", 1)
	w.backup()
	away := errors.New("no route to host")
	e, err := w.drill(func(o *proof.DrillOptions) {
		o.Dial = func(context.Context) (*kgo.Client, error) { return nil, away }
	})
	if !errors.Is(err, away) || e.Passed || len(e.Checks) != 0 {
		t.Errorf("%v, %+v", err, e)
	}
}
