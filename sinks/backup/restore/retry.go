package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/ottla-io/ottla/sinks/backup/patience"
)

// retry waits between attempts, for as long as there is progress now and then.
type retry struct {
	patience time.Duration
	delay    *backoff.ExponentialBackOff
	since    time.Time // of the first failure after the last progress; zero if none
}

func newRetry(patience time.Duration) *retry {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = 50*time.Millisecond, 5*time.Second
	return &retry{patience: patience, delay: b}
}

// reset says that there was progress.
func (r *retry) reset() {
	if !r.since.IsZero() {
		r.since = time.Time{}
		r.delay.Reset()
	}
}

// wait waits after a failure, or gives up.
func (r *retry) wait(ctx context.Context, failure error) error {
	if r.since.IsZero() {
		r.since = time.Now()
	}
	if time.Since(r.since) > r.patience {
		return fmt.Errorf("no progress for %s: %w; run it again under its name to go on", r.patience, failure)
	}
	timer := time.NewTimer(r.delay.NextBackOff())
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// patiently asks again while the target is between two states.
func (j *job) patiently(ctx context.Context, do func() error) error {
	return patience.Do(ctx, j.patience, do)
}

// passing tells a failure that may be over soon: a broker that is away, a
// leader that has moved, replicas that are behind.
func passing(err error) bool {
	var code *kerr.Error
	var lost lostError
	return patience.Passing(err) || !errors.As(err, &code) && errors.As(err, &lost) || errors.Is(err, errLeaderless)
}
