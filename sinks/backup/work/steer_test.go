package work

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
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
