//go:build bench

package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/sinks/backup/batch"
)

// log is a topic, read and written with nothing around the requests.
type log struct {
	t          testing.TB
	brokers    []string
	admin      *kadm.Client
	topic      string
	id         kadm.TopicID
	partitions int
}

func newLog(t testing.TB, brokers []string, topic string, partitions int) *log {
	t.Helper()
	l := &log{t: t, brokers: brokers, topic: topic, partitions: partitions}
	l.admin = kadm.NewClient(l.client())
	got, err := l.admin.CreateTopic(t.Context(), int32(partitions), 1, nil, topic)
	if err != nil {
		t.Fatal(err)
	}
	l.id = got.ID
	kafkatest.Eventually(t, func() error {
		offsets, err := l.admin.ListEndOffsets(t.Context(), topic)
		if err == nil {
			err = offsets.Error()
		}
		return err
	})
	return l
}

// client is one that is closed with the test.
func (l *log) client(opts ...kgo.Opt) *kgo.Client {
	l.t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(l.brokers...))...)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(cl.Close)
	return cl
}

func (l *log) drop(topic string) {
	if _, err := l.admin.DeleteTopic(l.t.Context(), topic); err != nil {
		l.t.Error(err)
	}
}

// fill produces records of a kilobyte, half of it random, in turn to all partitions.
func (l *log) fill(codec string, bytes int64) {
	l.t.Helper()
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	cl := l.client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codecs[codec]),
		kgo.ProducerLinger(20*time.Millisecond), kgo.MaxBufferedRecords(100_000))
	noise := make([]byte, 1<<20)
	_, _ = rand.Read(noise)
	var failed atomic.Int64
	for i := range bytes >> 10 {
		value := make([]byte, 1000)
		copy(value, noise[(i*997)%(int64(len(noise))-500):][:500])
		cl.Produce(l.t.Context(), &kgo.Record{Topic: l.topic, Partition: int32(i % int64(l.partitions)), Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.Add(1)
			}
		})
	}
	if err := cl.Flush(l.t.Context()); err != nil || failed.Load() > 0 {
		l.t.Fatalf("fill %s: %d records failed, %v", l.topic, failed.Load(), err)
	}
}

// each reads all batches of a partition, as they come, over a connection of its own.
func (l *log) each(p int32, take func([]byte)) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(l.brokers...))
	if err != nil {
		return err
	}
	defer cl.Close()
	for at := int64(0); ; {
		const most = 8 << 20
		req := kmsg.NewPtrFetchRequest()
		req.MaxBytes, req.MinBytes, req.MaxWaitMillis, req.IsolationLevel, req.SessionEpoch = most, 0, 0, 1, -1
		one := kmsg.NewFetchRequestTopic()
		one.Topic, one.TopicID = l.topic, l.id
		part := kmsg.NewFetchRequestTopicPartition()
		part.Partition, part.FetchOffset, part.PartitionMaxBytes, part.CurrentLeaderEpoch = p, at, most, -1
		one.Partitions = append(one.Partitions, part)
		req.Topics = append(req.Topics, one)
		resp, err := cl.Request(l.t.Context(), req)
		if err != nil {
			return err
		}
		got := resp.(*kmsg.FetchResponse).Topics[0].Partitions[0]
		if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
			return err
		}
		from := at
		for b := got.RecordBatches; ; {
			h, one, rest, err := batch.Parse(b)
			if err != nil {
				break // a batch that is not whole is fetched again
			}
			take(one)
			at, b = h.Next(), rest
		}
		if at == from {
			return nil
		}
	}
}

// all does something with every partition at once, and returns the time it took.
func (l *log) all(do func(p int32) error) time.Duration {
	l.t.Helper()
	began := time.Now()
	var wg sync.WaitGroup
	for p := range int32(l.partitions) {
		wg.Go(func() {
			if err := do(p); err != nil {
				l.t.Error(err)
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// fetch reads all of it and looks at nothing.
func (l *log) fetch() (took time.Duration, bytes int64) {
	var n atomic.Int64
	took = l.all(func(p int32) error { return l.each(p, func(b []byte) { n.Add(int64(len(b))) }) })
	return took, n.Load()
}

// loaded is all of a log in memory.
type loaded struct {
	batches [][][]byte // by partition; they lie in frames
	frames  [][]byte   // as a backup has them
}

// frameSize is where a backup cuts frames.
const frameSize = 4 << 20

// load reads all of it, batches that can be produced by a session of their partition.
func (l *log) load() *loaded {
	l.t.Helper()
	all := &loaded{batches: make([][][]byte, l.partitions)}
	var mu sync.Mutex
	l.all(func(p int32) error {
		var frame []byte
		cut := func() {
			mu.Lock()
			defer mu.Unlock()
			if len(frame) > 0 {
				all.frames = append(all.frames, frame)
			}
			frame = nil
		}
		defer cut()
		return l.each(p, func(b []byte) {
			if len(frame)+len(b) > frameSize {
				cut()
			}
			if frame == nil {
				frame = make([]byte, 0, max(frameSize, len(b)))
			}
			from := len(frame)
			frame = append(frame, b...)
			all.batches[p] = append(all.batches[p], frame[from:len(frame):len(frame)])
		})
	})
	return all
}

// produce sends batches, one a request and in order, a connection a partition.
func (l *log) produce(batches [][][]byte) time.Duration {
	l.t.Helper()
	cl := l.client()
	for _, partition := range batches {
		session, err := kmsg.NewPtrInitProducerIDRequest().RequestWith(l.t.Context(), cl)
		if err != nil || session.ErrorCode != 0 {
			l.t.Fatalf("no producer session: %v, code %d", err, session.ErrorCode)
		}
		sequence := int32(0)
		for _, one := range partition {
			batch.Stamp(one, session.ProducerID, session.ProducerEpoch, sequence)
			h, _, _, err := batch.Parse(one)
			if err != nil {
				l.t.Fatal(err)
			}
			sequence += h.Records
		}
	}
	return l.all(func(p int32) error { return l.send(l.t.Context(), p, batches[p]) })
}

func (l *log) send(ctx context.Context, partition int32, batches [][]byte) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(l.brokers...))
	if err != nil {
		return err
	}
	defer cl.Close()
	for _, one := range batches {
		req := kmsg.NewPtrProduceRequest()
		req.Acks, req.TimeoutMillis = -1, 30_000
		t := kmsg.NewProduceRequestTopic()
		t.Topic, t.TopicID = l.topic, l.id
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition, p.Records = partition, one
		t.Partitions = append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
		resp, err := cl.Request(ctx, req)
		if err != nil {
			return err
		}
		if err := kerr.ErrorForCode(resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode); err != nil {
			return err
		}
	}
	return nil
}

// consume reads and decodes all records, and returns the processor's time.
func (l *log) consume() time.Duration {
	l.t.Helper()
	offsets := map[int32]kgo.Offset{}
	for p := range int32(l.partitions) {
		offsets[p] = kgo.NewOffset().AtStart()
	}
	ends, err := l.admin.ListEndOffsets(l.t.Context(), l.topic)
	if err != nil {
		l.t.Fatal(err)
	}
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	cl := l.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{l.topic: offsets}))
	return cpu(l.t, func() {
		for left > 0 {
			fetches := cl.PollFetches(l.t.Context())
			if err := fetches.Err(); err != nil {
				l.t.Fatal(err)
			}
			left -= int64(fetches.NumRecords())
		}
	})
}

// processor is the time that this process has used.
func processor(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// write writes so many bytes to fsynced files of 64 MiB, two at a time.
func write(t testing.TB, dir string, bytes int64) time.Duration {
	t.Helper()
	const file, writers = 64 << 20, 2
	chunk := make([]byte, 1<<20)
	_, _ = rand.Read(chunk)
	var next atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range writers {
		wg.Go(func() {
			for n := next.Add(file) - file; n < bytes; n = next.Add(file) - file {
				if err := writeFile(filepath.Join(dir, fmt.Sprint(n)), chunk, min(file, bytes-n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

func writeFile(name string, chunk []byte, size int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	for ; size > 0; size -= int64(len(chunk)) {
		if _, err := f.Write(chunk[:min(size, int64(len(chunk)))]); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}
