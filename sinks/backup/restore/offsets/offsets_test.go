package offsets

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

// world is a cluster with two topics of two partitions, ten records in each
// partition a second apart, and a repository for snapshots.
type world struct {
	t       *testing.T
	cluster *kfake.Cluster
	client  *kgo.Client
	admin   *kadm.Client
	repo    *repository.Repository
}

const firstRecord = 1_700_000_000_000

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	var err error
	w.cluster, err = kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(2, "orders", "bills"))
	w.must(err)
	t.Cleanup(w.cluster.Close)
	w.client, err = kgo.NewClient(kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	w.must(err)
	t.Cleanup(w.client.Close)
	w.admin = kadm.NewClient(w.client)
	for i := range 10 {
		for p := range int32(2) {
			for _, topic := range []string{"orders", "bills"} {
				w.must(w.client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Partition: p, Timestamp: time.UnixMilli(firstRecord + int64(i)*1000)}).FirstErr())
			}
		}
	}
	bucket, err := store.Open(t.Context(), store.Options{URL: "mem://"})
	w.must(err)
	w.repo, err = repository.Open(t.Context(), repository.Options{Bucket: bucket, Identity: format.Identity{Namespace: "n", Name: "b", Cluster: "c"}, Writer: t.Name()})
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) dial(context.Context) (*kgo.Client, error) {
	return kgo.NewClient(kgo.SeedBrokers(w.cluster.ListenAddrs()...))
}

func (w *world) commit(group, topic string, partition int32, at int64, metadata string) {
	w.t.Helper()
	var o kadm.Offsets
	o.Add(kadm.Offset{Topic: topic, Partition: partition, At: at, LeaderEpoch: -1, Metadata: metadata})
	got, err := w.admin.CommitOffsets(w.t.Context(), group, o)
	w.must(err)
	w.must(got.Error())
}

// at is what a group has, as text.
func (w *world) at(group string) string {
	w.t.Helper()
	got, err := w.admin.FetchOffsets(w.t.Context(), group)
	w.must(err)
	out := ""
	for _, topic := range []string{"bills", "orders"} {
		for p := range int32(2) {
			if o, ok := got.Lookup(topic, p); ok && o.At >= 0 {
				out += fmt.Sprintf("%s-%d=%d%s ", topic, p, o.At, o.Metadata)
			}
		}
	}
	return out
}

func (w *world) options(s Strategy, groups ...string) ResetOptions {
	return ResetOptions{Name: "before", Dial: w.dial, Repository: w.repo, Groups: groups, Strategy: s, Snapshot: true}
}

func TestAGroupGoesWhereTheStrategySays(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*ResetOptions)
		want   string
	}{
		"earliest":            {func(o *ResetOptions) { o.Strategy = ToEarliest }, "orders-0=2m orders-1=0 "},
		"latest":              {func(o *ResetOptions) { o.Strategy = ToLatest }, "orders-0=10m orders-1=10 "},
		"a time":              {func(o *ResetOptions) { o.Strategy, o.Timestamp = ToTimestamp, time.UnixMilli(firstRecord+3500) }, "orders-0=4m orders-1=4 "},
		"a time to come":      {func(o *ResetOptions) { o.Strategy, o.Timestamp = ToTimestamp, time.UnixMilli(firstRecord+1e9) }, "orders-0=10m orders-1=10 "},
		"an offset":           {func(o *ResetOptions) { o.Strategy, o.Offset = ToOffset, 1 }, "orders-0=2m orders-1=1 "},
		"an offset too far":   {func(o *ResetOptions) { o.Strategy, o.Offset = ToOffset, 1000 }, "orders-0=10m orders-1=10 "},
		"topics it had not":   {func(o *ResetOptions) { o.Strategy, o.Topics = ToLatest, []string{"bills"} }, "bills-0=10 bills-1=10 orders-0=5m orders-1=7 "},
		"nowhere: a dry run":  {func(o *ResetOptions) { o.Strategy, o.DryRun = ToLatest, true }, "orders-0=5m orders-1=7 "},
		"nowhere: no such":    {func(o *ResetOptions) { o.Strategy = "sideways" }, "orders-0=5m orders-1=7 "},
		"nowhere: no mapping": {func(o *ResetOptions) { o.Strategy, o.Restore = FromMapping, "nothing" }, "orders-0=5m orders-1=7 "},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.admin.DeleteRecords(t.Context(), kadm.Offsets{"orders": {0: {Topic: "orders", Partition: 0, At: 2}}})
			w.must(err)
			w.commit("g", "orders", 0, 5, "m")
			w.commit("g", "orders", 1, 7, "")
			o := w.options("", "g")
			c.change(&o)
			if _, err := Reset(t.Context(), o); (err != nil) != (o.Strategy == "sideways" || o.Strategy == FromMapping) {
				t.Fatalf("the error is %v", err)
			}
			if got := w.at("g"); got != c.want {
				t.Errorf("the group is at %q, want %q", got, c.want)
			}
			if o.DryRun || o.Strategy == "sideways" || o.Strategy == FromMapping {
				return
			}
			_, err = Rollback(t.Context(), RollbackOptions{Snapshot: "before", Dial: w.dial, Repository: w.repo, Verify: true})
			w.must(err)
			if got := w.at("g"); got != "orders-0=5m orders-1=7 " {
				t.Errorf("after the rollback the group is at %q", got)
			}
		})
	}
}

func TestALiveGroupIsLeftAloneAndNamed(t *testing.T) {
	w := newWorld(t)
	w.commit("idle", "orders", 0, 5, "")
	w.commit("live", "orders", 0, 5, "")
	c, err := kgo.NewClient(kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.ConsumerGroup("live"), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit())
	w.must(err)
	defer c.Close()
	c.PollFetches(t.Context())
	r, err := Reset(t.Context(), w.options(ToLatest, "live", "idle"))
	if !errors.Is(err, ErrLive) {
		t.Errorf("the error is %v", err)
	}
	if r.Groups[0].Live != 1 || w.at("live") != "orders-0=5 " || w.at("idle") != "orders-0=10 " {
		t.Errorf("live is at %q, idle at %q, the report is %+v", w.at("live"), w.at("idle"), r)
	}
}

func TestEveryAnswerOfTheCoordinatorIsLookedAt(t *testing.T) {
	for _, goOn := range []bool{true, false} {
		w := newWorld(t)
		for _, g := range []string{"a", "b"} {
			w.commit(g, "orders", 0, 5, "")
		}
		w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: "a", Err: kerr.GroupAuthorizationFailed, Count: -1})
		o := w.options(ToLatest, "a", "b")
		o.ContinueOnError, o.Parallelism = goOn, 1
		r, err := Reset(t.Context(), o)
		if !errors.Is(err, kerr.GroupAuthorizationFailed) || r.Groups[0].Error == "" {
			t.Errorf("the error is %v, the report %+v", err, r)
		}
		if got := w.at("b"); goOn != (got == "orders-0=10 ") {
			t.Errorf("going on is %v, the other group is at %q", goOn, got)
		}
	}
}

func TestASnapshotIsTakenOnce(t *testing.T) {
	w := newWorld(t)
	w.commit("g", "orders", 0, 5, "")
	for range 2 { // the second run is one after a kill: it must not keep its own work
		_, err := Reset(t.Context(), w.options(ToLatest, "g"))
		w.must(err)
	}
	_, err := Rollback(t.Context(), RollbackOptions{Snapshot: "before", Dial: w.dial, Repository: w.repo})
	w.must(err)
	if got := w.at("g"); got != "orders-0=5 " {
		t.Errorf("the group is at %q", got)
	}
	for _, o := range []RollbackOptions{{Snapshot: "nothing"}, {Snapshot: "before", Groups: []string{"nobody"}}} {
		o.Dial, o.Repository = w.dial, w.repo
		if _, err := Rollback(t.Context(), o); err == nil {
			t.Errorf("%+v is carried out", o)
		}
	}
}

func TestASnapshotOfAnotherClusterIsRefused(t *testing.T) {
	w := newWorld(t)
	w.commit("g", "orders", 0, 5, "")
	_, err := Reset(t.Context(), w.options(ToLatest, "g"))
	w.must(err)
	other, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("elsewhere"))
	w.must(err)
	t.Cleanup(other.Close)
	dial := func(context.Context) (*kgo.Client, error) {
		return kgo.NewClient(kgo.SeedBrokers(other.ListenAddrs()...))
	}
	_, err = Rollback(t.Context(), RollbackOptions{Snapshot: "before", Dial: dial, Repository: w.repo})
	if err == nil || !strings.Contains(err.Error(), "this is cluster elsewhere") {
		t.Errorf("the error is %v", err)
	}
}
