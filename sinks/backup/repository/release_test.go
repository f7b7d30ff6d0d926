package repository

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/store/through"
)

func TestALeaseIsGivenBackAfterAnInterruptAndADeadStoreHangsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dead atomic.Bool
		bucket := through.Bucket(memory(t), func(ctx context.Context, _ through.Op, _ string, do func() error) error {
			if dead.Load() {
				<-ctx.Done()
				return ctx.Err()
			}
			return do()
		})
		f := newFixture(t, Options{Bucket: bucket})
		interrupted, cancel := context.WithCancel(t.Context())
		cancel()
		if err := f.lease.Release(interrupted); err != nil {
			t.Fatalf("after an interrupt: %v", err)
		}
		next, err := f.Acquire(t.Context(), time.Minute)
		if err != nil {
			t.Fatalf("it was not given back: %v", err)
		}
		dead.Store(true)
		began := time.Now()
		if err := next.Release(interrupted); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > releaseMost {
			t.Errorf("a dead store: %v after %v", err, time.Since(began))
		}
	})
}
