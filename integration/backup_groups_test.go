package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/integration/storetest"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// modern is a consumer of the protocol of KIP-848: the broker assigns.
func modern(t *testing.T, k *kafkatest.Cluster, group, topic string) *kgo.Client {
	t.Helper()
	return k.Client(t, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ServerSideBalancer(), kgo.Balancers(kgo.RangeBalancer()),
		kgo.DisableAutoCommit(), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
}

// reads polls until it has so many records.
func reads(t *testing.T, cl *kgo.Client, n int) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		fetches := cl.PollRecords(ctx, n-len(out))
		if ctx.Err() != nil {
			t.Fatalf("%d records were read, want %d", len(out), n)
		}
		out = append(out, fetches.Records()...)
	}
	return out
}

// commits lets a consumer read so many records and commit behind the last.
func commits(t *testing.T, cl *kgo.Client, n int) {
	t.Helper()
	if err := cl.CommitRecords(t.Context(), reads(t, cl, n)...); err != nil {
		t.Fatal(err)
	}
}

func TestGroupsOfTheNewProtocolsAreBackedUpAndComeBack(t *testing.T) {
	if kafkatest.Older() {
		t.Skip("this Kafka has neither KIP-848 groups nor share groups by default")
	}
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	v := newVault(t, k, bucket(t, storetest.File(t), "groups"), pre)
	c := corpus.Write(t, k, pre, "transactions")
	topic, idle, live, shared := c.Topics[0], pre+"idle", pre+"live", pre+"shared"
	consumer := modern(t, k, idle, topic)
	commits(t, consumer, 5)
	consumer.Close()
	commits(t, modern(t, k, live, topic), 3)
	sharing := k.Client(t, kgo.ShareGroup(shared), kgo.ConsumeTopics(topic))
	sharing.PollFetches(contextOf(t, 3*time.Second))
	want := v.look(pre, []string{topic}, []string{idle})
	at := corpus.ReadGroups(t, v.client, idle, live)

	p := v.backUp().Point
	for _, group := range []string{idle, live} {
		i := slices.IndexFunc(p.Groups, func(g format.Group) bool { return g.Name == group })
		if i < 0 || p.Groups[i].Type != "consumer" || len(p.Groups[i].Offsets) == 0 {
			t.Fatalf("group %s is not in the point as a group of the new protocol: %+v", group, p.Groups)
		}
		for _, o := range p.Groups[i].Offsets {
			if was := at[group][o.Topic][o.Partition]; o.Offset != was.At || o.Epoch != was.LeaderEpoch {
				t.Errorf("%s: the point has %+v, committed was %+v", group, o, was)
			}
		}
	}
	if !slices.Contains(p.Share, shared) || slices.ContainsFunc(p.Groups, func(g format.Group) bool { return g.Name == shared }) {
		t.Errorf("the share group is not named, or kept: %q", p.Share)
	}

	to := kafkatest.Prefix(t) + "back-"
	r := v.giveBack("groups", to)
	if !slices.ContainsFunc(r.Left, func(s string) bool { return strings.Contains(s, live) }) {
		t.Errorf("the group with a live member is not named: %q", r.Left)
	}
	v.same(want, []string{topic}, []string{idle}, to)
	if now := corpus.ReadGroups(t, v.client, live); fmt.Sprint(now[live]) != fmt.Sprint(at[live]) {
		t.Errorf("the live group was %v, and is %v", at[live], now[live])
	}
	v.goesOnInOnePartition(want, idle, topic, to+strings.TrimPrefix(topic, pre))
}

// goesOnInOnePartition lets a consumer of the new protocol go on in what was
// restored: it is given all that the group had not read, and nothing else.
func (v *vault) goesOnInOnePartition(want contents, group, topic, restored string) {
	v.t.Helper()
	unread := map[string]bool{}
	for p, records := range want.topics[strings.TrimPrefix(topic, v.pre)] {
		for _, r := range records[corpus.Next(records, want.groups[group][topic][p].At):] {
			unread[fmt.Sprint(p, r.Timestamp, string(r.Key), string(r.Value))] = true
		}
	}
	for _, r := range reads(v.t, modern(v.t, v.kafka, group, restored), len(unread)) {
		key := fmt.Sprint(r.Partition, r.Timestamp.UnixMilli(), string(r.Key), string(r.Value))
		if !unread[key] {
			v.t.Errorf("it was given %s, which it had read", key)
		}
	}
}

func contextOf(t *testing.T, most time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), most)
	t.Cleanup(cancel)
	return ctx
}
