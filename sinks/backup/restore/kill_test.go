package restore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// mostSteps is more than a restore of this test has.
const mostSteps = 200

func TestARestoreKilledAtAnyStepGoesOnAndDoublesNothing(t *testing.T) {
	w := newWorld(t)
	small := topic{Topic: format.Topic{Name: "small"}, logs: []log{{{dense(batch.LZ4, 0, 40)}, {dense(batch.LZ4, 40, 5), dense(batch.LZ4, 50, 5)}}, {{dense(batch.None, 3, 30)}}}}
	w.point(func(m *format.Manifest) {
		m.Groups = []format.Group{{Name: "billing", Type: "classic", Offsets: []format.Commit{
			{Topic: "orders", Partition: 0, Offset: 74, Epoch: 3, Metadata: "m"}, {Topic: "small", Partition: 0, Offset: 45}, {Topic: "small", Partition: 1, Offset: 33},
		}}}
	}, orders(), small)
	steps := 0
	for n := 1; n <= mostSteps; n++ {
		if !w.killedAt(n) {
			break
		}
		steps = n
	}
	if steps < 20 || steps == mostSteps {
		t.Errorf("a restore was killed at %d steps", steps)
	}
	t.Logf("killed at each of %d steps", steps)
}

// killedAt ends a restore at its nth step, as far as a test can: nothing works
// from then on. It tells whether there was such a step.
func (w *world) killedAt(n int) bool {
	w.t.Helper()
	pre := fmt.Sprintf("k%d-", n)
	_, err := w.admin.CreateTopics(w.t.Context(), 3, 1, map[string]*string{"retention.ms": new("86400000")}, pre+"orders")
	must(w.t, err)
	o := w.options(pre + "restore")
	o.Rename, o.Groups, o.Repartition = map[string]string{"*": pre + "*"}, []string{"bill*"}, map[string]int{"small": 3}
	o.Existing = "append"
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	var step atomic.Int64
	o.Step = func(string) {
		if step.Add(1) == int64(n) {
			cancel()
		}
	}
	_, err = Run(ctx, o)
	o.Step, o.Prove = nil, true
	if err == nil && step.Load() < int64(n) {
		return false
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		w.t.Fatalf("step %d: %v", n, err)
	}
	r := w.run(o)
	if r.Restored != 211 || len(r.Unequal) > 0 {
		w.t.Fatalf("step %d: %d records, unequal %v", n, r.Restored, r.Unequal)
	}
	for p, l := range orders().logs {
		w.same(pre+"orders", int32(p), want(l))
	}
	w.isSettled(pre, n)
	return true
}

func (w *world) isSettled(pre string, n int) {
	w.t.Helper()
	configs, err := w.admin.DescribeTopicConfigs(w.t.Context(), pre+"orders")
	must(w.t, err)
	for _, c := range configs[0].Configs {
		if c.Key == "retention.ms" && c.MaybeValue() != "86400000" {
			w.t.Errorf("step %d: retention.ms is %s", n, c.MaybeValue())
		}
	}
	got, err := w.admin.FetchOffsets(w.t.Context(), "billing")
	must(w.t, err)
	o, ok := got.Lookup(pre+"orders", 0)
	// 10..49 are 0..39, 50 is 40, 70 is 41, 73 is 42: the next record behind 74 is 79.
	if !ok || o.At != 43 || o.Metadata != "m" {
		w.t.Errorf("step %d: the group is at %+v", n, o)
	}
	total := 0
	for p := range int32(3) {
		total += len(w.got(pre+"small", p))
	}
	if total != 80 {
		w.t.Errorf("step %d: small has %d records, want 80", n, total)
	}
}

func TestADoneRestoreDoesNothingMore(t *testing.T) {
	w := newWorld(t)
	w.point(nil, orders())
	w.run(w.options("once"))
	r := w.run(w.options("once"))
	if r.Topics[0].Action != actionDone || r.Restored != 131 {
		t.Errorf("the second report is %+v", r)
	}
	w.same("orders", 0, want(orders().logs[0]))
	other := w.options("once")
	other.Topics = []string{"orders"}
	if _, err := Run(t.Context(), other); err == nil {
		t.Error("another specification under the same name is carried out")
	}
	_, err := w.admin.DeleteTopics(t.Context(), "orders")
	must(t, err)
	if _, err := Run(t.Context(), w.options("once")); err == nil {
		t.Error("a restore whose topic is gone says that it is done")
	}
}

func TestAForeignWriteStopsItsPartitionAndIsNamed(t *testing.T) {
	w := newWorld(t)
	w.point(nil, orders())
	o := w.options("foreign")
	o.Concurrency = 1 // partition 0 comes first
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var once atomic.Bool
	o.Step = func(step string) {
		if step == "batch written" && once.CompareAndSwap(false, true) {
			w.write("orders", 0, "foreign")
		}
	}
	_, err := Run(ctx, o)
	var foreign *ForeignWriteError
	if !errors.As(err, &foreign) || foreign.Partition != 0 {
		t.Fatalf("the error is %v", err)
	}
	t.Log(err)
	w.same("orders", 1, want(orders().logs[1]))
	o.Step = nil
	if _, err := Run(ctx, o); !errors.As(err, &foreign) {
		t.Fatalf("run again, the error is %v", err)
	}
	t.Log(err)
}
