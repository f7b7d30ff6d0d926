package repository_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// world is a small backup repository in memory, and what its points contain.
type world struct {
	t      *testing.T
	bucket *blob.Bucket
	opts   repository.Options
	repo   *repository.Repository
	key    ed25519.PrivateKey
	want   map[int64]contents // by point
	topics map[string]format.Topic
}

// contents are the records of a point: by "topic/partition", a line a record.
type contents map[string][]string

const place = "default/nightly/cluster-1/"

func newKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func newWorld(t *testing.T, change ...func(*repository.Options)) *world {
	t.Helper()
	key := newKey(1)
	w := &world{t: t, bucket: memblob.OpenBucket(nil), key: key, want: map[int64]contents{}, topics: map[string]format.Topic{}}
	t.Cleanup(func() { _ = w.bucket.Close() })
	w.opts = repository.Options{
		Bucket:   w.bucket,
		Identity: format.Identity{Namespace: "default", Name: "nightly", Cluster: "cluster-1"},
		Key:      key, Trusted: []ed25519.PublicKey{key.Public().(ed25519.PublicKey)},
		Writer: "test/1", Now: time.Now,
	}
	for _, c := range change {
		c(&w.opts)
	}
	w.open()
	return w
}

// open opens the repository afresh, as another process would.
func (w *world) open() *repository.Repository {
	w.t.Helper()
	repo, err := repository.Open(w.t.Context(), w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	w.repo = repo
	return repo
}

// stretch is what a run copies of a partition: [base, end) of a point's [start, end).
type stretch struct {
	topic, id        string
	partition        int32
	start, base, end int64
	text             string // tells one copy's records from another's
}

func (s stretch) key() string { return fmt.Sprintf("%s/%d", s.topic, s.partition) }

const perFrame = 10 // offsets

// lines are the records of the stretch, as read gives them back.
func (s stretch) lines(from, to int64) (lines []string) {
	for o := from; o < to; o++ {
		lines = append(lines, line(s.record(o)))
	}
	return lines
}

func (s stretch) record(o int64) batch.Record {
	return batch.Record{Offset: o, Timestamp: 1000 * o, Key: []byte(s.key()), Value: fmt.Appendf(nil, "%s %d", s.text, o)}
}

func line(r batch.Record) string {
	return fmt.Sprintf("%d %d %s=%s", r.Offset, r.Timestamp, r.Key, r.Value)
}

// frames are the frames of [base, end) with their bytes.
func (s stretch) frames(t testing.TB) (frames []format.Frame, bodies [][]byte) {
	for first := s.base; first < s.end; first += perFrame {
		next := min(first+perFrame, s.end)
		f := format.Frame{
			Topic: s.topic, TopicID: s.id, Partition: s.partition, First: first, Next: next,
			FirstTime: 1000 * first, MaxTime: 1000 * (next - 1), Batches: 2, Records: next - first,
		}
		middle := (first + next) / 2
		body := append(s.batch(t, first, middle), s.batch(t, middle, next)...)
		if middle == first {
			f.Batches = 1
		}
		f.Raw = int64(len(body))
		frames, bodies = append(frames, f), append(bodies, body)
	}
	return frames, bodies
}

// batch is [from, to) as one batch, where it was in the log.
func (s stretch) batch(t testing.TB, from, to int64) []byte {
	if from == to {
		return nil
	}
	enc, err := batch.NewEncoder(batch.None, 0)
	if err != nil {
		t.Fatal(err)
	}
	var records []batch.Record
	for o := from; o < to; o++ {
		records = append(records, s.record(o))
	}
	b, err := enc.Encode(nil, records)
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint64(b, uint64(from))
	return b
}

// run commits a point on the newest, with one pack for all stretches.
func (w *world) run(stretches ...stretch) *repository.Point {
	w.t.Helper()
	ctx := w.t.Context()
	if err := w.repo.Begin(ctx); err != nil {
		w.t.Fatal(err)
	}
	l, err := w.repo.Acquire(ctx, time.Minute)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = l.Release(ctx) }()
	m := format.Manifest{Kind: format.Scheduled, Began: time.Now(), Taken: time.Now(), Ended: time.Now(), Software: "test"}
	before := contents{}
	if parent, err := w.repo.Newest(ctx); err == nil {
		m.Parent = parent.Number
		before = w.want[parent.Number]
	}
	m.Parts = []format.Part{{Writer: "test/1", Packs: []format.Pack{w.pack(stretches...)}}}
	m.Topics = topics(stretches)
	p, err := w.repo.Commit(ctx, l, m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.want[p.Number] = after(before, stretches)
	return p
}

func (w *world) pack(stretches ...stretch) format.Pack {
	w.t.Helper()
	pack, err := w.repo.NewPack(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range stretches {
		frames, bodies := s.frames(w.t)
		for i := range frames {
			if err := pack.Add(frames[i], bodies[i]); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	done, err := pack.Close()
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

// topics are the topics of stretches, given topic by topic.
func topics(stretches []stretch) (all []format.Topic) {
	for _, s := range stretches {
		if len(all) == 0 || all[len(all)-1].Name != s.topic {
			all = append(all, format.Topic{Name: s.topic, ID: s.id, Replicas: 1, Timestamps: "CreateTime", MaxBytes: 1 << 20,
				Config: map[string]string{"retention.ms": "-1"}})
		}
		t := &all[len(all)-1]
		t.Partitions = append(t.Partitions, format.Partition{Partition: s.partition, Start: s.start, Base: s.base, End: s.end, High: s.end, Epoch: -1})
	}
	return all
}

// after is what a point contains that stands on another.
func after(before contents, stretches []stretch) contents {
	now := contents{}
	for _, s := range stretches {
		var kept []string
		for _, l := range before[s.key()] {
			var o int64
			if _, err := fmt.Sscanf(l, "%d ", &o); err == nil && o >= s.start && o < s.base {
				kept = append(kept, l)
			}
		}
		now[s.key()] = append(kept, s.lines(s.base, s.end)...)
	}
	return now
}

// read gives a point back as a restore would.
func read(ctx context.Context, repo *repository.Repository, n int64) (contents, error) {
	p, err := repo.Point(ctx, n)
	if err != nil {
		return nil, err
	}
	got := contents{}
	dec := batch.NewDecoder()
	var buf []byte
	for _, t := range p.Topics {
		for _, part := range t.Partitions {
			key := fmt.Sprintf("%s/%d", t.Name, part.Partition)
			got[key] = nil
			for _, ref := range p.Refs(t.Name, part.Partition) {
				if buf, err = repo.Frame(ctx, ref, buf); err != nil {
					return nil, err
				}
				for rest := buf; len(rest) > 0; {
					var one []byte
					if _, one, rest, err = batch.Parse(rest); err != nil {
						return nil, err
					}
					err := dec.Records(one, func(r batch.Record) error {
						if r.Offset >= ref.From && r.Offset < ref.To {
							got[key] = append(got[key], line(r))
						}
						return nil
					})
					if err != nil {
						return nil, err
					}
				}
			}
		}
	}
	return got, nil
}

// differs says where two points' contents are not the same.
func differs(want, got contents) string {
	for key, lines := range want {
		if a, b := strings.Join(lines, "\n"), strings.Join(got[key], "\n"); a != b {
			return fmt.Sprintf("%s: got\n%s\nwant\n%s", key, b, a)
		}
	}
	if len(want) != len(got) {
		return fmt.Sprintf("%d partitions instead of %d", len(got), len(want))
	}
	return ""
}

// names lists the objects whose name begins so.
func (w *world) names(prefix string) (names []string) {
	w.t.Helper()
	for it := w.bucket.List(&blob.ListOptions{Prefix: place + prefix}); ; {
		o, err := it.Next(w.t.Context())
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			w.t.Fatal(err)
		}
		names = append(names, strings.TrimPrefix(o.Key, place))
	}
}

func (w *world) get(name string) []byte {
	w.t.Helper()
	b, err := w.bucket.ReadAll(w.t.Context(), place+name)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) put(name string, b []byte) {
	w.t.Helper()
	if err := w.bucket.WriteAll(w.t.Context(), place+name, b, nil); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) remove(name string) {
	w.t.Helper()
	if err := w.bucket.Delete(w.t.Context(), place+name); err != nil {
		w.t.Fatal(err)
	}
}
