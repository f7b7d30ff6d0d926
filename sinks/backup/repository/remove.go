package repository

import (
	"context"
	"fmt"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Remove writes a tombstone for points, with the reason of each. They can be
// read until they are swept. Pinned points and the newest good one are refused,
// and every point while none is good; a point that was dropped before is not
// dropped again. It is all or nothing.
func (r *Repository) Remove(ctx context.Context, l *Lease, why map[int64]string) error {
	points, err := r.Points(ctx)
	if err != nil {
		return fmt.Errorf("remove points: %w", err)
	}
	fresh, err := removable(points, why)
	if err != nil {
		return fmt.Errorf("remove points: %w", err)
	}
	return r.tombstone(ctx, l, fresh)
}

// tombstone drops points without asking whether it should.
func (r *Repository) tombstone(ctx context.Context, l *Lease, why map[int64]string) error {
	if len(why) == 0 {
		return nil
	}
	if err := l.check(ctx, r); err != nil {
		return fmt.Errorf("remove points: %w", err)
	}
	if err := r.append(ctx, removals, format.KindRemoval, format.Removal{Points: why, By: r.o.Writer}); err != nil {
		return fmt.Errorf("remove points: %w", err)
	}
	return nil
}

// removable are the points that are not dropped yet, or the reason why one of
// them must stay.
func removable(points []Entry, why map[int64]string) (map[int64]string, error) {
	at, newest := map[int64]Entry{}, int64(0)
	for _, e := range points {
		at[e.Manifest.Number] = e
		if e.Bad == "" && e.Removed == "" {
			newest = max(newest, e.Manifest.Number)
		}
	}
	fresh := map[int64]string{}
	for _, n := range sortedKeys(why) {
		switch e, ok := at[n]; {
		case !ok:
			return nil, fmt.Errorf("point %d: %w", n, ErrNoPoint)
		case e.Removed != "":
			continue
		case e.Manifest.Pinned != "":
			return nil, fmt.Errorf("point %d is pinned (%s): it is never dropped", n, e.Manifest.Pinned)
		case newest == 0:
			return nil, fmt.Errorf("point %d: no point is good, so none is dropped: it may hold what nothing else does", n)
		case n == newest:
			return nil, fmt.Errorf("point %d is the newest good point: it is never dropped", n)
		}
		if fresh[n] = why[n]; fresh[n] == "" {
			fresh[n] = "dropped without a reason"
		}
	}
	return fresh, nil
}
