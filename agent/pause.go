package agent

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// pause is the time to the next round: the interval after a good one, growing
// after failures, so that a broker in trouble is not asked the harder.
type pause struct {
	interval time.Duration
	growing  *backoff.ExponentialBackOff
}

func newPause(interval time.Duration) *pause {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = firstRetry, lastRetry, 2
	b.Reset()
	return &pause{interval, b}
}

func (p *pause) after(r Report) time.Duration {
	if !r.Failed() {
		p.growing.Reset()
		return p.interval
	}
	return p.growing.NextBackOff()
}
