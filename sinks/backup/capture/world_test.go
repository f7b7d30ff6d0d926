package capture

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// world is a cluster and a backup repository.
type world struct {
	*testing.T
	fake   *kfake.Cluster
	client *kgo.Client
	adm    *kadm.Client
	bucket *blob.Bucket
	repo   *repository.Repository
}

func newWorld(t *testing.T, opts ...kfake.Opt) *world {
	t.Helper()
	fake, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	w := &world{T: t, fake: fake, bucket: memblob.OpenBucket(nil)}
	t.Cleanup(func() { _ = w.bucket.Close() })
	w.client = w.connect()
	w.adm = kadm.NewClient(w.client)
	w.repo = w.open("test")
	return w
}

func (w *world) open(writer string) *repository.Repository {
	w.Helper()
	repo, err := repository.Open(w.Context(), repository.Options{
		Bucket: w.bucket, Writer: writer, Now: time.Now,
		Identity: format.Identity{Namespace: "default", Name: "nightly", Cluster: "c1"},
	})
	if err != nil {
		w.Fatal(err)
	}
	return repo
}

// anew is a backup repository that holds nothing.
func (w *world) anew() *repository.Repository {
	w.Helper()
	w.bucket = memblob.OpenBucket(nil)
	w.Cleanup(func() { _ = w.bucket.Close() })
	w.repo = w.open("test")
	return w.repo
}

func (w *world) connect(opts ...kgo.Opt) *kgo.Client {
	w.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.MetadataMinAge(10 * time.Millisecond)}, opts...)...)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(cl.Close)
	return cl
}

func (w *world) options(topics ...string) Options {
	return Options{
		Dial: func(context.Context) (*kgo.Client, error) {
			return kgo.NewClient(kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.MetadataMinAge(10*time.Millisecond))
		},
		Repository: w.repo, Kind: format.Manual, Topics: topics, Patience: 20 * time.Second,
	}
}

// run backs up, and fails the test on an error.
func (w *world) run(o Options) Report {
	w.Helper()
	report, err := Run(w.Context(), o)
	if err != nil {
		w.Fatal(err)
	}
	return report
}

func (w *world) create(topic string, partitions int32, config ...string) {
	w.Helper()
	set := make(map[string]*string)
	for i := 0; i < len(config); i += 2 {
		set[config[i]] = &config[i+1]
	}
	if _, err := w.adm.CreateTopic(w.Context(), partitions, 1, set, topic); err != nil {
		w.Fatal(err)
	}
}

func (w *world) produce(topic string, partition int32, values ...string) {
	w.Helper()
	w.produceBy(w.connect(kgo.RecordPartitioner(kgo.ManualPartitioner())), topic, partition, values...)
}

func (w *world) produceBy(cl *kgo.Client, topic string, partition int32, values ...string) {
	w.Helper()
	var records []*kgo.Record
	for _, v := range values {
		records = append(records, &kgo.Record{Topic: topic, Partition: partition, Key: []byte("k" + v), Value: []byte(v), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte(v)}}})
	}
	if err := cl.ProduceSync(w.Context(), records...).FirstErr(); err != nil {
		w.Fatal(err)
	}
}

// transaction produces in a transaction and ends it.
func (w *world) transaction(cl *kgo.Client, topic string, partition int32, commit kgo.TransactionEndTry, values ...string) {
	w.Helper()
	if err := cl.BeginTransaction(); err != nil {
		w.Fatal(err)
	}
	w.produceBy(cl, topic, partition, values...)
	if err := cl.EndTransaction(w.Context(), commit); err != nil {
		w.Fatal(err)
	}
}

// consumed is what a read-committed consumer finds, one line a record.
func (w *world) consumed(topic string, partition int32) string {
	w.Helper()
	ends, err := w.adm.ListCommittedOffsets(w.Context(), topic)
	if err != nil {
		w.Fatal(err)
	}
	end, _ := ends.Lookup(topic, partition)
	starts, err := w.adm.ListStartOffsets(w.Context(), topic)
	if err != nil {
		w.Fatal(err)
	}
	start, _ := starts.Lookup(topic, partition)
	cl := w.connect(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(start.Offset)}}))
	var b strings.Builder
	for at, idle := start.Offset, 0; at < end.Offset && idle < 10; idle++ {
		poll, stop := context.WithTimeout(w.Context(), 300*time.Millisecond)
		fetches := cl.PollFetches(poll)
		stop()
		fetches.EachRecord(func(r *kgo.Record) {
			idle = 0
			if at = r.Offset + 1; !r.Attrs.IsControl() && r.Offset < end.Offset {
				fmt.Fprintf(&b, "%d %d %s=%s %q\n", r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value, r.Headers)
			}
		})
	}
	return b.String()
}

// kept is what a point holds of a partition, spelled as consumed spells it.
func (w *world) kept(point *repository.Point, topic string, partition int32) string {
	w.Helper()
	var b strings.Builder
	decoder := batch.NewDecoder()
	at := int64(-1)
	for _, ref := range point.Refs(topic, partition) {
		if at >= 0 && ref.From != at {
			w.Errorf("%s/%d: a hole or an overlap between %d and %d", topic, partition, at, ref.From)
		}
		at = ref.To
		if ref.Length == 0 {
			continue
		}
		rest, err := w.repo.Frame(w.Context(), ref, nil)
		if err != nil {
			w.Fatal(err)
		}
		for len(rest) > 0 {
			var one []byte
			if _, one, rest, err = batch.Next(rest); err != nil {
				w.Fatal(err)
			}
			err := decoder.Records(one, func(r batch.Record) error {
				if r.Offset < ref.From || r.Offset >= ref.To {
					return nil
				}
				var headers []kgo.RecordHeader
				for _, h := range r.Headers {
					headers = append(headers, kgo.RecordHeader{Key: string(h.Key), Value: bytes.Clone(h.Value)})
				}
				fmt.Fprintf(&b, "%d %d %s=%s %q\n", r.Offset, r.Timestamp, r.Key, r.Value, headers)
				return nil
			})
			if err != nil {
				w.Fatal(err)
			}
		}
	}
	return b.String()
}

// same holds what a point has of a partition against a consumer.
func (w *world) same(point *repository.Point, topic string, partition int32) {
	w.Helper()
	if got, want := w.kept(point, topic, partition), w.consumed(topic, partition); got != want {
		w.Errorf("%s/%d: the point has\n%s\nwhere a consumer reads\n%s", topic, partition, short(got), short(want))
	}
}

func short(s string) string {
	if len(s) > 2000 {
		return s[:1000] + "\n…\n" + s[len(s)-1000:]
	}
	return s
}

func (w *world) partition(m format.Manifest, topic string, partition int32) format.Partition {
	w.Helper()
	for _, t := range m.Topics {
		if t.Name == topic {
			return t.Partitions[partition]
		}
	}
	w.Fatalf("the point has no topic %s", topic)
	return format.Partition{}
}

// packs are the objects of data in the bucket.
func (w *world) packs() []string {
	w.Helper()
	var names []string
	list := w.bucket.List(nil)
	for {
		o, err := list.Next(w.Context())
		if err != nil {
			return names
		}
		if strings.Contains(o.Key, "/packs/") {
			names = append(names, o.Key)
		}
	}
}

func kinds(alerts []Alert) string {
	var all []string
	for _, a := range alerts {
		all = append(all, string(a.Kind)+" "+a.Topic)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func values(from, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("v%d", from+i))
	}
	return all
}
