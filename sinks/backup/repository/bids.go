package repository

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// leaseSlack is what two clocks of one store may differ by, and how coarse they
// are: S3 tells whole seconds.
const leaseSlack = 2 * time.Second

// maxTTL bounds a lease: a writer that died holds up the others no longer.
const maxTTL = time.Hour

// bid is one object of the series leases.
type bid struct {
	format.Lease
	number  int64
	written time.Time // by the store's clock
}

// until is when another holder may take over, by the store's clock.
func (b bid) until() time.Time { return b.written.Add(b.TTL + leaseSlack) }

// held says whether b stands in the way of another holder at that time.
func (b bid) held(at time.Time) bool {
	return b.number > 0 && !b.Released && at.Before(b.until())
}

// winner folds bids in the order of their numbers: the first has the lease, and
// each later one takes it if the holder is the same or had let go by the time
// it was written. It is pure, so everybody who looks sees the same winner.
func winner(bids []bid) (w bid) {
	for _, b := range bids {
		if b.Holder == w.Holder || !w.held(b.written) {
			w = b
		}
	}
	return w
}

// bids reads those that matter: from the one that the newest stands on. number
// is the highest that is taken.
func (r *Repository) bids(ctx context.Context) (all []bid, number int64, err error) {
	s := r.Series(leases, format.KindLease)
	for range 5 {
		numbers, written, err := s.Numbers(ctx)
		if err != nil || len(numbers) == 0 {
			return nil, 0, err
		}
		all, err = s.tail(ctx, numbers, written)
		// A sweep may have taken what was listed: newer bids stand on newer ones.
		if gcerrors.Code(err) == gcerrors.NotFound {
			continue
		}
		return all, numbers[len(numbers)-1], err
	}
	return nil, 0, fmt.Errorf("read the leases: they vanish while they are read")
}

func (s *Series) tail(ctx context.Context, numbers []int64, written map[int64]time.Time) ([]bid, error) {
	newest := numbers[len(numbers)-1]
	last, err := s.bid(ctx, newest, written)
	if err != nil {
		return nil, err
	}
	if last.On == 0 || last.On >= newest {
		return []bid{last}, nil
	}
	i, found := slices.BinarySearch(numbers, last.On)
	if !found {
		return nil, fmt.Errorf("%w: %s stands on %s, which is missing: once no agent is running, delete everything below %s",
			ErrDamaged, s.name(newest), s.name(last.On), s.dir)
	}
	var all []bid
	for _, n := range numbers[i : len(numbers)-1] {
		b, err := s.bid(ctx, n, written)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return append(all, last), nil
}

func (s *Series) bid(ctx context.Context, number int64, written map[int64]time.Time) (bid, error) {
	b := bid{number: number, written: written[number]}
	if _, err := s.r.open(ctx, s.name(number), s.kind, &b.Lease); err != nil {
		return bid{}, err
	}
	if b.TTL < 0 || b.TTL > maxTTL {
		return bid{}, fmt.Errorf("%s: %w: a lease of %v", s.name(number), ErrDamaged, b.TTL)
	}
	return b, nil
}

// clock knows how far the store's clock is from ours, from what we wrote.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
	known  bool
}

func (c *clock) observe(local, stored time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset, c.known = stored.Sub(local), true
}

// now is the store's time, or ours while nothing was written that tells it.
func (r *Repository) now() time.Time {
	now, known := r.clock.at(r.o.Now())
	if !known {
		return r.o.Now()
	}
	return now
}

// at is the store's time at our time; not ok if nothing was written yet.
func (c *clock) at(local time.Time) (stored time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return local.Add(c.offset), c.known
}
