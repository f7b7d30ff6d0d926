package repository

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// mostlyDead is the share of live bytes below which a pack is rewritten. At
// 0.3 each byte that is copied frees more than two, a repository is never more
// than about three times what its points need, and data that dies slowly is
// copied once in its life, not at every sweep.
const mostlyDead = 0.3

// need is what the kept points need.
type need struct {
	manifests map[int64]bool // of the chains, the points themselves included
	packs     map[string]*live
}

// live is what is needed of a pack: its frames by offset.
type live struct {
	pack   format.Pack
	frames map[int64]format.Frame
}

// bytes is how much of a pack is needed.
func (l *live) bytes() (n int64) {
	for _, f := range l.frames {
		n += f.Length
	}
	return n
}

// add counts what a point reaches.
func (n *need) add(p *Point) {
	for _, refs := range p.refs {
		for _, r := range refs {
			if r.Pack.ID == "" {
				continue // gaps only: it stands in a manifest
			}
			l := n.packs[r.Pack.ID]
			if l == nil {
				l = &live{pack: r.Pack, frames: map[int64]format.Frame{}}
				n.packs[r.Pack.ID] = l
			}
			l.frames[r.Offset] = r.Frame
		}
	}
}

// sweep is what is to be done.
type sweep struct {
	manifests []stored // children before their parents, so that no chain breaks
	others    []stored // tombstones, leases, verifications, moves
	packs     []stored
	rewrite   []*live // mostly dead
	refused   []string
}

// planSweep decides, from what stands in the bucket and what is needed, what
// may go. Nothing is younger than the grace by the store's clock, and the
// newest object of a series stays: a number that is free again would be given
// to something else, and a tombstone would then hit the wrong point.
func planSweep(s *stock, n *need, dead func(int64) bool, moves []format.Move) sweep {
	var plan sweep
	old := func(o stored) bool { return s.now.Sub(o.written) > SweepGrace }
	for _, o := range s.points[:max(0, len(s.points)-1)] {
		if !n.manifests[o.number] && dead(o.number) && old(o) {
			plan.manifests = append(plan.manifests, o)
		}
	}
	slices.Reverse(plan.manifests)
	moved := movedAt(s, moves)
	for _, o := range s.packs {
		at, isMoved := moved[o.id]
		switch l := n.packs[o.id]; {
		case l == nil:
			if old(o) && (!isMoved || s.now.Sub(at) > SweepGrace) {
				plan.packs = append(plan.packs, o)
			}
		case old(o) && !isMoved && float64(l.bytes()) < mostlyDead*float64(o.size):
			plan.rewrite = append(plan.rewrite, l)
		}
	}
	plan.others = planSeries(s, moves, old)
	return plan
}

// movedAt is when the frames of packs were moved, by the store's clock.
func movedAt(s *stock, moves []format.Move) map[string]time.Time {
	at := map[string]time.Time{}
	for i, m := range moves {
		at[m.From] = s.series[seriesMoves][i].written
	}
	return at
}

// planSeries takes what has no meaning any more out of the series.
func planSeries(s *stock, moves []format.Move, old func(stored) bool) []stored {
	var gone []stored
	drop := func(series string, stale func(int, stored) bool) {
		objects := s.series[series]
		for i, o := range objects[:max(0, len(objects)-1)] {
			if old(o) && stale(i, o) {
				gone = append(gone, o)
			}
		}
	}
	drop(seriesLeases, func(int, stored) bool { return true })
	return gone
}

// sortStored sorts by number, then by name.
func sortStored(objects []stored) []stored {
	slices.SortFunc(objects, func(a, b stored) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.name, b.name))
	})
	return objects
}

// sortedKeys are a map's keys in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
