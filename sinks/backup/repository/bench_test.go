package repository

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

// BenchmarkPack writes packs of 64 MiB into a directory and reads them back:
// sum, copy, fsync and link, and a range read with its sum.
func BenchmarkPack(b *testing.B) {
	bucket, err := store.Open(b.Context(), store.Options{URL: "file://" + filepath.ToSlash(b.TempDir())})
	if err != nil {
		b.Fatal(err)
	}
	r, err := Open(b.Context(), Options{Bucket: bucket, Identity: format.Identity{Name: "n", Cluster: cluster}})
	if err != nil {
		b.Fatal(err)
	}
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	var last format.Pack
	b.Run("write", func(b *testing.B) {
		b.SetBytes(64 << 20)
		for range b.N {
			w, err := r.NewPack(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			for i := range int64(64) {
				if err := w.Add(stretch{0, i, i + 1}.frame(), body); err != nil {
					b.Fatal(err)
				}
			}
			if last, err = w.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(64 << 20)
		var buf []byte
		for range b.N {
			for _, f := range last.Frames {
				if buf, err = r.Frame(b.Context(), Ref{Frame: f, Pack: last}, buf); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkResolve resolves a point of 1,000 partitions that stands on 50.
func BenchmarkResolve(b *testing.B) {
	f := newFixture(b, Options{})
	const partitions = 1000
	parent := int64(0)
	for n := range int64(50) {
		var spans []format.Partition
		var frames []format.Frame
		for p := range int32(partitions) {
			spans = append(spans, span(p, 0, 10*n, 10*n+10))
			frames = append(frames, stretch{p, 10 * n, 10*n + 10}.frame())
		}
		m := manifest(parent, nil, spans...)
		m.Number, m.Version, m.Backup = n+1, format.Version, f.o.Identity
		m.Parts = []format.Part{{Empty: frames}}
		for i := range m.Parts[0].Empty {
			m.Parts[0].Empty[i].Records, m.Parts[0].Empty[i].Batches = 0, 0
		}
		sealed, err := format.Seal(format.KindManifest, m, nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := f.put(b.Context(), pointName(n+1), "application/octet-stream", sealed); err != nil {
			b.Fatal(err)
		}
		parent = n + 1
	}
	for _, known := range []bool{false, true} {
		b.Run(fmt.Sprintf("known=%v", known), func(b *testing.B) {
			for range b.N {
				r := f.Repository
				if !known {
					r, _ = Open(b.Context(), f.o)
				}
				if _, err := r.Newest(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
