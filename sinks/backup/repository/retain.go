package repository

import (
	"context"
	"fmt"

	"github.com/ottla-io/ottla/sinks/backup/retention"
)

// Decide says of every point that is not dropped why it is kept, or may go. Ages
// are by the store's clock, which whoever holds the lease has measured: a host
// whose clock is far ahead drops nothing for that.
func (r *Repository) Decide(ctx context.Context, p retention.Policy) ([]retention.Decision, error) {
	entries, err := r.Points(ctx)
	if err != nil {
		return nil, err
	}
	restoring, err := r.Restoring(ctx)
	if err != nil {
		return nil, err
	}
	var points []retention.Point
	for _, e := range entries {
		if e.Removed == "" {
			m := e.Manifest
			points = append(points, retention.Point{Number: m.Number, Taken: m.Taken, Written: e.Written, Good: e.Bad == "", Pinned: m.Pinned})
		}
	}
	decisions, err := retention.Apply(points, p, r.now())
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

// Dropped are the points that nothing keeps, with the reasons.
func Dropped(decisions []retention.Decision) map[int64]string {
	drop := map[int64]string{}
	for _, d := range decisions {
		if len(d.Keep) == 0 {
			drop[d.Point.Number] = d.Drop
		}
	}
	return drop
}

// Retain drops points, and sweeps where that is asked for.
func (r *Repository) Retain(ctx context.Context, l *Lease, drop map[int64]string, sweep bool) (Swept, error) {
	if len(drop) > 0 {
		if err := r.Remove(ctx, l, drop); err != nil {
			return Swept{}, fmt.Errorf("drop points: %w", err)
		}
	}
	if !sweep {
		return Swept{}, nil
	}
	return r.Sweep(ctx, l, false)
}

// Freed adds up the stored bytes that only dropped points hold. What a point
// that is no good stands on may not be there: it counts for nothing.
func (r *Repository) Freed(ctx context.Context, decisions []retention.Decision) (int64, error) {
	type place struct {
		pack   string
		offset int64
	}
	st, err := r.look(ctx)
	if err != nil {
		return 0, fmt.Errorf("count what is freed: %w", err)
	}
	kept, gone := map[place]int64{}, map[place]int64{}
	for _, d := range decisions {
		into := kept
		if len(d.Keep) == 0 {
			into = gone
		}
		if !d.Point.Good {
			continue
		}
		p, _, err := r.point(ctx, d.Point.Number, st)
		if err != nil {
			return 0, fmt.Errorf("count what is freed: read point %d: %w", d.Point.Number, err)
		}
		for _, refs := range p.refs {
			for _, ref := range refs {
				into[place{ref.Pack.ID, ref.Offset}] = ref.Length
			}
		}
	}
	total := int64(0)
	for at, length := range gone {
		if _, stays := kept[at]; !stays {
			total += length
		}
	}
	return total, nil
}
