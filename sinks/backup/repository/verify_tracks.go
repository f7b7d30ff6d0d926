package repository

import (
	"slices"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// track is one history of a partition that several points share, so that what
// they have in common is read once and not once a point.
type track struct {
	key  partition
	refs []Ref // without hole or overlap
	of   []extent
}

// extent is what a point contains of a track.
type extent struct {
	of         *finding
	start, end int64
}

// tracks are those of a verification. Points are added the newest first, and
// nothing is kept of them but what no newer point has: memory grows with the
// frames there are, not with the points that share them.
type tracks struct {
	all   []*track
	byKey map[partition][]*track
}

func (t *tracks) add(f *finding, p *Point) {
	for _, topic := range p.Topics {
		for _, part := range topic.Partitions {
			key, refs := partition{topic.Name, part.Partition}, p.Refs(topic.Name, part.Partition)
			s := extent{f, part.Start, part.End}
			if slices.ContainsFunc(t.byKey[key], func(t *track) bool { return t.take(refs, s) }) {
				continue
			}
			one := &track{key: key, refs: refs, of: []extent{s}}
			t.byKey[key] = append(t.byKey[key], one)
			t.all = append(t.all, one)
		}
	}
}

// take adds a point if what it has in common with the track is the same frames.
func (t *track) take(refs []Ref, s extent) bool {
	if len(refs) == 0 || len(t.refs) == 0 {
		return false
	}
	start, end := t.refs[0].From, t.refs[len(t.refs)-1].To
	first, last := max(start, s.start), min(end, s.end)
	if first >= last || !slices.EqualFunc(clip(refs, first, last), clip(t.refs, first, last), sameRef) {
		return false
	}
	if s.start < start {
		t.refs = append(clip(refs, s.start, start), t.refs...)
	}
	if s.end > end {
		t.refs = append(slices.Clip(t.refs), clip(refs, end, s.end)...)
	}
	t.of = append(t.of, s)
	return true
}

func sameRef(a, b Ref) bool {
	return a.Pack.ID == b.Pack.ID && a.Offset == b.Offset && a.From == b.From && a.To == b.To
}

// digests works out the record digests of a track's spans while its records
// come by in offset order.
type digests struct {
	key   partition
	sums  map[int64]*batch.Digest // by start: points that begin alike share one
	open  []extent                // by end
	wrong []extent                // stretches that could not be read, start and end
}

func newDigests(t *track) *digests {
	d := &digests{key: t.key, sums: map[int64]*batch.Digest{}, open: slices.Clone(t.of)}
	for _, s := range t.of {
		d.sums[s.start] = batch.NewDigest()
	}
	slices.SortStableFunc(d.open, func(a, b extent) int { return int(min(max(a.end-b.end, -1), 1)) })
	return d
}

// add goes on with one record.
func (d *digests) add(r batch.Record) {
	d.upTo(r.Offset)
	for start, sum := range d.sums {
		if r.Offset >= start {
			sum.Add(r)
		}
	}
}

// upTo hands out the digests of spans that end at or before an offset.
func (d *digests) upTo(offset int64) {
	for len(d.open) > 0 && d.open[0].end <= offset {
		s := d.open[0]
		d.open = d.open[1:]
		if slices.ContainsFunc(d.wrong, s.overlaps) {
			continue
		}
		sum, records := d.sums[s.start].Sum()
		s.of.digest(format.Digest{
			Topic: d.key.topic, Partition: d.key.partition, Start: s.start, End: s.end, Records: records, Digest: sum,
		})
	}
}

func (s extent) overlaps(o extent) bool { return s.start < o.end && o.start < s.end }
