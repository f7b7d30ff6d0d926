package repository

import (
	"cmp"
	"maps"
	"slices"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// mostlyDead is the share of live bytes below which a pack is rewritten. At
// 0.3 each byte that is copied frees more than two, a repository is never more
// than about three times what its points need, and data that dies slowly is
// copied once or twice in its life, not at every sweep.
const mostlyDead = 0.3

// manyTombstones is how many removals of swept points are merged into one.
const manyTombstones = 64

// need is what the kept points need.
type need struct {
	manifests map[int64]bool  // of the chains, the points themselves included
	named     map[string]bool // packs that these manifests name
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
func (n *need) add(reached map[partition][]Ref) {
	for _, refs := range reached {
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
	manifests  []stored // children before their parents, so that no chain breaks
	packs      []stored
	rewrite    []*live          // packs that are mostly dead
	tombstones map[int64]string // to be merged into one
	others     []stored         // tombstones, leases, verifications, moves
}

// planSweep decides, from what stands in the bucket and what is needed, what
// may go. Nothing is younger than the grace by the store's clock, and the
// newest object of a series stays: a number that is free again would be given
// to something else, and a tombstone would then hit the wrong point.
func planSweep(s *stock, n *need, h *history) sweep {
	var plan sweep
	for _, o := range allButNewest(s.points) {
		if !n.manifests[o.number] && h.dead(o.number, s.now) {
			plan.manifests = append(plan.manifests, o)
		}
	}
	slices.Reverse(plan.manifests)
	moved := h.movedAt(s)
	for _, o := range s.packs {
		at, isMoved := moved[o.id]
		l := n.packs[o.id]
		switch {
		case !s.old(o) || isMoved && s.now.Sub(at) <= SweepGrace:
		case l == nil:
			plan.packs = append(plan.packs, o)
		case !isMoved && float64(l.bytes()) < mostlyDead*float64(o.size):
			plan.rewrite = append(plan.rewrite, l)
		}
	}
	plan.others = slices.Concat(staleLeases(s, h), staleVerifications(s, h), staleMoves(s, n, h))
	plan.tombstones, plan.others = staleTombstones(s, h, plan.others)
	return plan
}

// old tells what is older than the grace.
func (s *stock) old(o stored) bool { return s.now.Sub(o.written) > SweepGrace }

func allButNewest(objects []stored) []stored { return objects[:max(0, len(objects)-1)] }

// staleLeases are bids that no newer one stands on.
func staleLeases(s *stock, h *history) (gone []stored) {
	for _, o := range s.series[leases] {
		if s.old(o) && o.number < h.bid {
			gone = append(gone, o)
		}
	}
	return gone
}

// staleVerifications are of points that are no more, or good ones that were
// looked at again as deep. Point 0 stands for the repository as a whole.
func staleVerifications(s *stock, h *history) (gone []stored) {
	type key struct {
		point int64
		level string
	}
	newer := map[key]bool{}
	objects := s.series[verifications]
	for i, o := range slices.Backward(objects) {
		v := h.verified[i]
		if v == nil {
			continue
		}
		k := key{v.Point, v.Level}
		stale := newer[k] && (v.Good || v.Point == 0) || v.Point != 0 && !s.has(v.Point)
		newer[k] = true
		if stale && i < len(objects)-1 && s.old(o) {
			gone = append(gone, o)
		}
	}
	return gone
}

// has tells whether a point's manifest is there.
func (s *stock) has(n int64) bool {
	return slices.ContainsFunc(s.points, func(o stored) bool { return o.number == n })
}

// staleMoves are of packs that no needed manifest names and no needed move leads to.
func staleMoves(s *stock, n *need, h *history) (gone []stored) {
	named := maps.Clone(n.named)
	for range h.moves { // a pack that was moved may be moved again
		before := len(named)
		for _, m := range h.moves {
			if named[m.From] {
				named[m.To.ID] = true
			}
		}
		if len(named) == before {
			break
		}
	}
	for i, o := range allButNewest(s.series[moves]) {
		if !named[h.moves[i].From] && s.old(o) {
			gone = append(gone, o)
		}
	}
	return gone
}

// staleTombstones merges removals all of whose points are gone, once there are
// many: their numbers must stay explained, or they would look lost.
func staleTombstones(s *stock, h *history, others []stored) (merged map[int64]string, gone []stored) {
	merged = map[int64]string{}
	var stale []stored
	for i, o := range s.series[removals] {
		swept := s.old(o)
		for n := range h.removals[i].Points {
			swept = swept && !s.has(n)
		}
		if swept {
			stale = append(stale, o)
			maps.Copy(merged, h.removals[i].Points)
		}
	}
	if len(stale) < manyTombstones {
		return nil, others
	}
	return merged, append(others, stale...)
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
