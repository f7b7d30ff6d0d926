package repository

import (
	"context"
	"errors"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// history is what the series say of points and packs. Its slices go with the
// stock's objects of the same series.
type history struct {
	first    map[int64]time.Time // when a point was dropped, by the store's clock
	removals []format.Removal
	moves    []format.Move
	moved    map[string]format.Move // by pack, the newest
	verified []*format.Verification // nil where it cannot be read
	bid      int64                  // number of the oldest bid that still matters
}

// history reads the series that a sweep decides by. A tombstone or a move that
// cannot be read is an error: nobody can say then what is still needed.
func (r *Repository) history(ctx context.Context, s *stock) (*history, error) {
	h := &history{first: map[int64]time.Time{}, moved: map[string]format.Move{}}
	for _, o := range s.series[removals] {
		var one format.Removal
		if _, err := r.open(ctx, o.name, format.KindRemoval, &one); err != nil {
			return nil, err
		}
		h.removals = append(h.removals, one)
		for n := range one.Points {
			if at, known := h.first[n]; !known || o.written.Before(at) {
				h.first[n] = o.written
			}
		}
	}
	for _, o := range s.series[moves] {
		var one format.Move
		if _, err := r.open(ctx, o.name, format.KindMove, &one); err != nil {
			return nil, err
		}
		h.moves = append(h.moves, one)
		h.moved[one.From] = one
	}
	if err := r.verdicts(ctx, s, h); err != nil {
		return nil, err
	}
	bids, _, err := r.bids(ctx)
	if err != nil {
		return nil, err
	}
	if len(bids) > 0 {
		h.bid = bids[0].number
	}
	return h, nil
}

// verdicts reads the verifications, as far as they can be read.
func (r *Repository) verdicts(ctx context.Context, s *stock, h *history) error {
	for _, o := range s.series[verifications] {
		one := &format.Verification{}
		_, err := r.open(ctx, o.name, format.KindVerification, one)
		if err != nil && !errors.Is(err, ErrDamaged) {
			return err
		}
		if err != nil {
			one = nil
		}
		h.verified = append(h.verified, one)
	}
	return nil
}

// dropped tells points with a tombstone.
func (h *history) dropped(n int64) bool { _, ok := h.first[n]; return ok }

// dead tells points that were dropped longer than the grace ago.
func (h *history) dead(n int64, now time.Time) bool {
	at, ok := h.first[n]
	return ok && now.Sub(at) > SweepGrace
}

// movedAt is when the frames of packs were moved first.
func (h *history) movedAt(s *stock) map[string]time.Time {
	at := map[string]time.Time{}
	for i, m := range h.moves {
		if _, known := at[m.From]; !known {
			at[m.From] = s.series[moves][i].written
		}
	}
	return at
}
