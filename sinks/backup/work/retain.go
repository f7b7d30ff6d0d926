package work

import (
	"context"
	"fmt"
	"time"

	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/retention"
)

// retentionOf is a policy's, and false where it keeps every point.
func retentionOf(spec backup.Spec) (retention.Policy, bool) {
	p := retention.Policy{
		Last: int(spec.Int("retention.keepLast")), Within: spec.Duration("retention.maxAge"),
		Hourly: int(spec.Int("retention.hourly")), Daily: int(spec.Int("retention.daily")), Weekly: int(spec.Int("retention.weekly")),
		Monthly: int(spec.Int("retention.monthly")), Yearly: int(spec.Int("retention.yearly")),
	}
	some := p != retention.Policy{}
	if zone, err := time.LoadLocation(spec[backup.FieldZone]); err == nil {
		p.Zone = zone
	}
	return p, some && !spec.Is("retention.dryRun")
}

// releaseMost bounds giving a lease back, also where the work has ended.
const releaseMost = 30 * time.Second

// retain drops points that no rule keeps, and sweeps what nothing reaches: under
// the lease of a run that goes on, or, where that is nil, under one of its own.
func (s *Service) retain(ctx context.Context, of policyRun, h *home, lease *repository.Lease) error {
	policy, some := retentionOf(of.spec)
	if !some {
		return nil
	}
	drop, err := s.dropped(ctx, h, policy)
	if err != nil {
		return err
	}
	if lease == nil {
		if lease, err = h.Acquire(ctx, time.Minute); err != nil {
			return fmt.Errorf("retain: %w", err)
		}
		defer release(ctx, lease)
	}
	if len(drop) > 0 {
		if err := h.Remove(lease.Context(), lease, drop); err != nil {
			return fmt.Errorf("drop points: %w", err)
		}
	}
	if _, err := h.Sweep(lease.Context(), lease, false); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// release gives a lease back. One that could not be given back runs out.
func release(ctx context.Context, lease *repository.Lease) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseMost)
	defer cancel()
	_ = lease.Release(last)
}

// dropped are the points that no rule keeps, with the reasons.
func (s *Service) dropped(ctx context.Context, h *home, policy retention.Policy) (map[int64]string, error) {
	entries, err := h.Points(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the points: %w", err)
	}
	var points []retention.Point
	for _, e := range entries {
		if e.Removed == "" {
			points = append(points, retention.Point{Number: e.Manifest.Number, Taken: e.Manifest.Taken, Good: e.Bad == "", Pinned: e.Manifest.Pinned})
		}
	}
	if len(points) == 0 {
		return nil, nil
	}
	decisions, err := retention.Apply(points, policy, s.o.Now())
	if err != nil {
		return nil, fmt.Errorf("decide what is kept: %w", err)
	}
	drop := map[int64]string{}
	for _, d := range decisions {
		if len(d.Keep) == 0 {
			drop[d.Point.Number] = d.Drop
		}
	}
	return drop, nil
}
