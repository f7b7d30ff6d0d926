package repository

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Repaired says what Repair did.
type Repaired struct {
	Point *Point
	Lost  []string // what no pack holds, in words
	Whole bool     // nothing is damaged: Point is the newest one
}

// Repair rebuilds a complete manifest from the packs that can be read, as a new
// point, and lists what is lost. Every frame is read and its checksum compared:
// what the point names is there. Offsets that are lost between others are gaps
// of the new point, each with its line in Lost and in the point's notes; what is
// lost before the first or behind the last that is held is left out of it, so
// that the next run copies it anew where the source still has it.
//
// Points that cannot be given back any more get a failed verification with the
// reason, and a tombstone where not even their manifest can be made use of.
// Where nothing is damaged nothing is written, and the newest point returned.
// dry writes nothing, needs no lease, and returns the point as it would be.
// Memory grows with the number of frames, as a complete manifest does.
func (r *Repository) Repair(ctx context.Context, l *Lease, dry bool) (Repaired, error) {
	done, err := r.repair(ctx, l, dry)
	if err != nil {
		return done, fmt.Errorf("repair: %w", err)
	}
	return done, nil
}

func (r *Repository) repair(ctx context.Context, l *Lease, dry bool) (Repaired, error) {
	if !dry {
		if err := l.check(ctx, r); err != nil {
			return Repaired{}, err
		}
	}
	began := r.o.Now()
	fresh, err := Open(ctx, r.o) // what r remembers may not be there any more
	if err != nil {
		return Repaired{}, err
	}
	m := newMender(fresh)
	if err := m.gather(ctx); err != nil {
		return Repaired{}, err
	}
	if err := m.judge(ctx); err != nil {
		return Repaired{}, err
	}
	if len(m.blocking) > 0 && !dry {
		return Repaired{}, fmt.Errorf("%w: %s", ErrDamaged, strings.Join(m.blocking, "; "))
	}
	if len(m.broken)+len(m.unusable)+len(m.blocking) == 0 {
		p, err := r.Newest(ctx)
		return Repaired{Point: p, Whole: err == nil}, err
	}
	m.lines()
	manifest, refs, lost := m.build()
	if !slices.ContainsFunc(slices.Collect(maps.Values(refs)), func(list []Ref) bool { return len(list) > 0 }) {
		return Repaired{Lost: lost}, fmt.Errorf("%w: no pack can be read, so there is nothing to rebuild a point from", ErrDamaged)
	}
	manifest.Began, manifest.Taken, manifest.Ended = began, m.taken(began), r.o.Now()
	if dry {
		return Repaired{Point: &Point{Manifest: manifest, refs: refs}, Lost: lost}, nil
	}
	p, err := r.Commit(ctx, l, manifest)
	if err != nil {
		return Repaired{Lost: lost}, err
	}
	return Repaired{Point: p, Lost: lost}, r.writeOff(ctx, l, m, p)
}

// writeOff says of damaged points that they are, and drops those of which
// nothing can be made use of: the new point has what was in them.
func (r *Repository) writeOff(ctx context.Context, l *Lease, m *mender, p *Point) error {
	why := map[int64]string{}
	for _, n := range sortedKeys(m.unusable) {
		why[n] = fmt.Sprintf("%s: repaired as point %d", m.unusable[n], p.Number)
	}
	for _, n := range sortedKeys(m.broken) {
		err := r.append(ctx, verifications, format.KindVerification, format.Verification{
			Point: n, Level: string(Data), Found: []string{m.broken[n], fmt.Sprintf("repaired as point %d", p.Number)},
			Began: p.Began, Ended: p.Ended, By: r.o.Writer,
		})
		if err != nil {
			return fmt.Errorf("write down that point %d is damaged: %w", n, err)
		}
	}
	return r.tombstone(ctx, l, why)
}

// judge finds the points that cannot be given back: broken ones lack data,
// unusable ones a manifest, theirs or one they stand on. Dropped ones do not count.
func (m *mender) judge(ctx context.Context) error {
	for n, why := range m.unreadable {
		if !m.dropped[n] {
			m.unusable[n], m.broken[n] = why, why
		}
	}
	for _, d := range m.manifests {
		if m.dropped[d.Number] {
			continue
		}
		refs, _, err := resolve(ctx, &d.Manifest, m.r.parents, m.moved)
		if err != nil {
			words, err := damage(err)
			if err != nil {
				return err
			}
			m.unusable[d.Number], m.broken[d.Number] = words, words
			continue
		}
		if words := m.firstLost(refs); words != "" {
			m.broken[d.Number] = words
		}
	}
	return nil
}

// firstLost says which frame of a point cannot be read.
func (m *mender) firstLost(refs map[partition][]Ref) string {
	var missing []string
	for _, list := range refs {
		for _, ref := range list {
			if ref.Pack.ID != "" && !m.has(ref) {
				missing = append(missing, fmt.Sprintf("%s: %s cannot be read", packName(ref.Pack.ID), frameName(ref.Frame)))
			}
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return slices.Min(missing)
}
