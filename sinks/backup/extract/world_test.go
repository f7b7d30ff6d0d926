package extract_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"
	"time"

	"gocloud.dev/blob/memblob"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

const topicID = "AAAAAAAAAAAAAAAAAAAAAQ"

// world is a small backup repository in memory.
type world struct {
	t    *testing.T
	repo *repository.Repository
}

func newWorld(t *testing.T) *world {
	t.Helper()
	bucket := memblob.OpenBucket(nil)
	t.Cleanup(func() { _ = bucket.Close() })
	repo, err := repository.Open(t.Context(), repository.Options{
		Bucket: bucket, Identity: format.Identity{Namespace: "default", Name: "nightly", Cluster: "cluster-1"}, Writer: "test/1", Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := repo.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &world{t, repo}
}

// stretch is one frame: batches of a partition from an offset on.
type stretch struct {
	topic     string
	partition int32
	first     int64
	batches   [][]byte
	next      int64
}

// topic is a topic of one partition [start, end), of which [base, end) is new.
func topic(name string, start, base, end int64) format.Topic {
	return format.Topic{Name: name, ID: topicID, Replicas: 1, Timestamps: "CreateTime", MaxBytes: 1 << 20,
		Partitions: []format.Partition{{Start: start, Base: base, End: end, High: end, Epoch: -1}}}
}

// commit makes a point of topics and what is new of them.
func (w *world) commit(topics []format.Topic, stretches ...stretch) *repository.Point {
	w.t.Helper()
	ctx := w.t.Context()
	lease, err := w.repo.Acquire(ctx, time.Minute)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = lease.Release(ctx) }()
	m := format.Manifest{Kind: format.Manual, Began: time.Now(), Taken: time.Now(), Ended: time.Now(), Software: "test", Topics: topics}
	if parent, err := w.repo.Newest(ctx); err == nil {
		m.Parent = parent.Number
	}
	if len(stretches) > 0 {
		m.Parts = []format.Part{{Writer: "test/1", Packs: []format.Pack{w.pack(stretches)}}}
	}
	p, err := w.repo.Commit(ctx, lease, m)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) pack(stretches []stretch) format.Pack {
	w.t.Helper()
	pack, err := w.repo.NewPack(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range stretches {
		f := format.Frame{Topic: s.topic, TopicID: topicID, Partition: s.partition, First: s.first, Next: s.next, Batches: int64(len(s.batches))}
		var body []byte
		for _, one := range s.batches {
			h, _, _, err := batch.Next(one)
			if err != nil {
				w.t.Fatal(err)
			}
			f.Records += int64(h.Records)
			body = append(body, one...)
		}
		f.Raw = int64(len(body))
		if err := pack.Add(f, body); err != nil {
			w.t.Fatal(err)
		}
	}
	done, err := pack.Close()
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

// at is a batch of records from an offset on.
func (w *world) at(codec batch.Codec, offset int64, records ...batch.Record) []byte {
	w.t.Helper()
	e, err := batch.NewEncoder(codec, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	one, err := e.Encode(nil, records)
	if err != nil {
		w.t.Fatal(err)
	}
	binary.BigEndian.PutUint64(one, uint64(offset))
	return one
}

// numbers are n records that tell their offsets.
func numbers(from, n int64) (records []batch.Record) {
	for i := range n {
		records = append(records, batch.Record{Timestamp: 1000 + from + i, Key: fmt.Append(nil, (from+i)%3), Value: fmt.Append(nil, from+i)})
	}
	return records
}

// logAppend gives a batch the broker's time.
func logAppend(one []byte, time int64) []byte {
	one[22] |= 0x08
	binary.BigEndian.PutUint64(one[35:], uint64(time))
	binary.BigEndian.PutUint32(one[17:], crc32.Checksum(one[21:], crc32.MakeTable(crc32.Castagnoli)))
	return one
}
