package restore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

const sourceID = "AAAAAAAAAAAAAAAAAAAAAQ"

// piece is a batch of a source partition, with its records at their offsets.
type piece struct {
	codec   batch.Codec
	records []batch.Record
	append  bool // LogAppendTime
}

// log is a source partition: frames of batches.
type log [][]piece

// topic is a source topic by partition.
type topic struct {
	format.Topic
	logs []log
}

// world is a repository with a point, and a cluster to restore into.
type world struct {
	t       *testing.T
	repo    *repository.Repository
	lease   *repository.Lease
	cluster *kfake.Cluster
	client  *kgo.Client
	admin   *kadm.Client
}

func newWorld(t *testing.T, opts ...kfake.Opt) *world {
	t.Helper()
	bucket, err := store.Open(t.Context(), store.Options{URL: "mem://"})
	must(t, err)
	w := &world{t: t}
	w.repo, err = repository.Open(t.Context(), repository.Options{
		Bucket: bucket, Identity: format.Identity{Namespace: "kafka", Name: "nightly", Cluster: "source"}, Writer: "host/1/" + t.Name(),
	})
	must(t, err)
	must(t, w.repo.Begin(t.Context()))
	w.lease, err = w.repo.Acquire(t.Context(), time.Minute)
	must(t, err)
	t.Cleanup(func() { _ = w.lease.Release(context.WithoutCancel(t.Context())) })
	w.cluster, err = kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(2)}, opts...)...)
	must(t, err)
	t.Cleanup(w.cluster.Close)
	w.client, err = w.dial(t.Context())
	must(t, err)
	t.Cleanup(w.client.Close)
	w.admin = kadm.NewClient(w.client)
	return w
}

func (w *world) dial(context.Context) (*kgo.Client, error) {
	return kgo.NewClient(kgo.SeedBrokers(w.cluster.ListenAddrs()...))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// point commits topics as a point.
func (w *world) point(change func(*format.Manifest), topics ...topic) *repository.Point {
	w.t.Helper()
	pack, err := w.repo.NewPack(w.t.Context())
	must(w.t, err)
	m := format.Manifest{Kind: format.Scheduled, Software: "test", Began: time.Now(), Taken: time.Now(), Ended: time.Now()}
	var empty []format.Frame
	for _, t := range topics {
		if t.ID == "" {
			t.ID, t.Replicas, t.Timestamps, t.MaxBytes = sourceID, 1, "CreateTime", 1<<20
		}
		for n, l := range t.logs {
			p := format.Partition{Partition: int32(n), Epoch: -1}
			for i, pieces := range l {
				f, b := frameOf(w.t, t.Topic, int32(n), pieces)
				if i == 0 {
					p.Start, p.Base = f.First, f.First
				} else {
					f.First = p.End
				}
				p.End, p.High = f.Next, f.Next
				must(w.t, pack.Add(f, b))
			}
			t.Partitions = append(t.Partitions, p)
		}
		m.Topics = append(m.Topics, t.Topic)
	}
	done, err := pack.Close()
	must(w.t, err)
	m.Parts = []format.Part{{Writer: "test", Packs: []format.Pack{done}, Empty: empty}}
	if change != nil {
		change(&m)
	}
	p, err := w.repo.Commit(w.t.Context(), w.lease, m)
	must(w.t, err)
	return p
}

// frameOf makes a frame as a backup would.
func frameOf(t testing.TB, topic format.Topic, partition int32, pieces []piece) (format.Frame, []byte) {
	t.Helper()
	f := format.Frame{Topic: topic.Name, TopicID: topic.ID, Partition: partition, MaxTime: -1 << 62, Batches: int64(len(pieces))}
	var b []byte
	for i, p := range pieces {
		first, last := p.records[0], p.records[len(p.records)-1]
		if i == 0 {
			f.First, f.FirstTime = first.Offset, first.Timestamp
		}
		f.Next = last.Offset + 1
		f.Records += int64(len(p.records))
		b = append(b, p.bytes(t)...)
		for _, r := range p.records {
			f.MaxTime = max(f.MaxTime, r.Timestamp)
		}
	}
	if f.Gone.Compacted = f.Next - f.First - f.Records; f.Gone.Compacted < 0 {
		t.Fatal("records with the same offset")
	}
	f.Length, f.Raw = int64(len(b)), int64(len(b))
	return f, b
}

// bytes is the batch as a broker would hold it.
func (p piece) bytes(t testing.TB) []byte {
	t.Helper()
	e, err := batch.NewEncoder(p.codec, 0)
	must(t, err)
	first, last := p.records[0].Offset, p.records[len(p.records)-1].Offset
	h := batch.Header{BaseOffset: first, LastOffsetDelta: int32(last - first), LeaderEpoch: 3, ProducerID: 77, ProducerEpoch: 1, BaseSequence: 5}
	if p.append {
		h.Attributes |= 1 << 3
	}
	for _, r := range p.records {
		h.MaxTimestamp = max(h.MaxTimestamp, r.Timestamp)
	}
	b, err := e.Cut(nil, h, first, last+1, p.records)
	must(t, err)
	return b
}

// rec is a record with a key of its own.
func rec(offset, timestamp int64, key, value string) batch.Record {
	return batch.Record{Offset: offset, Timestamp: timestamp, Key: []byte(key), Value: []byte(value)}
}

// dense is a batch of n records from an offset on.
func dense(codec batch.Codec, from, n int64) piece {
	p := piece{codec: codec}
	for i := from; i < from+n; i++ {
		r := rec(i, 1_600_000_000_000+i, fmt.Sprintf("key-%d", i), fmt.Sprintf("value %d of a record that compresses well, well, well", i))
		switch i % 5 {
		case 1:
			r.Key = nil
		case 2:
			r.Value = nil
		case 3:
			r.Headers = []batch.RecordHeader{{Key: []byte("same"), Value: []byte("1")}, {Key: []byte("same"), Value: nil}, {Key: []byte{0xff}, Value: []byte{}}}
		case 4:
			r.Key, r.Value = []byte{}, []byte{}
		}
		p.records = append(p.records, r)
	}
	return p
}

// options are a restore of everything.
func (w *world) options(name string) Options {
	return Options{Name: name, Dial: w.dial, Repository: w.repo, Create: true, Replicas: 1, Timeout: time.Second, Concurrency: 2}
}

func (w *world) run(o Options) Report {
	w.t.Helper()
	r, err := Run(w.t.Context(), o)
	must(w.t, err)
	return r
}

// plain is a record for a comparison.
type plain struct {
	key, value string
	time       int64
	headers    string
}

func text(b []byte) string {
	if b == nil {
		return "null"
	}
	return base64.StdEncoding.EncodeToString(b) + "."
}

func plainOf(r batch.Record) plain {
	p := plain{key: text(r.Key), value: text(r.Value), time: r.Timestamp}
	for _, h := range r.Headers {
		p.headers += text(h.Key) + "=" + text(h.Value) + ";"
	}
	return p
}

// want is what a source log holds.
func want(l log) []plain {
	var out []plain
	for _, pieces := range l {
		for _, p := range pieces {
			highest := int64(-1 << 62)
			for _, r := range p.records {
				highest = max(highest, r.Timestamp)
			}
			for _, r := range p.records {
				if p.append {
					r.Timestamp = highest
				}
				out = append(out, plainOf(r))
			}
		}
	}
	return out
}

// got reads a partition with a consumer, which knows nothing of this package.
func (w *world) got(topic string, partition int32) []plain {
	w.t.Helper()
	ends, err := w.admin.ListEndOffsets(w.t.Context(), topic)
	must(w.t, err)
	starts, err := w.admin.ListStartOffsets(w.t.Context(), topic)
	must(w.t, err)
	end, ok := ends.Lookup(topic, partition)
	start, _ := starts.Lookup(topic, partition)
	if !ok || end.Err != nil {
		w.t.Fatalf("%s-%d has no end: %v", topic, partition, end.Err)
	}
	if end.Offset == start.Offset {
		return nil
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(start.Offset)}}))
	must(w.t, err)
	defer c.Close()
	var out []plain
	for at := start.Offset; at < end.Offset; {
		fetches := c.PollFetches(w.t.Context())
		must(w.t, errors.Join(fetches.Err()))
		fetches.EachRecord(func(r *kgo.Record) {
			one := batch.Record{Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				one.Headers = append(one.Headers, batch.RecordHeader{Key: []byte(h.Key), Value: h.Value})
			}
			out, at = append(out, plainOf(one)), r.Offset+1
		})
	}
	return out
}

func (w *world) same(topic string, partition int32, want []plain) {
	w.t.Helper()
	got := w.got(topic, partition)
	if slices.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			w.t.Fatalf("%s-%d: record %d is %+v, want %+v (%d records, want %d)", topic, partition, i, got[i], want[i], len(got), len(want))
		}
	}
	w.t.Fatalf("%s-%d has %d records, want %d", topic, partition, len(got), len(want))
}

// write is what another producer does.
func (w *world) write(topic string, partition int32, values ...string) {
	c, err := kgo.NewClient(kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(w.t, err)
	defer c.Close()
	for _, v := range values {
		must(w.t, c.ProduceSync(w.t.Context(), &kgo.Record{Topic: topic, Partition: partition, Value: []byte(v)}).FirstErr())
	}
}

func (w *world) createTopic(names ...string) error {
	_, err := w.admin.CreateTopics(w.t.Context(), 1, 1, nil, names...)
	return err
}

func (w *world) maps(restore string) []Map {
	w.t.Helper()
	var out []Map
	_, rec, err := openJournal(w.t.Context(), w.repo, restore)
	must(w.t, err)
	must(w.t, eachMap(w.t.Context(), w.repo, restore, rec.Maps, func(m Map) error { out = append(out, m); return nil }))
	return out
}

// untext is the other way of text.
func untext(s string) []byte {
	b, _ := base64.StdEncoding.DecodeString(s[:len(s)-1])
	return b
}
