package ledger

import (
	"context"
	"strings"
	"time"
)

func isJournal(key string) bool {
	return strings.HasPrefix(key, keyEntry) || strings.HasPrefix(key, keySnapshot)
}

// elapsed is how long ago something was, by the clock that says more: one of
// them stands still while a machine sleeps, the other may be set back.
func elapsed(from, now time.Time) time.Duration {
	return max(now.Sub(from), now.Round(0).Sub(from.Round(0)))
}

func (r *reign) age() time.Duration {
	r.heldMu.Lock()
	defer r.heldMu.Unlock()
	return elapsed(r.held, time.Now())
}

// hold is nil where we may write now: our last record is young, or we can write
// another one. Whoever leads after us waits until no such record is left.
func (r *reign) hold(ctx context.Context) error {
	if err := context.Cause(r.ctx); err != nil {
		return notLeading(err)
	}
	if r.age() < r.l.o.Hold/2 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.age() < r.l.o.Hold/2 {
		return nil
	}
	if err := r.write(ctx, r.leaseItem()); err != nil {
		return err
	}
	if r.age() >= r.l.o.Hold {
		return ErrNotLeading // it was written, and we were held up since
	}
	return nil
}

// touch writes the lease of a leader that has nothing to write for long.
func (r *reign) touch(ctx context.Context) {
	if r.age() < touchEvery {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.write(ctx, r.leaseItem()) // it has ended the reign
}

// abdicate gives the lease up: the next leader need not wait.
func (r *reign) abdicate(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lease.Released = true
	_ = r.write(ctx, r.leaseItem()) // the next leader waits, then
}

// Hold is nil where this agent may change something on the cluster now. It is
// to be asked right before a request leaves.
func (l *Ledger) Hold() error {
	r := l.reigning()
	if r == nil {
		return l.notLeading()
	}
	ctx, cancel := context.WithTimeout(l.working, l.o.Hold)
	defer cancel()
	return r.hold(ctx)
}
