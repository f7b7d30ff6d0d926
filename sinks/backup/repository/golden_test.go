package repository

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

var writeGolden = flag.Bool("write-golden", false, "write testdata/v1 anew: only before the first release")

// goldenIdentity opens the encrypted fixture. It is for nothing else.
const goldenIdentity = "testdata/v1/identity.txt"

func goldenRepositories() []string { return []string{"plain", "encrypted", "repacked", "moved"} }

// TestBackupsOfFormatOneStayReadable reads testdata/v1, which was written once:
// what it must hold is in want.txt beside it.
func TestBackupsOfFormatOneStayReadable(t *testing.T) {
	if *writeGolden {
		writeAllGolden(t)
	}
	b := golden(t)
	found, err := Find(t.Context(), b)
	if err != nil || len(found) != len(goldenRepositories()) {
		t.Fatalf("found %v, %v", found, err)
	}
	var out strings.Builder
	for _, name := range goldenRepositories() {
		describeGolden(t, goldenOpen(t, b, name, false), &out)
	}
	const want = "testdata/v1/want.txt"
	if *writeGolden {
		if err := os.WriteFile(want, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != out.String() {
		t.Errorf("it holds\n%s\nand must hold\n%s", out.String(), text)
	}
}

func golden(t *testing.T) *blob.Bucket {
	t.Helper()
	dir, err := filepath.Abs("testdata/v1/store")
	if err != nil {
		t.Fatal(err)
	}
	b, err := store.Open(t.Context(), store.Options{URL: "file://" + filepath.ToSlash(dir)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func goldenOpen(t *testing.T, b *blob.Bucket, name string, write bool) *Repository {
	t.Helper()
	key := signer(t)
	o := Options{
		Bucket: b, Identity: format.Identity{Namespace: "kafka", Name: name, Cluster: cluster},
		Writer: "fixture", Key: key, Trusted: []ed25519.PublicKey{key.Public().(ed25519.PublicKey)},
	}
	if name == "plain" {
		o.Key, o.Trusted = nil, nil
	}
	if name == "encrypted" {
		text, err := os.ReadFile(goldenIdentity)
		if err != nil {
			t.Fatal(err)
		}
		all, err := age.ParseIdentities(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		o.Identities = all
		if write {
			o.Recipients = []age.Recipient{all[0].(*age.X25519Identity).Recipient()}
		}
	}
	r, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// describeGolden writes every point, frame and record.
func describeGolden(t *testing.T, r *Repository, out *strings.Builder) {
	t.Helper()
	entries, err := r.Points(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		p, err := r.Point(t.Context(), e.Manifest.Number)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(out, "%s point %d on %d, %s, bad %q, removed %q\n", r.Identity().Name, p.Number, p.Parent, p.Kind, e.Bad, e.Removed)
		for _, topic := range p.Topics {
			for _, q := range topic.Partitions {
				fmt.Fprintf(out, "  %s/%d [%d,%d) base %d\n", topic.Name, q.Partition, q.Start, q.End, q.Base)
				describeFrames(t, r, p.Refs(topic.Name, q.Partition), out)
			}
		}
	}
}

func describeFrames(t *testing.T, r *Repository, refs []Ref, out *strings.Builder) {
	t.Helper()
	d := batch.NewDecoder()
	for _, ref := range refs {
		b, err := r.Frame(t.Context(), ref, nil)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(out, "    [%d,%d) of [%d,%d) codec %q was %q gone %v gaps %v\n", ref.From, ref.To, ref.First, ref.Next, ref.Codec, ref.Was, ref.Gone, ref.Gaps)
		for len(b) > 0 {
			_, one, rest, err := batch.Next(b)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Records(one, func(rec batch.Record) error {
				_, err := fmt.Fprintf(out, "      %d %q %q %d\n", rec.Offset, rec.Key, rec.Value, rec.Timestamp)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			b = rest
		}
	}
}

// writeAllGolden makes the fixture.
func writeAllGolden(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(goldenIdentity); errors.Is(err, os.ErrNotExist) {
		identity, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		for dir, text := range map[string]string{"": "# opens nothing but this fixture\n" + identity.String() + "\n"} {
			if err := os.MkdirAll("testdata/v1/store"+dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(goldenIdentity, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	b := golden(t)
	for _, name := range goldenRepositories() {
		writeOneGolden(t, goldenOpen(t, b, name, true))
	}
}

func writeOneGolden(t *testing.T, r *Repository) {
	t.Helper()
	if err := r.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := r.Acquire(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{r, t, l}
	codecs := []string{format.Plain, format.LZ4, format.Zstd}
	was := ""
	if r.o.Identity.Name == "repacked" {
		codecs, was = []string{format.Zstd}, "lz4"
	}
	one := f.goldenPack(codecs, was, stretch{0, 0, 3}, stretch{0, 3, 6}, stretch{0, 6, 8}, stretch{1, 4, 6})
	f.commit(manifest(0, pack(one), span(0, 0, 0, 8), span(1, 4, 4, 6), span(2, 0, 0, 0)))
	// A truncation at 7, control records at 9, and a partition that stands still.
	next := manifest(1, pack(f.goldenPack(codecs, was, stretch{0, 6, 9})), span(0, 2, 7, 10), span(1, 4, 6, 6), span(2, 0, 0, 0))
	gap := stretch{0, 9, 10}.frame()
	gap.Batches, gap.Records, gap.Gone = 0, 0, format.Gone{Control: 1}
	gap.Gaps = []format.Gap{{First: 9, Next: 10, Reason: format.Control}}
	next.Parts[0].Empty = []format.Frame{gap}
	two := f.commit(next)
	if r.o.Identity.Name == "moved" {
		f.goldenMove(one)
	}
	// A complete manifest, which says what it takes of the truncated frame.
	whole := complete(manifest(2, nil, two.Topics[0].Partitions...), two.refs)
	whole.Topics[0].ID = topicID
	f.commit(whole)
	if _, err := r.Series(removals, format.KindRemoval).Append(t.Context(), format.Removal{Points: map[int64]string{2: "fixture"}, By: "fixture"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// goldenPack writes frames of real batches, the codecs one after another.
func (f *fixture) goldenPack(codecs []string, was string, all ...stretch) format.Pack {
	f.t.Helper()
	w, err := f.NewPack(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	for i, s := range all {
		raw := goldenBatch(f.t, s)
		frame := s.frame()
		frame.Raw, frame.Codec, frame.Was = int64(len(raw)), codecs[i%len(codecs)], was
		frame.FirstTime, frame.MaxTime = 1_700_000_000_000+s.from, 1_700_000_000_000+s.to-1
		if err := w.Add(frame, squeeze(f.t, raw, frame.Codec)); err != nil {
			f.t.Fatal(err)
		}
	}
	p, err := w.Close()
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

func goldenBatch(t testing.TB, s stretch) []byte {
	t.Helper()
	e, err := batch.NewEncoder(batch.None, 0)
	if err != nil {
		t.Fatal(err)
	}
	var records []batch.Record
	for o := s.from; o < s.to; o++ {
		records = append(records, batch.Record{Timestamp: 1_700_000_000_000 + o, Key: fmt.Appendf(nil, "key %d", o), Value: fmt.Appendf(nil, "value of %d in %d-%d", o, s.from, s.to)})
	}
	b, err := e.Encode(nil, records)
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint64(b, uint64(s.from)) //nolint:gosec // not negative
	return b
}

// goldenMove rewrites a pack into another one, without its second frame.
func (f *fixture) goldenMove(from format.Pack) {
	f.t.Helper()
	w, err := f.NewPack(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	move := format.Move{From: from.ID, At: map[int64]int64{}}
	for i, frame := range from.Frames {
		if i == 1 {
			continue
		}
		stored, err := f.section(f.t.Context(), from, frame.Offset, frame.Length, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		if err := w.Add(frame, stored); err != nil {
			f.t.Fatal(err)
		}
		move.At[frame.Offset] = int64(len(move.At))
	}
	if move.To, err = w.Close(); err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.Series(moves, format.KindMove).Append(f.t.Context(), move); err != nil {
		f.t.Fatal(err)
	}
}
