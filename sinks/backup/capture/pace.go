package capture

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// longestThrottle is the longest that one answer makes us wait: a quota's
	// window is eleven seconds by default (quota.window.num, quota.window.size.seconds).
	longestThrottle = time.Minute
	// slowest is the part of the limit that throttling leaves at least.
	slowest = 1.0 / 16
	// easeEvery is how long after a change the rate may change again: lower at
	// once where several answers are throttled, higher where none was.
	easeEvery = 5 * time.Second
)

// pacer keeps to a limit of bytes a second. Brokers that throttle us show that
// the limit is more than they can spare: then it is halved, and comes back bit
// by bit. It is safe for concurrent use; nil is no limit.
type pacer struct {
	limiter *rate.Limiter
	most    rate.Limit

	mu      sync.Mutex
	changed time.Time
}

func newPacer(bytesPerSec, burst int64) *pacer {
	if bytesPerSec <= 0 {
		return nil
	}
	return &pacer{limiter: rate.NewLimiter(rate.Limit(bytesPerSec), int(max(bytesPerSec, burst))), most: rate.Limit(bytesPerSec)}
}

// heed takes note of how long an answer asked us to be quiet.
func (p *pacer) heed(throttled time.Duration, now time.Time) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.changed) < easeEvery {
		return
	}
	limit := p.limiter.Limit()
	switch {
	case throttled > 0:
		limit = max(limit/2, p.most*slowest)
	case limit < p.most:
		limit = min(limit*5/4, p.most)
	default:
		return
	}
	p.limiter.SetLimit(limit)
	p.changed = now
}

// wait waits until so many bytes may have come.
func (p *pacer) wait(ctx context.Context, n int64) error {
	if p == nil {
		return nil
	}
	for n > 0 {
		step := min(n, int64(p.limiter.Burst()))
		if err := p.limiter.WaitN(ctx, int(step)); err != nil {
			return fmt.Errorf("keep to %.0f bytes a second: %w", p.most, err)
		}
		n -= step
	}
	return nil
}

// quota waits out what a broker asked for, before this connection asks it again
// (KIP-219: a throttled answer comes at once, and the client is to be quiet).
func (f *fetcher) quota(ctx context.Context) error {
	left := time.Until(f.quiet)
	if left <= 0 {
		return nil
	}
	f.Step("throttled")
	return sleep(ctx, left)
}

// throttle notes what an answer asked for.
func (f *fetcher) throttle(millis int32) {
	d := min(time.Duration(max(millis, 0))*time.Millisecond, longestThrottle)
	f.throttled.Add(int64(d))
	f.quiet = time.Now().Add(d)
	f.pacer.heed(d, time.Now())
}
