package proof_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// world is a source cluster, a scratch cluster and a backup repository.
type world struct {
	t               *testing.T
	source, scratch *kfake.Cluster
	bucket          *blob.Bucket
	repo            *repository.Repository
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, source: cluster(t), scratch: cluster(t), bucket: memblob.OpenBucket(nil)}
	t.Cleanup(func() { _ = w.bucket.Close() })
	repo, err := repository.Open(t.Context(), repository.Options{
		Bucket: w.bucket, Identity: format.Identity{Namespace: "default", Name: "nightly", Cluster: "source"}, Writer: "test/1", Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.repo = repo
	return w
}

func cluster(t *testing.T) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// dial opens clients to a cluster.
func dial(c *kfake.Cluster, opts ...kgo.Opt) func(context.Context) (*kgo.Client, error) {
	return func(context.Context) (*kgo.Client, error) {
		return kgo.NewClient(append(opts, kgo.SeedBrokers(c.ListenAddrs()...))...)
	}
}

func (w *world) client(c *kfake.Cluster, opts ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	cl, err := dial(c, opts...)(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(cl.Close)
	return cl
}

// topic makes a topic in the source and fills it in every codec.
func (w *world) topic(name string, partitions int32) {
	w.t.Helper()
	cl := w.client(w.source)
	if _, err := kadm.NewClient(cl).CreateTopic(w.t.Context(), partitions, 1, nil, name); err != nil {
		w.t.Fatal(err)
	}
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		w.produce(name, partitions, 30, codec)
	}
}

func (w *world) produce(topic string, partitions int32, n int, codec kgo.CompressionCodec) {
	w.t.Helper()
	cl := w.client(w.source, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec))
	var records []*kgo.Record
	for i := range n {
		r := &kgo.Record{Topic: topic, Partition: int32(i) % partitions, Key: fmt.Append(nil, i), Value: []byte(strings.Repeat("v", i*10)),
			Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "a"}}}
		if i%7 == 0 {
			r.Key, r.Value = nil, nil
		}
		records = append(records, r)
	}
	if err := cl.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// backup makes a point of all topics.
func (w *world) backup() *repository.Point {
	w.t.Helper()
	if err := w.repo.Begin(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	report, err := capture.Run(w.t.Context(), capture.Options{Dial: dial(w.source), Repository: w.repo, Kind: format.Manual, Topics: []string{"*"}})
	if err != nil {
		w.t.Fatal(err)
	}
	return report.Point
}

// topics are the names of a cluster's topics.
func (w *world) topics(c *kfake.Cluster) []string {
	w.t.Helper()
	all, err := kadm.NewClient(w.client(c)).ListTopics(context.WithoutCancel(w.t.Context()))
	if err != nil {
		w.t.Fatal(err)
	}
	return all.Names()
}
