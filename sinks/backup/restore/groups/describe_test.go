package groups_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/restore/groups"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, k *kfake.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(k.ListenAddrs()...), kgo.RequestRetries(1)}, opts...)...)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

// cluster has a topic, a group that committed, and a live one.
func cluster(t *testing.T) (*kfake.Cluster, *kgo.Client) {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(1, "orders"))
	must(t, err)
	t.Cleanup(k.Close)
	c := dial(t, k)
	var at kadm.Offsets
	at.Add(kadm.Offset{Topic: "orders", Partition: 0, At: 0, LeaderEpoch: -1})
	_, err = kadm.NewClient(c).CommitOffsets(t.Context(), "idle", at)
	must(t, err)
	must(t, dial(t, k).ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("a")}).FirstErr())
	live := dial(t, k, kgo.ConsumerGroup("live"), kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	must(t, live.PollFetches(t.Context()).Err())
	return k, c
}

func TestGroupsAreAskedForByTheirOwnProtocolOnly(t *testing.T) {
	k, c := cluster(t)
	asked := 0
	k.ControlKey(int16(kmsg.ConsumerGroupDescribe), func(kmsg.Request) (kmsg.Response, error, bool) {
		asked++
		return nil, nil, false
	})
	all, err := groups.All(t.Context(), c)
	must(t, err)
	if len(all) != 2 || all[0].Live() || !all[1].Live() || !slices.Equal(all[1].Reads, []string{"orders"}) {
		t.Errorf("%+v", all)
	}
	some, err := groups.Describe(t.Context(), c, []string{"nobody", "live"})
	must(t, err)
	if some[0].State != "" || some[0].Live() || some[1].Members != 1 {
		t.Errorf("%+v", some)
	}
	if asked > 0 {
		t.Errorf("classic groups were asked for %d times as consumer groups, which older brokers do not know", asked)
	}
}

func TestAGroupThatCannotBeAskedForIsAnErrorAndNeverOneWithoutMembers(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.DescribeGroups, kmsg.ListGroups} {
		k, c := cluster(t)
		fault := kfake.Fault{Keys: []kmsg.Key{key}, Err: kerr.CoordinatorNotAvailable, Count: -1}
		if key == kmsg.DescribeGroups {
			fault.Group = "live"
		}
		k.Fault(fault)
		if all, err := groups.All(t.Context(), c); !errors.Is(err, kerr.CoordinatorNotAvailable) || key == kmsg.DescribeGroups && !strings.Contains(err.Error(), "live") {
			t.Errorf("%s: %+v, %v", key.Name(), all, err)
		}
	}
}
