package repository

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

const (
	topicID = "AAAAAAAAAAAAAAAAAAAAAQ"
	cluster = "5L6g3nShT-eMCtK--X86sw"
)

func memory(t testing.TB) *blob.Bucket {
	t.Helper()
	b, err := store.Open(t.Context(), store.Options{URL: "mem://"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fixture is a repository, a lease of it, and how to make points.
type fixture struct {
	*Repository
	t     testing.TB
	lease *Lease
}

func newFixture(t testing.TB, o Options) *fixture {
	t.Helper()
	if o.Bucket == nil {
		o.Bucket = memory(t)
	}
	if o.Identity.Name == "" {
		o.Identity = format.Identity{Namespace: "kafka", Name: "nightly", Cluster: cluster}
	}
	if o.Writer == "" {
		o.Writer = "host/1/" + t.Name()
	}
	r, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := r.Acquire(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.end(ErrLease)
		<-l.done
	})
	return &fixture{r, t, l}
}

// stretch is offsets [from, to) of a partition of the topic orders.
type stretch struct {
	partition int32
	from, to  int64
}

// body is what a frame of a stretch holds: not batches, but this room reads none.
func (s stretch) body() []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%d:%d-%d;", s.partition, s.from, s.to), 20)
}

func (s stretch) frame() format.Frame {
	return format.Frame{Topic: "orders", TopicID: topicID, Partition: s.partition, First: s.from, Next: s.to, Batches: 1, Records: s.to - s.from}
}

func (f *fixture) pack(all ...stretch) format.Pack { return f.packOf(topicID, all...) }

func (f *fixture) packOf(id string, all ...stretch) format.Pack {
	f.t.Helper()
	w, err := f.NewPack(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	for _, s := range all {
		frame := s.frame()
		frame.TopicID = id
		if err := w.Add(frame, s.body()); err != nil {
			f.t.Fatal(err)
		}
	}
	p, err := w.Close()
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

func pack(all ...format.Pack) []format.Pack { return all }

// span is a partition of a point.
func span(partition int32, start, base, end int64) format.Partition {
	return format.Partition{Partition: partition, Start: start, Base: base, End: end, High: end, Epoch: -1}
}

func manifest(parent int64, packs []format.Pack, partitions ...format.Partition) format.Manifest {
	m := format.Manifest{
		Parent: parent, Kind: format.Scheduled, Software: "test", Began: time.Now(), Taken: time.Now(), Ended: time.Now(),
		Topics: []format.Topic{{Name: "orders", ID: topicID, Replicas: 1, Timestamps: "CreateTime", MaxBytes: 1 << 20, Partitions: partitions}},
	}
	if len(packs) > 0 {
		m.Parts = []format.Part{{Writer: "w", Packs: packs}}
	}
	return m
}

func (f *fixture) commit(m format.Manifest) *Point {
	f.t.Helper()
	p, err := f.Commit(f.t.Context(), f.lease, m)
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// content reads all that a point has of a partition, as stretches.
func (f *fixture) content(p *Point, partition int32) string {
	f.t.Helper()
	out := ""
	for _, ref := range p.Refs("orders", partition) {
		b, err := f.Frame(f.t.Context(), ref, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		if want := (stretch{partition, ref.First, ref.Next}).body(); ref.Length > 0 && !bytes.Equal(b, want) {
			f.t.Fatalf("frame %d-%d holds %q", ref.First, ref.Next, b)
		}
		out += fmt.Sprintf("[%d,%d)", ref.From, ref.To)
	}
	return out
}

func signer(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}
