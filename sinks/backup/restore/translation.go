package restore

import (
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/restore/groups"
)

// feed is a target partition and the source partitions that went into it.
type feed struct {
	source     string
	target     string
	lane       int32
	partitions []int32
}

// translation maps committed offsets while the maps go by. Where several source
// partitions went into one target partition, what a group had read is no longer
// one stretch from the beginning: it is set before the first record that it had
// not read, so that nothing is left out, and some come again.
type translation struct {
	wanted []format.Group
	feeds  []feed
	places map[placeKey]map[mapKey]int64 // by what is asked for: the target offset
	lookup map[sourceKey][]asked
}

type sourceKey struct {
	topic     string
	partition int32
}

type placeKey struct {
	group string
	lane  laneKey
}

// asked is an offset of a source partition that a group was at.
type asked struct {
	group  string
	offset int64
}

func newTranslation(wanted []format.Group, feeds []feed) *translation {
	t := &translation{wanted: wanted, feeds: feeds, places: map[placeKey]map[mapKey]int64{}, lookup: map[sourceKey][]asked{}}
	for _, g := range wanted {
		for key, offset := range t.positions(g) {
			t.lookup[key] = append(t.lookup[key], asked{g.Name, offset})
		}
	}
	return t
}

// positions is where a group was in every source partition that shares a target
// partition with one that it had committed in. Where it had not, that is the start.
func (t *translation) positions(g format.Group) map[sourceKey]int64 {
	had := map[sourceKey]int64{}
	for _, c := range g.Offsets {
		had[sourceKey{c.Topic, c.Partition}] = c.Offset
	}
	out := map[sourceKey]int64{}
	for _, f := range t.feeds {
		if _, ok := f.first(g); !ok {
			continue
		}
		for _, p := range f.partitions {
			key := sourceKey{f.source, p}
			out[key] = had[key]
		}
	}
	return out
}

// first is the commit of the first source partition that the group had one in.
func (f feed) first(g format.Group) (format.Commit, bool) {
	all := groups.Group{Offsets: g.Offsets}
	for _, p := range f.partitions {
		if c, ok := all.At(f.source, p); ok {
			return c, true
		}
	}
	return format.Commit{}, false
}

// add takes the next piece of a map.
func (t *translation) add(m Map) {
	lane := laneKey{m.Target, m.TargetPartition}
	for _, a := range t.lookup[sourceKey{m.Source, m.Partition}] {
		to, ok := m.Of(a.offset)
		if !ok {
			continue
		}
		place, key := placeKey{a.group, lane}, mapKey{lane, m.Partition}
		if t.places[place] == nil {
			t.places[place] = map[mapKey]int64{}
		}
		if _, known := t.places[place][key]; !known { // a later piece is behind it
			t.places[place][key] = to
		}
	}
}

// commits are the offsets to set. A group that had read all is at the end of
// what was restored.
func (t *translation) commits(ends map[laneKey]int64) map[string][]format.Commit {
	out := map[string][]format.Commit{}
	for _, g := range t.wanted {
		for _, f := range t.feeds {
			c, ok := f.first(g)
			if !ok {
				continue
			}
			lowest := ends[laneKey{f.target, f.lane}]
			for _, at := range t.places[placeKey{g.Name, laneKey{f.target, f.lane}}] {
				lowest = min(lowest, at)
			}
			out[g.Name] = append(out[g.Name], format.Commit{Topic: f.target, Partition: f.lane, Offset: lowest, Epoch: -1, Metadata: c.Metadata})
		}
		groups.Sort(out[g.Name])
	}
	return out
}
