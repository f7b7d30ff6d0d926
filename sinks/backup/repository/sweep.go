package repository

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

// SweepGrace is how long a dropped point, and a pack that nobody names, is left
// alone. It is twice what a run may last before it is no more let commit, so
// that nothing is swept which such a run builds on.
const SweepGrace = 24 * time.Hour

// Swept says what a sweep took away, or would.
type Swept struct {
	Objects  int      `json:"objects"`
	Bytes    int64    `json:"bytes"`
	Moved    int64    `json:"moved"`              // bytes rewritten out of mostly dead packs
	Deferred []string `json:"deferred,omitempty"` // what is not rewritten, and why
	// Refused is what the store refused to delete. The next sweep tries again.
	Refused []Refused `json:"refused,omitempty"`
}

// Sweep deletes what no kept point reaches, once the grace is over by the
// store's clock, and rewrites packs that are mostly dead: the new pack first,
// then a move that says where its frames stand now, and the old pack a grace
// later. dry only counts, and needs no lease.
//
// A delete that the store refuses, as object lock does or a missing right, is
// Refused: the next sweep tries again. Where a kept point cannot be read whole nothing at all is
// swept, since nobody can say what it needs. It lists the whole repository and
// resolves every kept point: once a day is often enough.
func (r *Repository) Sweep(ctx context.Context, l *Lease, dry bool) (Swept, error) {
	s := &sweeper{r: r, l: l, dry: dry}
	if !dry {
		if err := l.check(ctx, r); err != nil {
			return Swept{}, fmt.Errorf("sweep: %w", err)
		}
		var cancel context.CancelFunc
		if ctx, cancel = bothContexts(ctx, l.Context()); cancel != nil {
			defer cancel()
		}
	}
	plan, err := s.plan(ctx)
	if err == nil {
		err = s.carryOut(ctx, plan)
	}
	if err != nil {
		return s.swept, fmt.Errorf("sweep: %w", err)
	}
	return s.swept, nil
}

// bothContexts ends when either does.
func bothContexts(a, b context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(a)
	stop := context.AfterFunc(b, func() { cancel(context.Cause(b)) })
	return ctx, func() { stop(); cancel(context.Canceled) }
}

// sweeper is one sweep.
type sweeper struct {
	r     *Repository
	l     *Lease
	dry   bool
	swept Swept
}

// plan lists first and reads the points after: what appears in between is in
// no list, so it stays.
func (s *sweeper) plan(ctx context.Context) (sweep, error) {
	stock, err := s.r.takeStock(ctx)
	if err != nil {
		return sweep{}, err
	}
	h, err := s.r.history(ctx, stock)
	if err != nil {
		return sweep{}, err
	}
	n, err := s.r.needed(ctx, stock, h)
	if err != nil {
		return sweep{}, err
	}
	return planSweep(stock, n, h), nil
}

// needed is what the points need that are not dropped, or not for long enough,
// or that a restore gives back. The newest is needed in any case: its number must not be given out again.
func (r *Repository) needed(ctx context.Context, s *stock, h *history) (*need, error) {
	restoring, err := r.Restoring(ctx)
	if err != nil {
		return nil, err
	}
	n := &need{manifests: map[int64]bool{}, named: map[string]bool{}, packs: map[string]*live{}}
	for i, o := range s.points {
		if h.dead(o.number, s.now) && restoring[o.number] == "" && i < len(s.points)-1 {
			continue
		}
		err := r.reach(ctx, o.number, h, n)
		if err != nil && h.dropped(o.number) && errors.Is(err, ErrDamaged) {
			continue // nobody will be given it back
		}
		if err != nil {
			return nil, fmt.Errorf("point %d cannot be read whole, so nothing is swept; run ottla backup repair first: %w", o.number, err)
		}
	}
	return n, nil
}

// reach counts what a point needs.
func (r *Repository) reach(ctx context.Context, number int64, h *history, n *need) error {
	m, err := r.manifest(ctx, number)
	if err != nil {
		return err
	}
	refs, _, err := resolve(ctx, &m.Manifest, r.parents, h.moved)
	if err != nil {
		return err
	}
	n.add(refs)
	for number != 0 && !n.manifests[number] {
		m, err := r.manifest(ctx, number)
		if errors.Is(err, ErrNoPoint) {
			return nil // resolving could do without it
		}
		if err != nil {
			return err
		}
		n.manifests[number] = true
		for _, part := range m.Parts {
			for _, p := range part.Packs {
				n.named[p.ID] = true
			}
		}
		number = m.Parent
	}
	return nil
}

// carryOut does what was planned, in an order that leaves everything readable
// wherever it stops: manifests before the packs they name, moves before the
// packs that were moved.
func (s *sweeper) carryOut(ctx context.Context, plan sweep) error {
	if err := s.deleteAll(ctx, plan.manifests); err != nil {
		return err
	}
	if err := s.rewriteAll(ctx, plan.rewrite); err != nil {
		return err
	}
	if err := s.deleteAll(ctx, plan.packs); err != nil {
		return err
	}
	if err := s.mergeTombstones(ctx, plan.tombstones); err != nil {
		return err
	}
	return s.deleteAll(ctx, plan.others)
}

func (s *sweeper) deleteAll(ctx context.Context, objects []stored) error {
	for _, o := range objects {
		if err := s.delete(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// delete takes one object away.
func (s *sweeper) delete(ctx context.Context, o stored) error {
	if s.dry {
		s.count(o)
		return nil
	}
	if err := s.hold(ctx); err != nil {
		return err
	}
	s.r.step("before delete", o.name)
	err := s.r.o.Bucket.Delete(ctx, s.r.root+o.name)
	s.r.forget(o)
	switch {
	case err == nil:
		s.r.step("after delete", o.name)
		s.count(o)
	case gcerrors.Code(err) == gcerrors.NotFound: // somebody else was first
	case store.Refuses(ctx, s.r.o.Bucket, s.r.root+o.name, err):
		s.refused(ctx, o, err)
	default:
		return fmt.Errorf("delete %s: %w", o.name, err)
	}
	return nil
}

// hold is whether the lease is still ours, as far as this process knows. That
// is enough for deleting: what is deleted no writer can need any more.
func (s *sweeper) hold(ctx context.Context) error {
	if err := context.Cause(s.l.Context()); err != nil {
		return fmt.Errorf("%w: %w", ErrLease, err)
	}
	return context.Cause(ctx)
}

// forget drops a deleted object from what is remembered.
func (r *Repository) forget(o stored) {
	r.cache.forget(o.name)
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := r.manifests[o.number]; d != nil && o.name == pointName(o.number) {
		r.weight -= d.weight
		delete(r.manifests, o.number)
	}
}

func (s *sweeper) count(o stored) {
	s.swept.Objects++
	s.swept.Bytes += o.size
}

// mergeTombstones writes one tombstone for many whose points are gone, so that
// their numbers stay explained; the many may then go.
func (s *sweeper) mergeTombstones(ctx context.Context, why map[int64]string) error {
	if len(why) == 0 || s.dry {
		return nil
	}
	err := s.r.append(ctx, removals, format.KindRemoval, format.Removal{Points: why, By: s.r.o.Writer})
	if err != nil {
		return fmt.Errorf("merge tombstones: %w", err)
	}
	return nil
}
