package git

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"github.com/ottla-io/ottla/sources"
)

// The defaults of PollOptions.
const (
	DefaultInterval = time.Minute
	DefaultMaxPause = 10 * time.Minute
)

// PollOptions say how often a source is asked.
type PollOptions struct {
	Interval time.Duration // between polls, ±10 % so that many agents do not knock at once; 0: DefaultInterval
	MaxPause time.Duration // the longest pause after errors; 0: DefaultMaxPause
}

// Poller asks a source as often as it should be asked, however often the
// caller comes by. It holds no goroutine. It is safe for concurrent use; only
// one fetch runs at a time and at most one a second is begun.
type Poller struct {
	source  sources.Source
	opts    PollOptions
	limit   *rate.Limiter
	backoff *backoff.ExponentialBackOff
	wake    chan struct{}
	turn    chan struct{} // held while fetching

	mu     sync.Mutex // guards what follows
	last   sources.Snapshot
	status PollStatus
	poked  bool
	asked  time.Time // by the remote: not before
}

// PollStatus is how polling fares.
type PollStatus struct {
	LastSuccess  time.Time // zero if there was none
	FailingSince time.Time // zero if the last fetch was good
	Err          error     // of the last fetch
	Next         time.Time // when the next poll is due, pokes apart
	Fetches      int64     // begun so far
	Failures     int64     // of them
}

// NewPoller wraps a source. The first Newest fetches.
func NewPoller(source sources.Source, o PollOptions) *Poller {
	o.Interval = cmp.Or(o.Interval, DefaultInterval)
	o.MaxPause = cmp.Or(o.MaxPause, DefaultMaxPause)
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = min(5*time.Second, o.MaxPause)
	b.MaxInterval = o.MaxPause
	b.Multiplier, b.RandomizationFactor = 2, 0.1
	return &Poller{source: source, opts: o, limit: rate.NewLimiter(rate.Every(time.Second), 1),
		backoff: b, wake: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
}

// Newest returns the newest snapshot: fetched now if a poll is due or somebody
// poked, else as it was last seen. While fetching fails it returns the last
// error, between the attempts too, and never an older snapshot; Last has that.
func (p *Poller) Newest(ctx context.Context) (sources.Snapshot, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return sources.Snapshot{}, context.Cause(ctx)
	}
	if !p.due(time.Now()) {
		return p.seen()
	}
	if err := p.limit.Wait(ctx); err != nil {
		return sources.Snapshot{}, err
	}
	p.begin()
	s, err := p.source.Fetch(ctx)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		p.again() // it was the caller who gave up: nothing was learnt
		return sources.Snapshot{}, err
	}
	return p.finish(s, err, time.Now())
}

// Last is the last snapshot that was fetched, however long ago; false if there
// was none.
func (p *Poller) Last() (sources.Snapshot, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.last.Tree != nil
}

// Poke makes the next Newest fetch, but not before a time the remote itself
// has asked for. Many pokes are one.
func (p *Poller) Poke() {
	p.again()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Wake receives after a Poke.
func (p *Poller) Wake() <-chan struct{} { return p.wake }

// Descends asks the source.
func (p *Poller) Descends(ctx context.Context, newer, older string) (bool, error) {
	return p.source.Descends(ctx, newer, older)
}

// Status tells how polling fares.
func (p *Poller) Status() PollStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// Err is the last fetch's error.
func (p *Poller) Err() error { return p.Status().Err }

func (p *Poller) due(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.asked) {
		return false
	}
	return p.poked || !now.Before(p.status.Next)
}

func (p *Poller) seen() (sources.Snapshot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status.Err != nil {
		return sources.Snapshot{}, p.status.Err
	}
	return p.last, nil
}

// begin uses the poke up before the fetch: one that comes meanwhile may mean a
// commit this fetch does not see.
func (p *Poller) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.poked = false
	p.status.Fetches++
}

func (p *Poller) again() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.poked = true
}

func (p *Poller) finish(s sources.Snapshot, err error, now time.Time) (sources.Snapshot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status.Err = err
	if err == nil {
		p.backoff.Reset()
		p.last, p.status.LastSuccess, p.status.FailingSince = s, now, time.Time{}
		p.asked = time.Time{}
		p.status.Next = now.Add(jittered(p.opts.Interval))
		return s, nil
	}
	p.status.Failures++
	if p.status.FailingSince.IsZero() {
		p.status.FailingSince = now
	}
	p.status.Next = now.Add(p.backoff.NextBackOff())
	var later *sources.RetryAfterError
	if errors.As(err, &later) {
		p.asked = now.Add(later.After)
		p.status.Next = p.asked
	}
	return sources.Snapshot{}, err
}

// jittered spreads an interval by ±10 %.
func jittered(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64())) //nolint:gosec // no secret depends on it
}
