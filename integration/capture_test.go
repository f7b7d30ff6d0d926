package integration

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

// captured is a real cluster that is backed up into a directory.
type captured struct {
	*testing.T
	cluster *kafkatest.Cluster
	client  *kgo.Client
	adm     *kadm.Client
	repo    *repository.Repository
	prefix  string
}

func capturing(t *testing.T) *captured {
	t.Helper()
	c := &captured{T: t, cluster: kafkatest.Shared(t), prefix: kafkatest.Prefix(t)}
	c.client = c.cluster.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	c.adm = kadm.NewClient(c.client)
	c.repo = captureRepository(t, t.TempDir())
	return c
}

func captureRepository(t testing.TB, dir string) *repository.Repository {
	t.Helper()
	bucket, err := store.Open(t.Context(), store.Options{URL: "file://" + dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bucket.Close() })
	repo, err := repository.Open(t.Context(), repository.Options{
		Bucket: bucket, Writer: "test", Now: time.Now, Identity: format.Identity{Namespace: "default", Name: "nightly", Cluster: "c"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

func (c *captured) run(change ...func(*capture.Options)) capture.Report {
	c.Helper()
	o := capture.Options{
		Dial: func(context.Context) (*kgo.Client, error) {
			return kgo.NewClient(kgo.SeedBrokers(c.cluster.Plain()...))
		},
		Repository: c.repo, Kind: format.Manual, Topics: []string{c.prefix + "*"}, Patience: time.Minute,
	}
	for _, f := range change {
		f(&o)
	}
	report, err := capture.Run(c.Context(), o)
	if err != nil {
		c.Fatal(err)
	}
	return report
}

func (c *captured) topic(name string, partitions int32, config ...string) string {
	c.Helper()
	return c.topics(partitions, []string{name}, config...)[0]
}

// topics makes them with one request, as many are slow to show.
func (c *captured) topics(partitions int32, names []string, config ...string) []string {
	c.Helper()
	full := make([]string, len(names))
	for i, name := range names {
		full[i] = c.prefix + name
	}
	set := make(map[string]*string)
	for i := 0; i < len(config); i += 2 {
		set[config[i]] = &config[i+1]
	}
	made, err := c.adm.CreateTopics(c.Context(), partitions, 1, set, full...)
	if err == nil {
		err = made.Error()
	}
	if err != nil {
		c.Fatal(err)
	}
	return full
}

func (c *captured) produce(cl *kgo.Client, topic string, from, n int) {
	c.Helper()
	for i := from; i < from+n; i++ {
		r := &kgo.Record{Topic: topic, Key: []byte(strconv.Itoa(i % 10)), Value: []byte("v" + strconv.Itoa(i)), Headers: []kgo.RecordHeader{{Key: "a", Value: nil}, {Key: "a", Value: []byte("b")}}}
		cl.Produce(c.Context(), r, func(_ *kgo.Record, err error) {
			if err != nil {
				c.Error(err)
			}
		})
		if i%7 == 0 { // batches of several sizes
			if err := cl.Flush(c.Context()); err != nil {
				c.Fatal(err)
			}
		}
	}
	if err := cl.Flush(c.Context()); err != nil {
		c.Fatal(err)
	}
}

// consumed is what a read-committed consumer finds in partition 0 before end.
func (c *captured) consumed(topic string, end int64) string {
	c.Helper()
	cl := c.cluster.Client(c, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	var b strings.Builder
	at := int64(0)
	for idle := 0; at < end && idle < 4; idle++ {
		ctx, cancel := context.WithTimeout(c.Context(), time.Second)
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			idle = 0
			if at = r.Offset + 1; !r.Attrs.IsControl() && r.Offset < end {
				fmt.Fprintf(&b, "%d %d %q=%q %q\n", r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value, r.Headers)
			}
		})
		cancel()
	}
	return b.String()
}

// kept is what a point has of partition 0.
func (c *captured) kept(point *repository.Point, topic string) string {
	c.Helper()
	var b strings.Builder
	decoder := batch.NewDecoder()
	for _, ref := range point.Refs(topic, 0) {
		if ref.Length == 0 {
			continue
		}
		rest, err := c.repo.Frame(c.Context(), ref, nil)
		for err == nil && len(rest) > 0 {
			var one []byte
			if _, one, rest, err = batch.Next(rest); err != nil {
				break
			}
			err = decoder.Records(one, func(r batch.Record) error {
				if r.Offset >= ref.From && r.Offset < ref.To {
					var headers []kgo.RecordHeader
					for _, h := range r.Headers {
						headers = append(headers, kgo.RecordHeader{Key: string(h.Key), Value: bytes.Clone(h.Value)})
					}
					fmt.Fprintf(&b, "%d %d %q=%q %q\n", r.Offset, r.Timestamp, r.Key, r.Value, headers)
				}
				return nil
			})
		}
		if err != nil {
			c.Fatal(err)
		}
	}
	return b.String()
}

// same holds a point against a consumer, and returns the partition.
func (c *captured) same(point *repository.Point, topic string) format.Partition {
	c.Helper()
	for _, t := range point.Topics {
		if t.Name != topic {
			continue
		}
		p := t.Partitions[0]
		got, want := c.kept(point, topic), c.consumed(topic, p.End)
		if got != want {
			c.Errorf("%s: the point has %d records, a consumer reads %d\n%.1000s\n…\n%.1000s", topic, strings.Count(got, "\n"), strings.Count(want, "\n"), got, want)
		}
		return p
	}
	c.Fatalf("the point has no topic %s", topic)
	return format.Partition{}
}

func TestCaptureKeepsEveryCodecAsAConsumerReadsIt(t *testing.T) {
	c := capturing(t)
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	var names, appended []string
	for name := range codecs {
		names, appended = append(names, name), append(appended, name+"-append")
	}
	c.topics(1, names)
	c.topics(1, appended, "message.timestamp.type", "LogAppendTime")
	for name, codec := range codecs {
		cl := c.cluster.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec))
		c.produce(cl, c.prefix+name, 0, 200)
		c.produce(cl, c.prefix+name+"-append", 0, 50)
	}
	for mode, change := range map[string]func(*capture.Options){
		"verbatim": func(o *capture.Options) { o.Codec = "zstd" },
		"repack":   func(o *capture.Options) { o.Mode, o.Codec = capture.Repack, "lz4" },
	} {
		t.Run(mode, func(t *testing.T) {
			c := *c
			c.T, c.repo = t, captureRepository(t, t.TempDir())
			report := c.run(change)
			for name := range codecs {
				c.same(report.Point, c.prefix+name)
				c.same(report.Point, c.prefix+name+"-append")
			}
			if report.Records != 5*250 || len(report.Alerts) != 0 || report.Objects != 2 {
				t.Errorf("%+v", report)
			}
			for _, topic := range report.Point.Topics {
				if want := "LogAppendTime"; strings.HasSuffix(topic.Name, "-append") && (topic.Timestamps != want || topic.Config["message.timestamp.type"] != want) {
					t.Errorf("%s: %q, %v", topic.Name, topic.Timestamps, topic.Config)
				}
			}
		})
	}
}

func TestCaptureKeepsCommittedTransactionsOnly(t *testing.T) {
	c := capturing(t)
	topic := c.topic("tx", 1)
	var producers []*kgo.Client
	for i := range 3 {
		producers = append(producers, c.cluster.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(fmt.Sprintf("%s%d", c.prefix, i))))
	}
	ends := []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit}
	for round := range 4 { // interleaved: all are open before the first ends
		for i, cl := range producers {
			if err := cl.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			c.produce(cl, topic, 100*round+10*i, 9)
		}
		c.produce(c.client, topic, 1000+10*round, 3)
		for i, cl := range producers {
			if err := cl.EndTransaction(t.Context(), ends[(i+round)%3]); err != nil {
				t.Fatal(err)
			}
		}
	}
	open := producers[0]
	if err := open.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	c.produce(open, topic, 2000, 5)
	report := c.run()
	p := c.same(report.Point, topic)
	if p.High <= p.End || report.New.Control == 0 || report.New.Aborted == 0 || report.Records != 4*(2*9+3) {
		t.Errorf("%+v, %+v", p, report)
	}
	c.produce(c.client, topic, 3000, 3)
	if second := c.run(); len(second.Alerts) != 1 || second.Alerts[0].Kind != "hung" {
		t.Errorf("alerts %v", second.Alerts)
	}
	if err := open.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	third := c.run()
	c.same(third.Point, topic)
	if third.Records != 3 || third.New.Aborted != 5 {
		t.Errorf("%+v", third)
	}
}

func TestCaptureOfACleanedCompactedTopic(t *testing.T) {
	c := capturing(t)
	topic := c.topic("compacted", 1, "cleanup.policy", "compact", "segment.bytes", "1048576", "segment.ms", "100", "min.cleanable.dirty.ratio", "0.01", "min.compaction.lag.ms", "0", "max.compaction.lag.ms", "100")
	tx := c.cluster.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(c.prefix+"tx"))
	for round := range 5 {
		c.produce(c.client, topic, 100*round, 50)
		if err := tx.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		c.produce(tx, topic, 100*round+60, 20)
		if err := tx.EndTransaction(t.Context(), kgo.TransactionEndTry(round%2 == 0)); err != nil {
			t.Fatal(err)
		}
	}
	kafkatest.Eventually(t, func() error { // the cleaner runs when a segment is rolled
		c.produce(c.client, topic, 1000, 1)
		ends, err := c.adm.ListEndOffsets(t.Context(), topic)
		if err != nil {
			return err
		}
		end, _ := ends.Lookup(topic, 0)
		if n := strings.Count(c.consumed(topic, end.Offset), "\n"); n > 120 {
			return fmt.Errorf("%d records are left of %d offsets", n, end.Offset)
		}
		return nil
	})
	report := c.run()
	p := report.Point.Topics[0].Partitions[0]
	kept := c.kept(report.Point, topic)
	for line := range strings.Lines(c.consumed(topic, p.End)) { // the cleaner goes on: what is left now was there then
		if !strings.Contains(kept, line) {
			t.Errorf("the point lacks %s", line)
		}
	}
	if report.New.Compacted == 0 || !report.Point.Topics[0].Compacted || p.Full.IsZero() {
		t.Errorf("%+v, %+v", p, report)
	}
	sum := report.Records + report.New.Compacted + report.New.Control + report.New.Aborted
	if sum != p.End-p.Start {
		t.Errorf("%d of %d offsets are accounted for", sum, p.End-p.Start)
	}
}

func TestCaptureAfterRecordsWereDeleted(t *testing.T) {
	c := capturing(t)
	topic := c.topic("orders", 1)
	c.produce(c.client, topic, 0, 50)
	c.run()
	c.produce(c.client, topic, 50, 50)
	deleted := make(kadm.Offsets)
	deleted.Add(kadm.Offset{Topic: topic, At: 73})
	if _, err := c.adm.DeleteRecords(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}
	report := c.run()
	p := c.same(report.Point, topic)
	if p.Start != 73 || p.Base != 73 || report.New.Lost != 23 || len(report.Alerts) != 1 || report.Alerts[0].Kind != "gap" {
		t.Errorf("%+v, %+v", p, report)
	}
}

func TestCaptureTakesGroupsAccessAndQuotasAlong(t *testing.T) {
	c := capturing(t)
	topic, group := c.topic("orders", 1), c.prefix+"group"
	c.produce(c.client, topic, 0, 50)
	commit := make(kadm.Offsets)
	commit.Add(kadm.Offset{Topic: topic, At: 20, LeaderEpoch: 0, Metadata: "mine"})
	if err := c.adm.CommitAllOffsets(t.Context(), group, commit); err != nil {
		t.Fatal(err)
	}
	ahead := make(kadm.Offsets)
	ahead.Add(kadm.Offset{Topic: topic, At: 70, LeaderEpoch: -1})
	if err := c.adm.CommitAllOffsets(t.Context(), group+"-ahead", ahead); err != nil {
		t.Fatal(err)
	}
	acl := kadm.NewACLs().Allow("User:" + c.prefix).AllowHosts("*").Operations(kadm.OpRead).Topics(topic).ResourcePatternType(kadm.ACLPatternLiteral)
	if _, err := c.adm.CreateACLs(t.Context(), acl); err != nil {
		t.Fatal(err)
	}
	m := c.run().Point.Manifest
	want := format.Commit{Topic: topic, Offset: 20, Epoch: 0, Metadata: "mine"}
	clamped := format.Commit{Topic: topic, Offset: 50, Epoch: -1, Clamped: 70}
	if len(m.Groups) != 2 || m.Groups[0].Offsets[0] != want || m.Groups[1].Offsets[0] != clamped || m.Groups[0].Type != "classic" {
		t.Errorf("groups %+v", m.Groups)
	}
	found := false
	for _, a := range m.ACLs {
		found = found || a.Principal == "User:"+c.prefix && a.ResourceName == topic && a.Operation == kmsg.ACLOperationRead.String()
	}
	if !found || len(m.Users) == 0 || len(m.Users[0].Mechanisms) == 0 {
		t.Errorf("ACLs %+v, users %+v", m.ACLs, m.Users)
	}
}

func TestCaptureOfAThousandPartitions(t *testing.T) {
	soak(t) // five thousand are backed up elsewhere
	c := capturing(t)
	topics := c.topics(100, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"})
	for i := range 1000 {
		r := &kgo.Record{Topic: topics[i%10], Partition: int32(i / 10), Value: []byte(strconv.Itoa(i))}
		c.client.Produce(t.Context(), r, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := c.client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := c.run()
	second := c.run()
	t.Logf("1,000 partitions: %s, %d requests; nothing new: %s", first.Took, first.Requests, second.Took)
	if first.Records != 1000 || first.Objects != 2 || second.Records != 0 || second.Objects != 1 {
		t.Errorf("first %+v, second %+v", first, second)
	}
	c.same(second.Point, topics[3])
}
