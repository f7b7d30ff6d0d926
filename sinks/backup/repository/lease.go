package repository

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

const leases = "leases"

// Lease is the right to write to a repository. It renews itself until released.
type Lease struct {
	r      *Repository
	holder string
	ttl    time.Duration

	ctx  context.Context
	end  context.CancelCauseFunc
	done chan struct{} // closed when renewing has stopped
	made bool          // whether a bid of ours may stand, for Acquire
}

// HeldError says that another writer has the lease.
type HeldError struct {
	Holder string
	Until  time.Time // by the store's clock
}

// Error says who and until when.
func (e *HeldError) Error() string {
	return fmt.Sprintf("another writer works on this backup repository: %s, until %s unless it goes on",
		e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// Acquire takes the lease, or returns a *HeldError that says who has it until
// when. Every call is a holder of its own. ttl is at most an hour; it is renewed
// at a third of it, and its Context ends with ctx.
func (r *Repository) Acquire(ctx context.Context, ttl time.Duration) (*Lease, error) {
	if ttl <= 0 || ttl > maxTTL {
		return nil, fmt.Errorf("take the lease: for %v: it is more than nothing and at most %v", ttl, maxTTL)
	}
	l := &Lease{r: r, holder: r.o.Writer + "#" + rand.Text()[:8], ttl: ttl, done: make(chan struct{})}
	before := time.Now()
	err := l.take(ctx)
	var held *HeldError
	if errors.As(err, &held) {
		return nil, held
	}
	if err != nil {
		l.withdraw(ctx)
		return nil, fmt.Errorf("take the lease: %w", err)
	}
	l.ctx, l.end = context.WithCancelCause(ctx)
	go l.renew(before)
	return l, nil
}

// tries is how often a bid is made anew when another writer took its number.
const tries = 8

func (l *Lease) take(ctx context.Context) error {
	for range tries {
		w, err := l.bid(ctx, false)
		if errors.Is(err, ErrTaken) {
			continue
		}
		if err != nil {
			return err
		}
		if w.Holder == l.holder {
			return nil
		}
		return &HeldError{w.Holder, w.until()}
	}
	return ErrTaken
}

// bid makes a bid and returns who has the lease then. Where another holder is
// known to have it, none is made.
func (l *Lease) bid(ctx context.Context, release bool) (bid, error) {
	all, highest, err := l.r.bids(ctx)
	if err != nil {
		return bid{}, err
	}
	w := winner(all)
	if w.Holder != l.holder {
		// Only an offset measured from an object of our own lets us say that the
		// lease is still held. A bid that loses does no harm, and measures it.
		if now, known := l.r.clock.at(l.r.o.Now()); known && w.held(now) {
			return w, nil
		}
	}
	l.made = true
	before := l.r.o.Now()
	mine := format.Lease{Holder: l.holder, TTL: l.ttl, Released: release, On: w.number}
	if err := l.r.Series(leases, format.KindLease).Put(ctx, highest+1, mine); err != nil {
		return bid{}, err
	}
	return l.look(ctx, highest+1, before)
}

// withdrawMost bounds taking a bid back.
const withdrawMost = 10 * time.Second

// withdraw takes a bid back of which nobody saw what came: it may have won, and
// everybody would wait until it has run out.
func (l *Lease) withdraw(ctx context.Context) {
	if !l.made {
		return
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawMost)
	defer cancel()
	_, _ = l.bid(last, true) // it runs out where that fails, too
}

// look sees who has the lease now, and measures the store's clock by our bid.
func (l *Lease) look(ctx context.Context, mine int64, local time.Time) (bid, error) {
	all, _, err := l.r.bids(ctx)
	if err != nil {
		return bid{}, err
	}
	for _, b := range all {
		if b.number == mine {
			l.r.clock.observe(local, b.written)
		}
	}
	return winner(all), nil
}

// renew bids again at a third of the time to live. What was not renewed when
// the time is over is lost: others may have it by then.
func (l *Lease) renew(last time.Time) {
	defer close(l.done)
	wait := time.NewTimer(l.ttl / 3)
	defer wait.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-wait.C:
		}
		before := time.Now()
		if err := l.renewOnce(last); err != nil {
			l.end(err)
			return
		}
		last = before
		wait.Reset(l.ttl / 3)
	}
}

// renewOnce goes on until it is renewed, lost, or the time is over.
func (l *Lease) renewOnce(last time.Time) error {
	ctx, cancel := context.WithDeadline(l.ctx, last.Add(l.ttl))
	defer cancel()
	again := time.NewTicker(max(l.ttl/20, time.Millisecond))
	defer again.Stop()
	for {
		err := l.take(ctx)
		var held *HeldError
		if err == nil || l.ctx.Err() != nil {
			return nil
		}
		if errors.As(err, &held) {
			return fmt.Errorf("%w: %w", ErrLease, held)
		}
		select {
		case <-ctx.Done():
			if l.ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("%w: it could not be renewed within %v: %w", ErrLease, l.ttl, err)
		case <-again.C:
		}
	}
}

// Context ends when the lease is lost or released; its cause says why.
func (l *Lease) Context() context.Context { return l.ctx }

// releaseMost bounds giving a lease back.
const releaseMost = 30 * time.Second

// Release gives the lease back, also where ctx has ended, and gives up soon where
// the store does not answer: a lease that is not given back runs out. It may be
// called more than once.
func (l *Lease) Release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseMost)
	defer cancel()
	lost := l.lost()
	l.end(fmt.Errorf("%w: it was released", ErrLease))
	<-l.done
	if lost {
		return nil
	}
	for range tries {
		_, err := l.bid(ctx, true)
		if errors.Is(err, ErrTaken) {
			continue
		}
		if err != nil {
			return fmt.Errorf("give the lease back: %w", err)
		}
		return nil
	}
	return fmt.Errorf("give the lease back: %w", ErrTaken)
}

func (l *Lease) lost() bool { return errors.Is(context.Cause(l.ctx), ErrLease) }

// check looks once more that the lease of r is ours.
func (l *Lease) check(ctx context.Context, r *Repository) error {
	if l == nil || l.r != r {
		return fmt.Errorf("%w: none was taken on this repository", ErrLease)
	}
	if err := context.Cause(l.ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrLease, err)
	}
	all, _, err := r.bids(ctx)
	if err != nil {
		return err
	}
	if w := winner(all); w.Holder != l.holder || w.Released {
		return fmt.Errorf("%w: %s has it", ErrLease, w.Holder)
	}
	return nil
}
