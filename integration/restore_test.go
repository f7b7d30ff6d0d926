package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/restore"
	"github.com/ottla-io/ottla/sinks/backup/restore/offsets"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

// giver is a backup repository in memory and the Kafka that it is of and for.
type giver struct {
	t      testing.TB
	kafka  *kafkatest.Cluster
	client *kgo.Client
	admin  *kadm.Client
	pre    string
	repo   *repository.Repository
}

func newGiver(t testing.TB, k *kafkatest.Cluster, url string) *giver {
	t.Helper()
	b, err := store.Open(t.Context(), store.Options{URL: url})
	g := &giver{t: t, kafka: k, client: k.Client(t, kgo.MetadataMinAge(10*time.Millisecond)), pre: kafkatest.Prefix(t)}
	g.must(err)
	t.Cleanup(func() { _ = b.Close() })
	g.admin = kadm.NewClient(g.client)
	g.repo, err = repository.Open(t.Context(), repository.Options{Bucket: b, Identity: format.Identity{Namespace: "default", Name: "giver", Cluster: k.ID}, Writer: "test/1"})
	g.must(err)
	return g
}

func (g *giver) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g *giver) dial(context.Context) (*kgo.Client, error) {
	return kgo.NewClient(kgo.SeedBrokers(g.kafka.Plain()...))
}

func (g *giver) backUp() {
	g.t.Helper()
	_, err := capture.Run(g.t.Context(), capture.Options{Dial: g.dial, Repository: g.repo, Kind: format.Manual, Topics: []string{g.pre + "*"}, Now: time.Now})
	g.must(err)
}

func (g *giver) options(name string) restore.Options {
	return restore.Options{Name: g.pre + name, Dial: g.dial, Repository: g.repo, Rename: map[string]string{g.pre + "*": name + "-" + g.pre + "*"}, Create: true, Now: time.Now}
}

func (g *giver) giveBack(o restore.Options) restore.Report {
	g.t.Helper()
	r, err := restore.Run(g.t.Context(), o)
	g.must(err)
	return r
}

// same compares topics with what was restored under a name.
func (g *giver) same(name string, topics ...string) {
	g.t.Helper()
	for _, topic := range topics {
		if d := corpus.Differences(corpus.Read(g.t, g.client, topic), corpus.Read(g.t, g.client, name+"-"+topic)); d != "" {
			g.t.Errorf("%s: %s", topic, d)
		}
	}
}

// rows writes batches of a thousand records of a kilobyte into partitions.
func (g *giver) rows(topic string, partitions, batches int) {
	g.t.Helper()
	_, err := g.admin.CreateTopic(g.t.Context(), int32(partitions), 1, nil, topic)
	g.must(err)
	c := g.kafka.Client(g.t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.UnknownTopicRetries(-1))
	value := []byte(strings.Repeat("0123456789abcdef", 60))
	for i := range batches * 1000 {
		c.Produce(g.t.Context(), &kgo.Record{Topic: topic, Partition: int32(i % partitions), Key: fmt.Appendf(nil, "%d", i), Value: value}, nil)
	}
	g.must(c.Flush(g.t.Context()))
}

func TestARestoreIsProvenRecordByRecord(t *testing.T) {
	k := kafkatest.Shared(t)
	g := newGiver(t, k, "mem://")
	c := corpus.Write(t, k, g.pre, "codecs", "java-snappy", "nulls", "headers", "times", "big", "log-append", "transactions", "compacted", "empty")
	g.backUp()
	o := g.options("all")
	o.Prove = true
	plan, err := restore.Check(t.Context(), o)
	g.must(err)
	r := g.giveBack(o)
	g.same("all", c.Topics...)
	if r.RawBytes == 0 || r.Encoded == 0 || len(r.Unequal) > 0 || r.Restored != plan.Records || len(plan.Problems) > 0 {
		t.Errorf("planned %+v, the report is %+v", plan, r)
	}
}

// TestDigestsOfTheSourceAreThoseOfTheBackup reads a source with transactions,
// aborted ones too, and a topic with the broker's times.
func TestDigestsOfTheSourceAreThoseOfTheBackup(t *testing.T) {
	g := newGiver(t, kafkatest.Shared(t), "mem://")
	corpus.Write(t, g.kafka, g.pre, "codecs", "log-append", "transactions", "recreated")
	g.backUp()
	found, err := g.repo.Verify(t.Context(), repository.VerifyOptions{Level: repository.Data})
	g.must(err)
	want := slices.DeleteFunc(found[0].Digests, func(d format.Digest) bool {
		return strings.Contains(d.Topic, "compacted") || strings.Contains(d.Topic, "tombstones") // the cleaner goes on
	})
	got, err := restore.Digests(t.Context(), g.dial, want)
	g.must(err)
	if !slices.Equal(got, want) || len(want) < 5 {
		t.Errorf("the source has %+v, the backup %+v", got, want)
	}
}

func TestARestoreThatIsKilledAgainAndAgainDoublesNothing(t *testing.T) {
	g := newGiver(t, kafkatest.Shared(t), "mem://")
	topic := g.pre + "rows"
	g.rows(topic, 3, 60)
	g.backUp()
	o := g.options("killed")
	var steps atomic.Int64
	for kills := range 12 {
		ctx, cancel := context.WithCancel(t.Context())
		steps.Store(0)
		o.Step = func(string) {
			if steps.Add(1) == int64(3+kills*2) {
				cancel()
			}
		}
		_, err := restore.Run(ctx, o)
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	o.Step, o.Prove = nil, true
	g.giveBack(o)
	g.same("killed", topic)
}

func TestARestoreNoticesWhoeverElseWrites(t *testing.T) {
	g := newGiver(t, kafkatest.Shared(t), "mem://")
	topic := g.pre + "rows"
	g.rows(topic, 2, 20)
	g.backUp()
	o := g.options("foreign")
	o.Concurrency = 1
	producer := g.kafka.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	var once atomic.Bool
	o.Step = func(step string) {
		if step == "batch written" && once.CompareAndSwap(false, true) {
			g.must(producer.ProduceSync(t.Context(), &kgo.Record{Topic: "foreign-" + topic, Partition: 0, Value: []byte("foreign")}).FirstErr())
		}
	}
	_, err := restore.Run(t.Context(), o)
	var foreign *restore.ForeignWriteError
	if !errors.As(err, &foreign) || foreign.Partition != 0 {
		t.Fatalf("the error is %v", err)
	}
	want, got := corpus.Read(t, g.client, topic), corpus.Read(t, g.client, "foreign-"+topic)
	if len(want[1]) != len(got[1]) {
		t.Errorf("the other partition has %d records, want %d", len(got[1]), len(want[1]))
	}
}

func TestGroupsComeBackAndCanBeRolledBack(t *testing.T) {
	g := newGiver(t, kafkatest.Shared(t), "mem://")
	c := corpus.Write(t, g.kafka, g.pre, "transactions", "compacted")
	idle, live := g.pre+"idle", g.pre+"live"
	g.commit(idle, c.Topics[0], 3)
	g.commit(live, c.Topics[0], 3)
	g.backUp()
	consumer := g.kafka.Client(t, kgo.ConsumerGroup(live), kgo.ConsumeTopics(c.Topics[0]))
	consumer.PollFetches(t.Context())
	o := g.options("groups")
	o.Groups = []string{g.pre + "*"}
	r := g.giveBack(o)
	if !slices.ContainsFunc(r.Left, func(s string) bool { return strings.Contains(s, live) }) {
		t.Errorf("the live group is not named: %q", r.Left)
	}
	target := "groups-" + c.Topics[0]
	if got := g.at(idle, target); got < 0 {
		t.Error("the idle group has no offset")
	}
	if got := g.at(live, target); got >= 0 {
		t.Errorf("the live group was put to %d", got)
	}
	back := offsets.RollbackOptions{Snapshot: r.Snapshot, Dial: g.dial, Repository: g.repo, Groups: []string{idle}, Verify: true}
	_, err := offsets.Rollback(t.Context(), back)
	g.must(err)
	if got := g.at(idle, target); got >= 0 {
		t.Errorf("after the rollback the group is at %d", got)
	}
	consumer.LeaveGroup()
	reset := offsets.ResetOptions{Name: g.pre + "reset", Dial: g.dial, Repository: g.repo, Groups: []string{idle, live}, Strategy: offsets.FromMapping, Restore: o.Name, Snapshot: true}
	_, err = offsets.Reset(t.Context(), reset)
	g.must(err)
	for _, group := range []string{idle, live} {
		want := corpus.Next(corpus.Read(t, g.client, c.Topics[0])[0], 3)
		if got := corpus.Next(corpus.Read(t, g.client, target)[0], g.at(group, target)); group == idle && got != want {
			t.Errorf("%s reads record %d next, want %d", group, got, want)
		}
	}
}

func (g *giver) commit(group, topic string, at int64) {
	g.t.Helper()
	var o kadm.Offsets
	o.Add(kadm.Offset{Topic: topic, Partition: 0, At: at, LeaderEpoch: -1})
	got, err := g.admin.CommitOffsets(g.t.Context(), group, o)
	g.must(err)
	g.must(got.Error())
}

// at is where a group is in partition 0; -1 if nowhere.
func (g *giver) at(group, topic string) int64 {
	g.t.Helper()
	got, err := g.admin.FetchOffsets(g.t.Context(), group)
	g.must(err)
	if o, ok := got.Lookup(topic, 0); ok {
		return o.At
	}
	return -1
}

func TestAnExistingTopicIsPurgedAndKeepsItsConfiguration(t *testing.T) {
	g := newGiver(t, kafkatest.Shared(t), "mem://")
	c := corpus.Write(t, g.kafka, g.pre, "times")
	g.backUp()
	target := "purge-" + c.Topics[0]
	_, err := g.admin.CreateTopic(t.Context(), 8, 1, map[string]*string{"retention.ms": str("3600000"), "max.message.bytes": str("2000"), "compression.type": str("gzip")}, target)
	g.must(err)
	producer := g.kafka.Client(t, kgo.UnknownTopicRetries(-1))
	g.must(producer.ProduceSync(t.Context(), &kgo.Record{Topic: target, Value: []byte("old")}).FirstErr())
	o := g.options("purge")
	o.Prove = true
	if _, err := restore.Run(t.Context(), o); err == nil {
		t.Fatal("a topic that holds data is written to")
	}
	o.Existing = "purge"
	plan, err := restore.Check(t.Context(), o)
	g.must(err)
	i := slices.IndexFunc(plan.Topics, func(p restore.TopicPlan) bool { return p.Target == target })
	if plan.Topics[i].Action != "purge" || plan.Topics[i].Expires == 0 {
		t.Errorf("the plan is %+v", plan.Topics[i])
	}
	g.giveBack(o)
	kafkatest.Eventually(t, func() error {
		configs, err := g.admin.DescribeTopicConfigs(t.Context(), target)
		if err != nil {
			return err
		}
		var set []string
		for _, c := range configs[0].Configs {
			if c.Source.String() == "DYNAMIC_TOPIC_CONFIG" {
				set = append(set, c.Key+"="+c.MaybeValue())
			}
		}
		slices.Sort(set)
		if got := strings.Join(set, " "); got != "compression.type=gzip max.message.bytes=2000 retention.ms=3600000" {
			return fmt.Errorf("it is configured with %s", got)
		}
		return nil
	})
}

func TestKeysArePlacedAnewAsAProducerPlacesThem(t *testing.T) {
	g := newGiver(t, kafkatest.Shared(t), "mem://")
	c := corpus.Write(t, g.kafka, g.pre, "codecs")
	g.backUp()
	o := g.options("again")
	o.Repartition, o.Prove = map[string]int{c.Topics[0]: 5}, true
	g.giveBack(o)
	target := "again-" + c.Topics[0]
	before, after := corpus.Read(t, g.client, c.Topics[0]), corpus.Read(t, g.client, target)
	if len(after) != 5 || after.Count() != before.Count() {
		t.Fatalf("%d partitions with %d records, want 5 with %d", len(after), after.Count(), before.Count())
	}
	keyed := kgo.StickyKeyPartitioner(nil).ForTopic(target)
	for p, records := range after {
		for _, r := range records {
			if want := keyed.Partition(&kgo.Record{Key: r.Key}, 5); want != int(p) {
				t.Fatalf("key %q is in partition %d, want %d", r.Key, p, want)
			}
		}
	}
}
