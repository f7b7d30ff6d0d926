package batch_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

// What franz-go produces in every codec is fetched raw and decoded by us, and
// consumed by franz-go: both must see the same records.
func TestWeDecodeWhatAConsumerSees(t *testing.T) {
	cluster := kfake.MustCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	t.Cleanup(cluster.Close)
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		produce(t, cluster, codec)
	}
	raw, want := fetch(t, cluster), consume(t, cluster, 5*40)
	var got []batch.Record
	seen := map[batch.Codec]bool{}
	for len(raw) > 0 {
		h, one, rest, err := batch.Next(raw)
		if err != nil {
			t.Fatal(err)
		}
		seen[h.Codec()] = true
		got, raw = append(got, decode(t, one)...), rest
	}
	if spell(got) != spell(want) {
		t.Errorf("got\n%.3000s\nwant\n%.3000s", spell(got), spell(want))
	}
	if len(seen) != 5 {
		t.Errorf("codecs seen: %v", seen)
	}
}

func client(t *testing.T, cluster *kfake.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(cluster.ListenAddrs()...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func produce(t *testing.T, cluster *kfake.Cluster, codec kgo.CompressionCodec) {
	t.Helper()
	cl := client(t, cluster, kgo.ProducerBatchCompression(codec), kgo.DefaultProduceTopic("orders"))
	var records []*kgo.Record
	for i := range 40 {
		records = append(records, &kgo.Record{
			Key: []byte{byte(i)}, Value: make([]byte, i*100),
			Headers: []kgo.RecordHeader{{Key: "h", Value: []byte{byte(i)}}, {Key: "h"}},
		})
	}
	records[3].Key, records[4].Value, records[5].Headers = nil, nil, nil
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func fetch(t *testing.T, cluster *kfake.Cluster) []byte {
	t.Helper()
	cl := client(t, cluster)
	meta := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = kmsg.StringPtr("orders")
	meta.Topics = append(meta.Topics, topic)
	m, err := meta.RequestWith(t.Context(), cl)
	if err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes = 64 << 20
	part := kmsg.NewFetchRequestTopicPartition()
	part.PartitionMaxBytes, part.CurrentLeaderEpoch = 64<<20, -1
	req.Topics = []kmsg.FetchRequestTopic{{Topic: "orders", TopicID: m.Topics[0].TopicID, Partitions: []kmsg.FetchRequestTopicPartition{part}}}
	res, err := req.RequestWith(t.Context(), cl)
	if err != nil {
		t.Fatal(err)
	}
	return res.Topics[0].Partitions[0].RecordBatches
}

func consume(t *testing.T, cluster *kfake.Cluster, n int) []batch.Record {
	t.Helper()
	cl := client(t, cluster, kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var out []batch.Record
	for len(out) < n {
		fetches := cl.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			one := batch.Record{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				one.Headers = append(one.Headers, batch.RecordHeader{Key: []byte(h.Key), Value: h.Value})
			}
			out = append(out, one)
		})
	}
	return out
}
