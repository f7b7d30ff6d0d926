package repository

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// When a complete manifest is due. It costs as much as the point has frames, so
// a large one waits until as much is new: the cost of runs follows the new data.
const (
	completeEvery = 50     // points, while a point has few frames
	fewFrames     = 50_000 //
	longestChain  = 400    // points, however large
)

// due says whether the manifest that is to be written shall be complete.
func (r *Repository) due(ctx context.Context, m *format.Manifest, refs map[partition][]Ref) (bool, error) {
	if m.Parent == 0 {
		return false, nil
	}
	whole := 0
	for _, list := range refs {
		whole += len(list)
	}
	fresh, length := frameCount(m), 1
	for at := m.Parent; ; length++ {
		parent, err := r.parents(ctx, at)
		if err != nil {
			return false, err
		}
		if at = parent.Parent; at == 0 {
			break
		}
		fresh += frameCount(parent)
	}
	switch {
	case length >= longestChain, fresh > whole:
		return true, nil
	case length >= completeEvery:
		return whole <= fewFrames || fresh > whole/8, nil
	}
	return false, nil
}

func frameCount(m *format.Manifest) (n int) {
	for _, part := range m.Parts {
		n += len(part.Empty)
		for _, p := range part.Packs {
			n += len(p.Frames)
		}
	}
	return n
}

// complete is m with everything it stands on. What older points wrote is in a
// part of its own; every frame says what the point takes of it.
func complete(m format.Manifest, refs map[partition][]Ref) format.Manifest {
	mine := map[string]bool{}
	parts := slices.Clone(m.Parts)
	m.Parts = make([]format.Part, 0, len(parts)+1)
	for _, part := range parts {
		fresh := format.Part{Writer: part.Writer}
		for _, p := range part.Packs {
			mine[p.ID] = true
			p.Frames = nil
			fresh.Packs = append(fresh.Packs, p)
		}
		m.Parts = append(m.Parts, fresh)
	}
	fill(&m, refs, mine)
	m.Parent = 0
	m.Topics = slices.Clone(m.Topics)
	for i := range m.Topics {
		m.Topics[i].Partitions = slices.Clone(m.Topics[i].Partitions)
		for j := range m.Topics[i].Partitions {
			p := &m.Topics[i].Partitions[j]
			p.Base = p.Start
		}
	}
	return m
}

// fill puts all refs into m: into the packs that are mine, the others into an
// inherited part.
func fill(m *format.Manifest, refs map[partition][]Ref, mine map[string]bool) {
	frames := map[string][]format.Frame{}
	inherited := map[string]format.Pack{}
	rest := format.Part{Writer: format.Inherited}
	for _, list := range refs {
		for _, ref := range list {
			f := taking(ref)
			if ref.Pack.ID == "" {
				rest.Empty = append(rest.Empty, f)
				continue
			}
			frames[ref.Pack.ID] = append(frames[ref.Pack.ID], f)
			if !mine[ref.Pack.ID] {
				inherited[ref.Pack.ID] = ref.Pack
			}
		}
	}
	for _, list := range frames {
		slices.SortFunc(list, func(a, b format.Frame) int { return cmp.Compare(a.Offset, b.Offset) })
	}
	for i := range m.Parts {
		for j := range m.Parts[i].Packs {
			m.Parts[i].Packs[j].Frames = frames[m.Parts[i].Packs[j].ID]
		}
	}
	for _, id := range slices.Sorted(maps.Keys(inherited)) {
		p := inherited[id]
		p.Frames = frames[id]
		rest.Packs = append(rest.Packs, p)
	}
	slices.SortFunc(rest.Empty, func(a, b format.Frame) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.First, b.First))
	})
	if len(rest.Packs)+len(rest.Empty) > 0 {
		m.Parts = append(m.Parts, rest)
	}
}

// taking is a ref's frame that says what of it is taken.
func taking(ref Ref) format.Frame {
	f := ref.Frame
	f.TakeFrom, f.TakeTo = 0, 0
	if ref.From > f.First {
		f.TakeFrom = ref.From
	}
	if ref.To < f.Next {
		f.TakeTo = ref.To
	}
	return f
}
