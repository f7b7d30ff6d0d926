package repository

import (
	"cmp"
	"slices"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// timeline is what is known of one partition while manifests and packs are gone
// through in the order they were written: refs in offset order, without
// overlap, but perhaps with holes.
type timeline struct {
	refs []Ref
	// start and want are what there should be: [start, want), as far as somebody
	// has said so; start is -1 where nobody did.
	start, want int64
}

// named puts in what a manifest says of the partition: what was there in
// [Start, Base), and the manifest's own frames behind it, those that can be read.
func (t *timeline) named(p format.Partition, own []Ref) {
	t.start, t.want = p.Start, p.End
	t.refs = append(clip(t.refs, p.Start, p.Base), clip(own, p.Base, p.End)...)
}

// found puts in frames that no readable manifest names. They may be of a point
// whose manifest is lost, or of a run that never came to its end: so they go on
// where the data ends, and replace older data only where they reach at least as
// far as it does.
func (t *timeline) found(refs []Ref) {
	for _, s := range strands(refs) {
		first, end := s[0].From, s[len(s)-1].To
		if had := t.end(); first < had {
			if end < had {
				continue
			}
			t.refs = clip(t.refs, 0, first)
		}
		t.refs = append(t.refs, s...)
		t.want = max(t.want, end)
	}
}

// end is the offset behind the last that is held; 0 for nothing.
func (t *timeline) end() int64 {
	if len(t.refs) == 0 {
		return 0
	}
	return t.refs[len(t.refs)-1].To
}

// strands joins frames, given in the order of writing, to runs without a hole.
// Where two frames hold the same offsets the later one is taken.
func strands(written []Ref) [][]Ref {
	type numbered struct {
		Ref
		at int
	}
	byOffset := make([]numbered, 0, len(written))
	for i, r := range written {
		if r.From < r.To {
			byOffset = append(byOffset, numbered{r, i})
		}
	}
	slices.SortStableFunc(byOffset, func(a, b numbered) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(b.at, a.at))
	})
	var all [][]Ref
	end := int64(-1)
	for _, r := range byOffset {
		if r.To <= end {
			continue
		}
		if r.From > end {
			all = append(all, nil)
		}
		last := len(all) - 1
		r.From = max(r.From, end)
		all[last] = append(all[last], r.Ref)
		end = r.To
	}
	return all
}

// holes are the offsets that should be there and are not: before what is held,
// within it, and behind it.
func (t *timeline) holes() (before, within, behind []format.Gap) {
	if len(t.refs) == 0 {
		return nil, nil, lostBetween(nil, max(0, t.start), t.want)
	}
	first, end := t.refs[0].From, t.end()
	if t.start >= 0 {
		before = lostBetween(nil, t.start, first)
	}
	return before, lostBetween(t.refs, first, end), lostBetween(nil, end, t.want)
}

// lostBetween are the offsets in [start, end) that refs do not hold.
func lostBetween(refs []Ref, start, end int64) []format.Gap {
	var gaps []format.Gap
	for _, r := range refs {
		if r.From > start {
			gaps = append(gaps, format.Gap{First: start, Next: r.From, Reason: format.Lost})
		}
		start = max(start, r.To)
	}
	if start < end {
		gaps = append(gaps, format.Gap{First: start, Next: end, Reason: format.Lost})
	}
	return gaps
}

// clip is what of refs lies in [from, to).
func clip(refs []Ref, from, to int64) []Ref {
	var inside []Ref
	for _, r := range refs {
		r.From, r.To = max(r.From, from), min(r.To, to)
		if r.From < r.To {
			inside = append(inside, r)
		}
	}
	return inside
}
