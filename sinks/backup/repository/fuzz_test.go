package repository

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// FuzzManifest reads a chain of two manifests and a move as anybody may have
// written them. Whatever comes out covers each partition without hole or overlap.
func FuzzManifest(f *testing.F) {
	id := "0123456789abcdef0123456789ab"
	frame := stretch{0, 0, 10}.frame()
	frame.Offset, frame.Length, frame.Raw, frame.Sum = 8, 5, 5, hexZeroes
	packed := format.Pack{ID: id, Size: 200, Digest: hexZeroes, Frames: []format.Frame{frame}}
	parent := manifest(0, pack(packed), span(0, 0, 0, 10))
	parent.Number = 1
	child := manifest(1, nil, span(0, 3, 10, 10))
	child.Number = 2
	move := format.Move{From: id, To: packed, At: map[int64]int64{8: 0}}
	f.Add(asJSON(f, child), asJSON(f, parent), asJSON(f, move))
	child.Parts = []format.Part{{Packs: pack(packed), Empty: []format.Frame{stretch{0, 10, 20}.frame()}}}
	f.Add(asJSON(f, child), asJSON(f, parent), []byte("{}"))
	f.Fuzz(func(t *testing.T, child, parent, move []byte) {
		var m, p format.Manifest
		var moved format.Move
		if json.Unmarshal(child, &m) != nil || json.Unmarshal(parent, &p) != nil || json.Unmarshal(move, &moved) != nil {
			return
		}
		if checkManifest(&m) != nil || checkManifest(&p) != nil {
			return
		}
		parents := func(context.Context, int64) (*format.Manifest, error) {
			if p.Parent != 0 {
				return nil, ErrNoPoint
			}
			return &p, nil
		}
		refs, _, err := resolve(t.Context(), &m, parents, map[string]format.Move{moved.From: moved})
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNoPoint) {
				t.Errorf("got %v", err)
			}
			return
		}
		covered(t, &m, refs)
	})
}

const hexZeroes = "0000000000000000000000000000000000000000000000000000000000000000"

func asJSON(f *testing.F, value any) []byte {
	f.Helper()
	b, err := json.Marshal(value)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

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
