package work

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/restore"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

// whileOpened has something happen whenever a store is opened: what a person
// decided takes its time to be written down.
func (w *world) whileOpened(happens func()) {
	open := w.engine.store
	w.engine.store = func(ctx context.Context, o store.Options) (*blob.Bucket, error) {
		happens()
		return open(ctx, o)
	}
}

func TestAJobThatIsPausedOrCancelledDoesNotBeginAgain(t *testing.T) {
	for do, want := range map[sinks.JobAction]sinks.JobState{sinks.PauseJob: sinks.JobPaused, sinks.CancelJob: sinks.JobCancelled} {
		t.Run(string(do), func(t *testing.T) {
			w := backedUp(t)
			began := make(chan string, 100)
			w.stuck(began)
			var steered atomic.Bool
			w.whileOpened(func() {
				for i := 0; i < 20 && steered.Load(); i++ {
					w.tend()
					<-time.After(time.Millisecond)
				}
			})
			w.run()
			w.round()
			id := jobOf(backup.DoesRestore, "again")
			w.declare(id, w.restoreSpec())
			w.round()
			<-began
			w.homes.mu.Lock()
			delete(w.homes.open, id.String())
			w.homes.mu.Unlock()
			steered.Store(true)
			if j, err := w.Steer(t.Context(), "restore/default/again", do); err != nil || j.State != want {
				t.Fatalf("%+v, %v", j, err)
			}
			w.tend()
			w.Service.mu.Lock()
			defer w.Service.mu.Unlock()
			j := w.jobs[id]
			j.mu.Lock()
			defer j.mu.Unlock()
			if j.stopped != nil || len(began) > 0 {
				t.Errorf("it began again, %d times", len(began))
			}
		})
	}
}

// halfway is a restore into a topic that is there, stopped by a person between
// lifting it and writing into it.
func halfway(t *testing.T) *world {
	w := backedUp(t)
	if _, err := w.adm.CreateTopic(t.Context(), 1, 1, map[string]*string{"retention.ms": new("86400000")}, "orders-2"); err != nil {
		t.Fatal(err)
	}
	lifted := make(chan struct{}, 100)
	w.engine.restore = func(ctx context.Context, o restore.Options) (restore.Report, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		o.Step = func(step string) {
			if step == "topics lifted" {
				lifted <- struct{}{}
				cancel()
			}
		}
		return restore.Run(ctx, o)
	}
	w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	w.declare(jobOf(backup.DoesRestore, "again"), w.restoreSpec())
	w.round()
	<-lifted
	if got := w.retention("orders-2"); got != "-1" {
		t.Fatalf("it is not lifted: retention.ms is %s", got)
	}
	return w
}

func (w *world) retention(topic string) string {
	w.Helper()
	all, err := w.adm.DescribeTopicConfigs(w.Context(), topic)
	if err != nil {
		w.Fatal(err)
	}
	for _, c := range all[0].Configs {
		if c.Key == "retention.ms" {
			return c.MaybeValue()
		}
	}
	return ""
}

func TestARestoreThatIsCancelledPutsTopicsBack(t *testing.T) {
	for name, cancel := range map[string]func(*world){
		"by hand": func(w *world) {
			if _, err := w.Steer(t.Context(), "restore/default/again", sinks.CancelJob); err != nil {
				t.Fatal(err)
			}
		},
		"by its document": func(w *world) {
			w.declare(jobOf(backup.DoesRestore, "again"), nil)
			w.round()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := halfway(t)
			cancel(w)
			if got := w.retention("orders-2"); got != "86400000" {
				t.Errorf("retention.ms is %s", got)
			}
		})
	}
}

// hangs makes runs of backups hang until they are told to stop, and counts them.
func (w *world) hangs(began chan<- struct{}) {
	w.engine.capture = func(ctx context.Context, _ capture.Options) (capture.Report, error) {
		began <- struct{}{}
		<-ctx.Done()
		return capture.Report{}, ctx.Err()
	}
}

func TestAScheduledBackupIsPausedAcrossARestartAndResumed(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", "a")
	began := make(chan struct{}, 100)
	w.hangs(began)
	w.declare(policyOf("nightly"), w.spec(backup.FieldSchedule, "* * * * * *"))
	stop := w.run()
	w.round()
	<-began
	const id = "backup/default/nightly"
	if j, err := w.Steer(t.Context(), id, sinks.PauseJob); err != nil || j.State != sinks.JobPaused {
		t.Fatalf("%+v, %v", j, err)
	}
	equal(t, "told", keys(w.Incidents()), []string{"work/main/default/nightly/paused"})
	stop()
	w.restart()
	w.hangs(began)
	w.brief()
	w.run()
	w.eventually(id, is(sinks.JobPaused))
	if _, err := w.BackupNow(t.Context(), id); err == nil || !strings.Contains(err.Error(), "ottla job resume") {
		t.Errorf("a run of what is paused: %v", err)
	}
	if len(began) > 0 {
		t.Error("a paused backup ran after a restart")
	}
	if _, err := w.Steer(t.Context(), id, sinks.ResumeJob); err != nil {
		t.Fatal(err)
	}
	<-began
	equal(t, "told", len(w.Incidents()), 0)
	if _, err := w.Steer(t.Context(), id, sinks.ResumeJob); err == nil {
		t.Error("what is not paused is resumed")
	}
}

func TestCancellingEndsTheRunOfABackupAndItsScheduleGoesOn(t *testing.T) {
	for name, more := range map[string][]string{"scheduled": {backup.FieldSchedule, "* * * * * *"}, "continuous": {"continuous", "true", "window", "20ms"}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.topic("orders", "a")
			began := make(chan struct{}, 100)
			w.hangs(began)
			w.engine.follow = func(ctx context.Context, o capture.Options, _ capture.Window, _ capture.Each) error {
				_, err := w.engine.capture(ctx, o)
				return err
			}
			w.declare(policyOf("nightly"), w.spec(more...))
			w.run()
			w.round()
			<-began
			j, err := w.Steer(t.Context(), "backup/default/nightly", sinks.CancelJob)
			if err != nil || j.Point != 0 {
				t.Fatalf("%+v, %v", j, err)
			}
			<-began // its schedule goes on
			for _, one := range w.Incidents() {
				t.Errorf("%+v", one)
			}
		})
	}
}

func TestWhatDoesNotRunIsNotCancelled(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", "a")
	w.declare(policyOf("yearly"), w.spec(backup.FieldSchedule, "0 0 1 1 *"))
	w.run()
	w.round()
	if _, err := w.Steer(t.Context(), "backup/default/yearly", sinks.CancelJob); err == nil || !strings.Contains(err.Error(), "nothing to cancel") {
		t.Errorf("%v", err)
	}
	if _, err := w.Steer(t.Context(), "backup/default/nothing", sinks.PauseJob); err == nil {
		t.Error("what is not there is paused")
	}
}
