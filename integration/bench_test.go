//go:build bench

package integration

import (
	"fmt"
	"testing"
	"time"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// benchTopics is how many topics the figures are about.
const benchTopics = 1000

// BenchmarkObserve compares a look at all topics with the bare requests it
// stands on, in one run. Run it with
//
//	go test -tags bench -run '^$' -bench Observe -benchtime 10x ./integration
func BenchmarkObserve(b *testing.B) {
	r := kafkatest.Start(b, kafkatest.Options{})
	c := connect(b, kafka.Options{Brokers: r.Plain()})
	k := kind(b, c, kafka.KindTopic)
	names := manyTopics(b, k)
	fields := []string{"partitions", "replicas", "config.retention.ms", "config.cleanup.policy"}
	narrow := reconcile.Scope{Full: true, Fields: make(map[reconcile.ID][]string)}
	for _, name := range names {
		narrow.Fields[topicID(name)] = fields
	}
	client := r.Client(b)
	bare := func(keys ...string) func(*testing.B) {
		return func(b *testing.B) { bareDescribe(b, client, names, keys) }
	}
	look := func(scope reconcile.Scope) func(*testing.B) { return func(b *testing.B) { observe(b, k, scope) } }
	b.Run("bare, all keys", bare())
	b.Run("observed, all keys", look(reconcile.Scope{Full: true}))
	b.Run("bare, two keys", bare("retention.ms", "cleanup.policy"))
	b.Run("observed, two keys", look(narrow))
}

// BenchmarkCreate compares a thousand topics until the last one shows with one
// bare request.
func BenchmarkCreate(b *testing.B) {
	r := kafkatest.Start(b, kafkatest.Options{})
	c := connect(b, kafka.Options{Brokers: r.Plain()})
	k := kind(b, c, kafka.KindTopic)
	client := r.Client(b)
	b.Run("bare", func(b *testing.B) {
		for i := range b.N {
			req := kmsg.NewPtrCreateTopicsRequest()
			req.TimeoutMillis = 30000
			for n := range benchTopics {
				t := kmsg.NewCreateTopicsRequestTopic()
				t.Topic, t.NumPartitions, t.ReplicationFactor = fmt.Sprintf("bare-%d-%d", i+int(time.Now().UnixMilli()), n), 3, 1
				req.Topics = append(req.Topics, t)
			}
			if _, err := req.RequestWith(b.Context(), client); err != nil {
				b.Fatal(err)
			}
			waitFor(b, k, req.Topics[benchTopics-1].Topic)
		}
	})
	b.Run("applied", func(b *testing.B) {
		for i := range b.N {
			prefix := fmt.Sprintf("applied-%d-", i+int(time.Now().UnixMilli()))
			var changes []reconcile.Change
			for n := range benchTopics {
				changes = append(changes, set(reconcile.Create, topicID(fmt.Sprintf("%s%d", prefix, n)), "partitions", "3", "replicas", "1"))
			}
			mustApply(b, k, changes...)
			waitFor(b, k, fmt.Sprintf("%s%d", prefix, benchTopics-1))
		}
	})
}

func waitFor(b *testing.B, k reconcile.Kind, name string) {
	b.Helper()
	look(b, k, topicID(name))
}

func manyTopics(b *testing.B, k reconcile.Kind) []string {
	b.Helper()
	var names []string
	var changes []reconcile.Change
	for i := range benchTopics {
		names = append(names, fmt.Sprintf("topic-%d", i))
		changes = append(changes, set(reconcile.Create, topicID(names[i]), "partitions", "3", "replicas", "1", "config.retention.ms", "3600000"))
	}
	mustApply(b, k, changes...)
	kafkatest.Eventually(b, func() error {
		lives, _, err := k.Observe(b.Context(), reconcile.Scope{Full: true})
		if len(lives) != benchTopics {
			return fmt.Errorf("%d topics, %w", len(lives), err)
		}
		return nil
	})
	return names
}

func observe(b *testing.B, k reconcile.Kind, scope reconcile.Scope) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		lives, unseen, err := k.Observe(b.Context(), scope)
		if err != nil || len(unseen) > 0 || len(lives) != benchTopics {
			b.Fatal(len(lives), unseen, err)
		}
	}
}

// bareDescribe is what a look cannot do without: one Metadata, one DescribeConfigs.
func bareDescribe(b *testing.B, client *kgo.Client, names, keys []string) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		m := kmsg.NewPtrMetadataRequest()
		if _, err := m.RequestWith(b.Context(), client); err != nil {
			b.Fatal(err)
		}
		req := kmsg.NewPtrDescribeConfigsRequest()
		for _, name := range names {
			r := kmsg.NewDescribeConfigsRequestResource()
			r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, name, keys
			req.Resources = append(req.Resources, r)
		}
		if _, err := req.RequestWith(b.Context(), client); err != nil {
			b.Fatal(err)
		}
	}
}
