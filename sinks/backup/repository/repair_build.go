package repository

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// lines goes through manifests and packs in the order they were written. Packs
// that no manifest names which can be read come before the manifest that was
// written next.
func (m *mender) lines() {
	named := map[string]bool{}
	for _, d := range m.manifests {
		for _, part := range d.Parts {
			for _, p := range part.Packs {
				named[p.ID] = true
			}
		}
	}
	for _, move := range m.moved {
		named[move.To.ID] = true
	}
	at := 0
	for _, d := range m.manifests {
		first := at
		for at < len(m.byTime) && !m.byTime[at].written.After(m.written[d.Number]) {
			at++
		}
		m.found(m.byTime[first:at], named)
		m.named(d)
	}
	m.found(m.byTime[at:], named)
}

// found adds the frames of packs that nobody names.
func (m *mender) found(packs []*salvage, named map[string]bool) {
	type history struct {
		partition
		id string
	}
	refs := map[history][]Ref{}
	var order []history
	for _, p := range packs {
		if named[p.pack.ID] {
			continue
		}
		for _, f := range p.order {
			key := history{partition{f.Topic, f.Partition}, f.TopicID}
			if refs[key] == nil {
				order = append(order, key)
			}
			refs[key] = append(refs[key], Ref{Frame: f, Pack: p.pack, From: f.First, To: f.Next})
		}
	}
	for _, key := range order {
		if m.former[incarnation{key.topic, key.id}] {
			continue // of a topic that was deleted since
		}
		m.turn(key.topic, key.id)
		m.line(key.partition).found(refs[key])
	}
}

// incarnation tells topics of one name apart.
type incarnation struct{ topic, id string }

// turn goes over to another topic id: it is another topic, and nothing of the
// one before is of use.
func (m *mender) turn(topic, id string) {
	was, known := m.current[topic]
	if known && was == id {
		return
	}
	if known {
		m.former[incarnation{topic, was}] = true
	}
	m.current[topic] = id
	for key := range m.timeline {
		if key.topic == topic {
			delete(m.timeline, key)
		}
	}
}

// line is the timeline of a partition.
func (m *mender) line(key partition) *timeline {
	t := m.timeline[key]
	if t == nil {
		t = &timeline{start: -1}
		m.timeline[key] = t
	}
	return t
}

// named adds what a manifest says. What it does not name was deleted by then.
func (m *mender) named(d *decoded) {
	all := map[partition]lack{}
	for _, t := range d.Topics {
		for _, p := range t.Partitions {
			all[partition{t.Name, p.Partition}] = lack{t.ID, p.Start, p.End}
		}
	}
	frames := framesOf(&d.Manifest, all)
	for _, t := range d.Topics {
		m.turn(t.Name, t.ID)
		for _, p := range t.Partitions {
			key := partition{t.Name, p.Partition}
			m.line(key).named(p, m.readable(frames[key]))
		}
	}
	for key := range m.timeline {
		if _, ok := all[key]; !ok {
			delete(m.timeline, key)
		}
	}
}

// readable are the refs whose bytes are there, wherever they were moved.
func (m *mender) readable(refs []Ref) (good []Ref) {
	for _, ref := range refs {
		now, err := follow(ref, m.moved)
		switch {
		case err == nil && (now.Pack.ID == "" || m.has(now)):
			good = append(good, now)
		case m.has(ref): // the pack it was moved from may still be there
			good = append(good, ref)
		default: // or the same frame stands in a pack that no move leads to any more
			if same, ok := m.twins[twinOf(ref.Frame)]; ok {
				same.From, same.To = ref.From, ref.To
				good = append(good, same)
			}
		}
	}
	return good
}

// build makes the complete manifest, what it resolves to, and the list of what is lost.
func (m *mender) build() (format.Manifest, map[partition][]Ref, []string) {
	out := format.Manifest{Kind: format.Repaired, Notes: []string{"rebuilt from the packs that can be read"}}
	refs := map[partition][]Ref{}
	var lost []string
	for _, key := range m.keys() {
		t := m.timeline[key]
		p, words := m.settle(key, t)
		lost = append(lost, words...)
		refs[key] = t.refs
		topic := m.topic(&out, key.topic)
		topic.Partitions = append(topic.Partitions, p)
	}
	lost = slices.Concat(lost, m.notes, m.blocking)
	out.Notes = append(out.Notes, capped(lost)...)
	fill(&out, refs, nil)
	m.bystanders(&out)
	return out, refs, lost
}

// keys are the partitions by name and number.
func (m *mender) keys() []partition {
	var keys []partition
	for key := range m.timeline {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b partition) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	return keys
}

// settle makes the partition's range, fills the holes within it with gaps, and
// says what is lost.
func (m *mender) settle(key partition, t *timeline) (format.Partition, []string) {
	var words []string
	before, within, behind := t.holes()
	for _, g := range slices.Concat(before, within, behind) {
		words = append(words, fmt.Sprintf("%s/%d: offsets [%d, %d) are in no pack that can be read", key.topic, key.partition, g.First, g.Next))
	}
	for _, g := range within {
		f := format.Frame{
			Topic: key.topic, TopicID: m.current[key.topic], Partition: key.partition, First: g.First, Next: g.Next,
			Gone: format.Gone{Lost: g.Next - g.First}, Gaps: []format.Gap{g},
		}
		t.refs = append(t.refs, Ref{Frame: f, From: g.First, To: g.Next})
	}
	slices.SortFunc(t.refs, func(a, b Ref) int { return cmp.Compare(a.From, b.From) })
	start, end := max(0, t.start), max(0, t.start)
	if len(t.refs) > 0 {
		start, end = t.refs[0].From, t.end()
	}
	return format.Partition{Partition: key.partition, Start: start, Base: start, End: end, High: end, Epoch: -1, Why: "rebuilt from packs"}, words
}

// topic is the topic in the manifest, with what the newest manifest that can be
// read says of it.
func (m *mender) topic(out *format.Manifest, name string) *format.Topic {
	if n := len(out.Topics); n > 0 && out.Topics[n-1].Name == name {
		return &out.Topics[n-1]
	}
	id := m.current[name]
	topic := format.Topic{Name: name, ID: id}
	known := false
	for _, d := range m.manifests {
		for _, t := range d.Topics {
			if t.Name == name && t.ID == id {
				topic, known = t, true
			}
		}
	}
	topic.Partitions = nil
	if !known {
		out.Notes = append(out.Notes, fmt.Sprintf("%s: its configuration and replication stand in no manifest that can be read", name))
	}
	out.Topics = append(out.Topics, topic)
	return &out.Topics[len(out.Topics)-1]
}

// newest is the newest manifest that can be read, one that was not dropped if
// there is one; nil if there is none.
func (m *mender) newest() *decoded {
	for _, d := range slices.Backward(m.manifests) {
		if !m.dropped[d.Number] {
			return d
		}
	}
	if len(m.manifests) == 0 {
		return nil
	}
	return m.manifests[len(m.manifests)-1]
}

// taken is the moment that the point is of: what it was rebuilt from knows no better.
func (m *mender) taken(now time.Time) time.Time {
	if d := m.newest(); d != nil {
		return d.Taken
	}
	if len(m.byTime) > 0 {
		return m.byTime[len(m.byTime)-1].written
	}
	return now
}

// bystanders takes over what stands in no pack, and clamps what groups have
// committed beyond what is left.
func (m *mender) bystanders(out *format.Manifest) {
	d := m.newest()
	if d == nil {
		out.Notes = append(out.Notes, "consumer groups, access and quotas stand in no manifest that can be read")
		return
	}
	out.Share, out.ACLs, out.Quotas, out.Users = d.Share, d.ACLs, d.Quotas, d.Users
	ends := map[partition]int64{}
	for _, t := range out.Topics {
		for _, p := range t.Partitions {
			ends[partition{t.Name, p.Partition}] = p.End
		}
	}
	for _, g := range d.Groups {
		g.Offsets = slices.Clone(g.Offsets)
		for i, c := range g.Offsets {
			if end, ok := ends[partition{c.Topic, c.Partition}]; ok && c.Offset > end {
				g.Offsets[i].Offset, g.Offsets[i].Clamped = end, max(c.Offset, c.Clamped)
			}
		}
		out.Groups = append(out.Groups, g)
	}
}
