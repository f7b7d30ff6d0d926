package repository

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// dice deals small numbers out of what the fuzzer gives.
type dice []byte

func (d *dice) next(n int64) int64 {
	if len(*d) == 0 {
		return 0
	}
	v := int64((*d)[0])
	*d = (*d)[1:]
	return v % n
}

// anyManifest is one that some writer may have made, right or wrong.
func anyManifest(d *dice, number, parent int64) format.Manifest {
	var partitions []format.Partition
	for p := range int32(1 + d.next(2)) {
		start := d.next(12)
		base := start + d.next(12) - 1
		partitions = append(partitions, span(p, start, base, base+d.next(12)))
	}
	m := manifest(parent, nil, partitions...)
	m.Number = number
	part := format.Part{}
	for i := range d.next(6) {
		f := anyFrame(d)
		if d.next(3) == 0 {
			f.Offset, f.Length, f.Raw, f.Sum, f.Records = 0, 0, 0, "", 0
			part.Empty = append(part.Empty, f)
			continue
		}
		id := fmt.Sprintf("%028x", number*16+i%2)
		part.Packs = append(part.Packs, format.Pack{ID: id, Size: 1000, Digest: hexZeroes, Frames: []format.Frame{f}})
	}
	m.Parts = []format.Part{part}
	return m
}

func anyFrame(d *dice) format.Frame {
	first := d.next(20)
	f := stretch{int32(d.next(2)), first, first + d.next(10)}.frame() //nolint:gosec // small
	f.Offset, f.Length, f.Raw, f.Sum = 8+d.next(4), 5, 5, hexZeroes
	if d.next(5) == 0 {
		f.TakeFrom, f.TakeTo = d.next(20), d.next(20)
	}
	return f
}

// anyMove moves a frame of a pack that anyManifest may name.
func anyMove(d *dice) format.Move {
	f := anyFrame(d)
	id := func() string { return fmt.Sprintf("%028x", 16+d.next(40)) }
	return format.Move{
		From: id(), At: map[int64]int64{8 + d.next(4): d.next(3) - 1},
		To: format.Pack{ID: id(), Size: 1000, Digest: hexZeroes, Frames: []format.Frame{f}},
	}
}

// FuzzManifest resolves chains of three manifests and two moves, as anybody may
// have written them. Whatever comes out covers each partition of the point
// without hole or overlap, and makes the same point when it is written complete.
func FuzzManifest(f *testing.F) {
	f.Add([]byte{0, 0, 1, 10, 1, 0, 0, 10, 0, 1, 1, 1, 1})
	f.Add([]byte("a point that stands on another one, which stands on a third"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := dice(b)
		chain := map[int64]format.Manifest{1: anyManifest(&d, 1, 0), 2: anyManifest(&d, 2, 1), 3: anyManifest(&d, 3, d.next(3))}
		moved := map[string]format.Move{}
		for range d.next(3) {
			m := anyMove(&d)
			moved[m.From] = m
		}
		for _, m := range chain {
			if checkManifest(&m) != nil {
				delete(chain, m.Number)
			}
		}
		m, ok := chain[3]
		if !ok {
			return
		}
		parents := func(_ context.Context, n int64) (*format.Manifest, error) {
			m, ok := chain[n]
			if !ok {
				return nil, ErrNoPoint
			}
			return &m, nil
		}
		refs, _, err := resolve(t.Context(), &m, parents, moved)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("got %v", err)
			}
			return
		}
		covered(t, &m, refs)
		whole := complete(m, refs)
		again, _, err := resolve(t.Context(), &whole, parents, nil)
		if err != nil {
			t.Fatalf("the complete manifest: %v", err)
		}
		covered(t, &whole, again)
	})
}

const hexZeroes = "0000000000000000000000000000000000000000000000000000000000000000"

func covered(t *testing.T, m *format.Manifest, refs map[partition][]Ref) {
	t.Helper()
	for _, topic := range m.Topics {
		for _, p := range topic.Partitions {
			next := p.Start
			for _, ref := range refs[partition{topic.Name, p.Partition}] {
				if ref.From != next || ref.To <= next || ref.From < ref.First || ref.To > ref.Next {
					t.Errorf("at %d: [%d,%d) of [%d,%d)", next, ref.From, ref.To, ref.First, ref.Next)
				}
				next = ref.To
			}
			if next != p.End {
				t.Errorf("it ends at %d, not at %d", next, p.End)
			}
		}
	}
}
