package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Resolution works out what a point contains. From the point back to the
// nearest complete manifest each contributes, for every partition that still
// lacks offsets [from, to): its own frames of [Base, End); what lies below Base
// is asked of its parent.

// lack is what a partition still lacks: [from, to) of the topic with that id.
type lack struct {
	id       string
	from, to int64
}

// own is what one manifest wrote of a partition, in offset order.
type own map[partition][]Ref

// source gives the manifests of a chain.
type source func(ctx context.Context, n int64) (*format.Manifest, error)

// resolve works out all refs of m, and which points it stands on, newest first.
func resolve(ctx context.Context, m *format.Manifest, parents source, moved map[string]format.Move) (map[partition][]Ref, []int64, error) {
	lacks := map[partition]lack{}
	refs := map[partition][]Ref{}
	for _, t := range m.Topics {
		for _, p := range t.Partitions {
			refs[partition{t.Name, p.Partition}] = nil
			if p.Start < p.End {
				lacks[partition{t.Name, p.Partition}] = lack{t.ID, p.Start, p.End}
			}
		}
	}
	var chain []int64
	for at := m; ; {
		chain = append(chain, at.Number)
		if err := contribute(at, lacks, refs, moved); err != nil {
			return nil, nil, fmt.Errorf("%s: %w: %w", pointName(at.Number), ErrDamaged, err)
		}
		if len(lacks) == 0 {
			break
		}
		if at.Parent == 0 {
			return nil, nil, fmt.Errorf("point %d: %w: %s", m.Number, ErrDamaged, describe(lacks))
		}
		next, err := parents(ctx, at.Parent)
		if errors.Is(err, ErrNoPoint) {
			err = fmt.Errorf("%w: it stands on one that is missing: %w", ErrDamaged, err)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("point %d: %w", m.Number, err)
		}
		at = next
	}
	for _, list := range refs {
		slices.Reverse(list)
	}
	return refs, chain, nil
}

func describe(lacks map[partition]lack) string {
	for p, l := range lacks {
		return fmt.Sprintf("no manifest says where offsets %d to %d of %s/%d are, and %d more partitions lack some", l.from, l.to, p.topic, p.partition, len(lacks)-1)
	}
	return ""
}

// contribute takes from one manifest what is lacking. refs grow from the end
// of each partition to its start.
func contribute(m *format.Manifest, lacks map[partition]lack, refs map[partition][]Ref, moved map[string]format.Move) error {
	frames := framesOf(m, lacks)
	for _, t := range m.Topics {
		for _, p := range t.Partitions {
			key := partition{t.Name, p.Partition}
			l, ok := lacks[key]
			if !ok || l.id != t.ID {
				continue
			}
			if l.from < p.Start || l.to > p.End {
				return fmt.Errorf("partition %s/%d holds %d to %d, and a later point needs %d to %d of it", t.Name, p.Partition, p.Start, p.End, l.from, l.to)
			}
			if l.to > p.Base {
				taken, err := cover(frames[key], max(l.from, p.Base), l.to, moved)
				if err != nil {
					return fmt.Errorf("partition %s/%d: %w", t.Name, p.Partition, err)
				}
				refs[key] = append(refs[key], taken...)
				l.to = max(l.from, p.Base)
			}
			if lacks[key] = l; l.from == l.to {
				delete(lacks, key)
			}
		}
	}
	return nil
}

// framesOf are a manifest's frames of partitions that lack some, in offset order.
func framesOf(m *format.Manifest, lacks map[partition]lack) own {
	frames := own{}
	add := func(f format.Frame, p format.Pack) {
		key := partition{f.Topic, f.Partition}
		if l, ok := lacks[key]; ok && l.id == f.TopicID {
			from, to := f.Window()
			frames[key] = append(frames[key], Ref{Frame: f, Pack: p, From: from, To: to})
		}
	}
	for _, part := range m.Parts {
		for _, p := range part.Packs {
			bare := p
			bare.Frames = nil
			for _, f := range p.Frames {
				add(f, bare)
			}
		}
		for _, f := range part.Empty {
			add(f, format.Pack{})
		}
	}
	for _, list := range frames {
		slices.SortFunc(list, func(a, b Ref) int { return cmp.Compare(a.From, b.From) })
	}
	return frames
}

// cover takes [from, to) out of frames, from its end to its start. A hole or an
// overlap is an error.
func cover(frames []Ref, from, to int64, moved map[string]format.Move) ([]Ref, error) {
	var taken []Ref
	next := from
	for _, ref := range frames {
		ref.From, ref.To = max(ref.From, from), min(ref.To, to)
		if ref.From >= ref.To {
			continue
		}
		if ref.From != next {
			return nil, fmt.Errorf("offset %d is followed by a frame of %d to %d: %s", next, ref.From, ref.To, holeOrOverlap(ref.From > next))
		}
		next = ref.To
		ref, err := follow(ref, moved)
		if err != nil {
			return nil, err
		}
		taken = append(taken, ref)
	}
	if next != to {
		return nil, fmt.Errorf("its frames end at %d, before %d", next, to)
	}
	slices.Reverse(taken)
	return taken, nil
}

func holeOrOverlap(hole bool) string {
	if hole {
		return "a hole"
	}
	return "an overlap"
}

// follow finds where a frame stands now. A move may be moved again; it never
// changes what the frame is.
func follow(ref Ref, moved map[string]format.Move) (Ref, error) {
	for range len(moved) + 1 {
		m, ok := moved[ref.Pack.ID]
		if !ok || ref.Length == 0 {
			return ref, nil
		}
		i, ok := m.At[ref.Offset]
		if !ok || i < 0 || i >= int64(len(m.To.Frames)) {
			return ref, nil // this frame was not moved: its pack is still needed
		}
		now := m.To.Frames[i]
		if now.Topic != ref.Topic || now.TopicID != ref.TopicID || now.Partition != ref.Partition ||
			now.First != ref.First || now.Next != ref.Next || now.Sum != ref.Sum || now.Length != ref.Length ||
			now.Raw != ref.Raw || now.Codec != ref.Codec {
			return ref, fmt.Errorf("pack %s: the frame at offset %d is another one after its move to pack %s", m.From, ref.First, m.To.ID)
		}
		if err := checkPack(m.To); err != nil {
			return ref, err
		}
		ref.Offset = now.Offset
		ref.Pack = m.To
		ref.Pack.Frames = nil
	}
	return ref, errors.New("packs were moved in a circle")
}
