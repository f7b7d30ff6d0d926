package agent

import (
	"cmp"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
	// usualInterval is the time between rounds where none is configured.
	usualInterval = 30 * time.Second
)

// pause is the time to the next round: the interval after a good one. After a
// failed change the next try comes sooner, then later each time up to the
// interval, because the rest of the cluster goes on being healed. A cluster
// that cannot be reached is asked ever more rarely.
type pause struct {
	interval time.Duration
	growing  *backoff.ExponentialBackOff
}

func newPause(interval time.Duration) *pause {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = firstRetry, lastRetry, 2
	b.Reset()
	return &pause{cmp.Or(interval, usualInterval), b}
}

func (p *pause) after(r Report) time.Duration {
	if !r.Failed() {
		p.growing.Reset()
		return p.interval
	}
	next := min(p.growing.NextBackOff(), lastRetry) // it strays from its own limit
	if r.Err == nil {
		return min(next, p.interval)
	}
	return next
}
