package repository_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"gocloud.dev/blob/memblob"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// BenchmarkVerifyData reads 128 MiB of 4 KiB records in four partitions.
func BenchmarkVerifyData(b *testing.B) {
	const frames, batches, records = 8, 64, 16
	ctx := b.Context()
	repo, err := repository.Open(ctx, repository.Options{
		Bucket: memblob.OpenBucket(nil), Identity: format.Identity{Namespace: "default", Name: "nightly", Cluster: "cluster-1"}, Writer: "bench",
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := repo.Begin(ctx); err != nil {
		b.Fatal(err)
	}
	l, err := repo.Acquire(ctx, time.Minute)
	if err != nil {
		b.Fatal(err)
	}
	enc, err := batch.NewEncoder(batch.None, 0)
	if err != nil {
		b.Fatal(err)
	}
	one := make([]batch.Record, records)
	for i := range one {
		one[i] = batch.Record{Value: bytes.Repeat([]byte{'x'}, 4<<10)}
	}
	encoded, err := enc.Encode(nil, one)
	if err != nil {
		b.Fatal(err)
	}
	m := format.Manifest{Kind: format.Manual, Began: time.Now(), Taken: time.Now(), Ended: time.Now()}
	m.Topics = []format.Topic{{Name: "orders", ID: "A"}}
	w, err := repo.NewPack(ctx)
	if err != nil {
		b.Fatal(err)
	}
	size := int64(0)
	for p := range int32(4) {
		at := int64(0)
		for range frames {
			f := format.Frame{Topic: "orders", TopicID: "A", Partition: p, First: at, Batches: batches, Records: batches * records}
			var body []byte
			for range batches {
				body = append(body, encoded...)
				binary.BigEndian.PutUint64(body[len(body)-len(encoded):], uint64(at))
				at += records
			}
			f.Next = at
			size += int64(len(body))
			if err := w.Add(f, body); err != nil {
				b.Fatal(err)
			}
		}
		m.Topics[0].Partitions = append(m.Topics[0].Partitions, format.Partition{Partition: p, End: at, High: at})
	}
	pack, err := w.Close()
	if err != nil {
		b.Fatal(err)
	}
	m.Parts = []format.Part{{Writer: "bench", Packs: []format.Pack{pack}}}
	if _, err := repo.Commit(ctx, l, m); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	for b.Loop() {
		found, err := repo.Verify(ctx, repository.VerifyOptions{Level: repository.Data})
		if err != nil || !found[0].Good {
			b.Fatal(found, err)
		}
	}
}
