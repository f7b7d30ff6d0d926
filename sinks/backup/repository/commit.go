package repository

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Commit writes the manifest, numbered after the newest; the parent must still
// be the newest good point, the lease ours, the run younger than half the sweep
// grace, and every pack present. It fills in Version, Number, Backup and Writer,
// and makes the manifest complete when one is due. The partitions of a point
// without a parent have Base = Start.
func (r *Repository) Commit(ctx context.Context, l *Lease, m format.Manifest) (*Point, error) {
	p, err := r.commit(ctx, l, m)
	if err != nil {
		return nil, fmt.Errorf("commit a point: %w", err)
	}
	return p, nil
}

func (r *Repository) commit(ctx context.Context, l *Lease, m format.Manifest) (*Point, error) {
	st, err := r.lookForCommit(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.checkParent(ctx, m.Parent, st); err != nil {
		return nil, err
	}
	m.Version, m.Number, m.Backup, m.Writer = format.Version, st.highest+1, r.o.Identity, r.o.Writer
	if err := checkManifest(&m); err != nil {
		return nil, err
	}
	refs, _, err := resolve(ctx, &m, r.parents, st.moved)
	if err != nil {
		return nil, err
	}
	written, err := r.checkPacks(ctx, &m)
	if err != nil {
		return nil, err
	}
	stored := m
	if due, err := r.due(ctx, &m, refs); err != nil {
		return nil, err
	} else if due {
		stored = complete(m, refs)
	}
	b, err := format.Seal(format.KindManifest, stored, r.o.Key)
	if err != nil {
		return nil, err
	}
	if err := r.checkAge(m.Began, written); err != nil {
		return nil, err
	}
	if err := l.check(ctx, r); err != nil {
		return nil, err
	}
	if err := r.put(ctx, pointName(m.Number), "application/octet-stream", b); err != nil {
		return nil, err
	}
	r.judge(m.Number, false)
	at, _ := r.clock.at(r.o.Now())
	return &Point{Manifest: stored, Written: at, refs: refs}, nil
}

// lookForCommit is look without the packs: those of the parent were seen by
// Newest, and what the run wrote is looked at one by one.
func (r *Repository) lookForCommit(ctx context.Context) (*state, error) {
	st := newState()
	for _, read := range []func(context.Context, *state) error{r.lookPoints, r.lookRemovals, r.lookVerifications, r.lookMoves} {
		if err := read(ctx, st); err != nil {
			return nil, err
		}
	}
	for n := range st.verified {
		st.highest = max(st.highest, n)
	}
	return st, nil
}

// checkParent says whether a newer good point than the parent is there. A point
// that stands alone stands on none.
func (r *Repository) checkParent(ctx context.Context, parent int64, st *state) error {
	if parent == 0 {
		return nil
	}
	if _, gone := st.removed[parent]; gone {
		return fmt.Errorf("%w: point %d, on which this one would stand, was removed", ErrTaken, parent)
	}
	doubted, err := r.doubted(ctx, parent, st)
	if err != nil {
		return err
	}
	if !doubted && r.newestIs(parent, st) {
		return nil
	}
	newest, err := r.Newest(ctx)
	if err != nil && !errors.Is(err, ErrNoPoint) {
		return err
	}
	if newest == nil || newest.Number != parent {
		return fmt.Errorf("%w: point %d, on which this one would stand, is not the newest good one any more", ErrTaken, parent)
	}
	return nil
}

// doubted tells whether a verification that failed stands against a point, or
// against one it stands on. Whoever verified it may be somebody else.
func (r *Repository) doubted(ctx context.Context, n int64, st *state) (bool, error) {
	j := r.jury(st, nil)
	if !j.fails {
		return false, nil
	}
	d, err := r.manifest(ctx, n)
	if errors.Is(err, ErrNoPoint) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	why, err := j.verdict(ctx, d)
	return why != "", err
}

// newestIs tells whether all points behind the parent are known not to be good.
func (r *Repository) newestIs(parent int64, st *state) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if bad, judged := r.bad[parent]; !judged || bad {
		return false
	}
	for _, n := range st.numbers {
		if _, gone := st.removed[n]; n > parent && !gone && !r.bad[n] {
			return false
		}
	}
	return true
}

// checkPacks looks whether every pack that the run wrote is there, and returns
// when, by the store's clock, the first was written.
func (r *Repository) checkPacks(ctx context.Context, m *format.Manifest) (oldest time.Time, err error) {
	var names []format.Pack
	inherited := map[string]bool{} // older points wrote them: they say nothing of this run's age
	for _, part := range m.Parts {
		names = append(names, part.Packs...)
		for _, p := range part.Packs {
			inherited[p.ID] = part.Writer == format.Inherited
		}
	}
	written := make([]time.Time, len(names))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, p := range names {
		g.Go(func() error {
			a, err := r.o.Bucket.Attributes(ctx, r.root+packName(p.ID))
			if err != nil {
				return fmt.Errorf("look at pack %s: %w", p.ID, err)
			}
			if a.Size != p.Size {
				return fmt.Errorf("%w: pack %s has %d bytes instead of %d", ErrDamaged, p.ID, a.Size, p.Size)
			}
			written[i] = a.ModTime
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return time.Time{}, err
	}
	for i, at := range written {
		if inherited[names[i].ID] {
			continue
		}
		if oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	return oldest, nil
}

// checkAge refuses a run so old that a sweep may take its packs, which nothing
// names yet.
func (r *Repository) checkAge(began, written time.Time) error {
	var age time.Duration
	if !began.IsZero() {
		age = r.o.Now().Sub(began)
	}
	if now, known := r.clock.at(r.o.Now()); known && !written.IsZero() {
		age = max(age, now.Sub(written))
	}
	if age >= SweepGrace/2 {
		return fmt.Errorf("the run began %v ago, and one older than %v commits no point: its packs may be swept as left behind. "+
			"Let the next run go on, or run more often", age.Round(time.Minute), SweepGrace/2)
	}
	return nil
}
