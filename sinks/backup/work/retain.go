package work

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ottla-io/ottla/sinks"
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

// retain drops points that no rule keeps, and sweeps what nothing reaches: under
// the lease of a run that goes on, or, where that is nil, under one of its own.
// A dry run has words for what it would do.
func (s *Service) retain(ctx context.Context, of policyRun, h *home, lease *repository.Lease) (text string, err error) {
	policy, some := retentionOf(of.spec)
	if !some {
		return "", nil
	}
	decisions, err := h.Decide(ctx, policy)
	if err != nil {
		return "", err
	}
	if of.spec.Is("retention.dryRun") {
		freed, err := h.Freed(ctx, decisions)
		return rehearsed(decisions, freed), err
	}
	drop := repository.Dropped(decisions)
	if len(drop) == 0 && !h.swept.due(s.o.Now()) {
		return "", nil
	}
	if lease == nil {
		if lease, err = h.Acquire(ctx, time.Minute); err != nil {
			return "", fmt.Errorf("retain: %w", err)
		}
		defer func() { _ = lease.Release(ctx) }() // one that is left runs out
	}
	return "", s.drop(h, lease, drop)
}

// drop drops points, and sweeps once a day: what is dropped waits out a grace of
// a day anyway.
func (s *Service) drop(h *home, lease *repository.Lease, points map[int64]string) error {
	now := s.o.Now()
	sweeps := h.swept.due(now)
	swept, err := h.Retain(lease.Context(), lease, points, sweeps)
	if err == nil && sweeps {
		h.swept.done(now)
		h.stays.Store(&swept)
	}
	return err
}

// stuck tells what the last sweep could not take away, until one can: what a right
// is missing for is a problem, what a lock keeps a note.
func (h *home) stuck(out *ran) {
	swept := h.stays.Load()
	if swept == nil {
		return
	}
	if words := swept.Rights(); words != "" {
		out.left = append(out.left, problem{Kind: sinks.TroubleRetention, Words: words})
	}
	if words := swept.Locks(); words != "" {
		out.text += "; " + words
	}
	if n := len(swept.Deferred); n > 0 {
		out.text += fmt.Sprintf("; %d packs that are mostly dead stay as they are: %s", n, swept.Deferred[0])
	}
}

// rehearsed says what retention would do.
func rehearsed(decisions []retention.Decision, freed int64) string {
	var drop, keep []string
	for _, d := range decisions {
		if len(d.Keep) == 0 {
			drop = append(drop, fmt.Sprintf("%d (%s)", d.Point.Number, d.Drop))
		} else {
			keep = append(keep, fmt.Sprintf("%d (%s)", d.Point.Number, strings.Join(d.Keep, ", ")))
		}
	}
	return fmt.Sprintf("dry run of retention: it would drop %s, and keep %s; %d bytes would be freed", listed(drop), listed(keep), freed)
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
