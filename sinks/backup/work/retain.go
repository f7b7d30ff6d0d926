package work

import (
	"context"
	"fmt"
	"strings"
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
	return p, some
}

// releaseMost bounds giving a lease back, also where the work has ended.
const releaseMost = 30 * time.Second

// retain drops points that no rule keeps, and sweeps what nothing reaches: under
// the lease of a run that goes on, or, where that is nil, under one of its own.
// A dry run has words for what it would do, a sweep for what it was not let do.
func (s *Service) retain(ctx context.Context, of policyRun, h *home, lease *repository.Lease) (text string, err error) {
	policy, some := retentionOf(of.spec)
	if !some {
		return "", nil
	}
	decisions, err := s.decide(ctx, h, policy)
	if err != nil {
		return "", err
	}
	if of.spec.Is("retention.dryRun") {
		return rehearsed(decisions), nil
	}
	drop := dropped(decisions)
	if len(drop) == 0 && !h.swept.due(s.o.Now()) {
		return "", nil
	}
	if lease == nil {
		if lease, err = h.Acquire(ctx, time.Minute); err != nil {
			return "", fmt.Errorf("retain: %w", err)
		}
		defer release(ctx, lease)
	}
	return s.drop(h, lease, drop)
}

// drop drops points, and sweeps once a day: what is dropped waits out a grace of
// a day anyway. What the store does not let go yet is said.
func (s *Service) drop(h *home, lease *repository.Lease, points map[int64]string) (text string, err error) {
	if len(points) > 0 {
		if err := h.Remove(lease.Context(), lease, points); err != nil {
			return "", fmt.Errorf("drop points: %w", err)
		}
	}
	now := s.o.Now()
	if !h.swept.due(now) {
		return "", nil
	}
	swept, err := h.Sweep(lease.Context(), lease, false)
	if err != nil {
		return "", fmt.Errorf("sweep: %w", err)
	}
	h.swept.done(now)
	return deferred(swept), nil
}

// deferred has words for what a sweep was not let delete.
func deferred(s repository.Swept) string {
	if len(s.Deferred) == 0 {
		return ""
	}
	return fmt.Sprintf("%d objects are swept later: %s", len(s.Deferred), s.Deferred[0])
}

// release gives a lease back. One that could not be given back runs out.
func release(ctx context.Context, lease *repository.Lease) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseMost)
	defer cancel()
	_ = lease.Release(last)
}

// decide says of every point why it is kept, or dropped.
func (s *Service) decide(ctx context.Context, h *home, policy retention.Policy) ([]retention.Decision, error) {
	entries, err := h.Points(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the points: %w", err)
	}
	restoring, err := h.Restoring(ctx)
	if err != nil {
		return nil, err
	}
	var points []retention.Point
	for _, e := range entries {
		if e.Removed == "" {
			points = append(points, retention.Point{Number: e.Manifest.Number, Taken: e.Manifest.Taken, Good: e.Bad == "", Pinned: e.Manifest.Pinned})
		}
	}
	decisions, err := retention.Apply(points, policy, s.o.Now())
	if err != nil {
		return nil, fmt.Errorf("decide what is kept: %w", err)
	}
	for i, d := range decisions {
		if name := restoring[d.Point.Number]; name != "" {
			decisions[i].Keep = append(d.Keep, "a restore is under way: "+name)
		}
	}
	return decisions, nil
}

// dropped are the points that nothing keeps, with the reasons.
func dropped(decisions []retention.Decision) map[int64]string {
	drop := map[int64]string{}
	for _, d := range decisions {
		if len(d.Keep) == 0 {
			drop[d.Point.Number] = d.Drop
		}
	}
	return drop
}

// rehearsed says what retention would do.
func rehearsed(decisions []retention.Decision) string {
	var drop, keep []string
	for _, d := range decisions {
		if len(d.Keep) == 0 {
			drop = append(drop, fmt.Sprintf("%d (%s)", d.Point.Number, d.Drop))
		} else {
			keep = append(keep, fmt.Sprintf("%d (%s)", d.Point.Number, strings.Join(d.Keep, ", ")))
		}
	}
	return fmt.Sprintf("dry run of retention: it would drop %s, and keep %s", listed(drop), listed(keep))
}

// listed names a few, and how many there are more.
func listed(all []string) string {
	const few = 20
	switch {
	case len(all) == 0:
		return "none"
	case len(all) > few:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:few], ", "), len(all)-few)
	}
	return strings.Join(all, ", ")
}
