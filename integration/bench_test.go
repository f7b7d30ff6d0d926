//go:build bench

package integration

import (
	"context"
	"fmt"
	"slices"
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
// stands on. The two take turns, so that a busy machine slows both alike; the
// ratio is that of their medians.
//
//	go test -tags bench -run '^$' -bench Observe -benchtime 20x ./integration
func BenchmarkObserve(b *testing.B) {
	r := kafkatest.Start(b, kafkatest.Options{})
	k := kind(b, connect(b, kafka.Options{Brokers: r.Plain()}), kafka.KindTopic)
	client := r.Client(b)
	names := manyTopics(b, k)
	narrow := reconcile.Scope{Full: true, Fields: make(map[reconcile.ID][]string)}
	for _, name := range names {
		narrow.Fields[topicID(name)] = []string{"partitions", "replicas", "config.retention.ms", "config.cleanup.policy"}
	}
	for _, c := range []struct {
		name  string
		keys  []string
		scope reconcile.Scope
	}{
		{"all keys", nil, reconcile.Scope{Full: true}},
		{"two keys", []string{"retention.ms", "cleanup.policy"}, narrow},
	} {
		b.Run(c.name, func(b *testing.B) {
			compare(b, func() { bareDescribe(b, client, names, c.keys) }, func() { observe(b, k, c.scope) })
		})
	}
}

// BenchmarkCreate compares a thousand topics, until the last one shows, with one
// bare request until the same. Each has a broker of its own: one that still
// makes the logs of the first thousand shows the second one late.
//
//	go test -tags bench -run '^$' -bench Create -benchtime 1x ./integration
func BenchmarkCreate(b *testing.B) {
	for name, do := range map[string]func(*testing.B, *kgo.Client, reconcile.Kind){
		"bare": bareCreate,
		"ours": func(b *testing.B, _ *kgo.Client, k reconcile.Kind) { create(b, k) },
	} {
		b.Run(name, func(b *testing.B) {
			r := kafkatest.Start(b, kafkatest.Options{})
			k := kind(b, connect(b, kafka.Options{Brokers: r.Plain()}), kafka.KindTopic)
			client := r.Client(b)
			for b.Loop() {
				do(b, client, k)
			}
		})
	}
}

// compare lets both take turns and reports medians and their ratio.
func compare(b *testing.B, bare, ours func()) {
	b.Helper()
	var bares, all []time.Duration
	for b.Loop() {
		bares = append(bares, timed(bare))
		all = append(all, timed(ours))
	}
	slices.Sort(bares)
	slices.Sort(all)
	middle, own := bares[len(bares)/2], all[len(all)/2]
	b.ReportMetric(float64(middle.Milliseconds()), "bare-ms")
	b.ReportMetric(float64(own.Milliseconds()), "ours-ms")
	b.ReportMetric(float64(own)/float64(middle), "ratio")
}

func timed(do func()) time.Duration {
	began := time.Now()
	do()
	return time.Since(began)
}

func prefix() string { return fmt.Sprintf("bench-%d-", time.Now().UnixNano()) }

func manyTopics(b *testing.B, k reconcile.Kind) []string {
	b.Helper()
	names := create(b, k)
	kafkatest.Eventually(b, func() error {
		lives, _, err := k.Observe(b.Context(), reconcile.Scope{Full: true})
		if len(lives) != benchTopics {
			return fmt.Errorf("%d topics, %w", len(lives), err)
		}
		return nil
	})
	return names
}

// create applies a thousand topics and waits for the last one.
func create(b *testing.B, k reconcile.Kind) []string {
	b.Helper()
	begin := prefix()
	names := make([]string, benchTopics)
	changes := make([]reconcile.Change, benchTopics)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d", begin, i)
		changes[i] = set(reconcile.Create, topicID(names[i]), "partitions", "3", "replicas", "1", "config.retention.ms", "3600000")
	}
	mustApply(b, k, changes...)
	waitFor(b, k, names[benchTopics-1])
	return names
}

func bareCreate(b *testing.B, client *kgo.Client, k reconcile.Kind) {
	b.Helper()
	begin := prefix()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 30000
	for i := range benchTopics {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = fmt.Sprintf("%s%d", begin, i), 3, 1
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = "retention.ms", kmsg.StringPtr("3600000")
		t.Configs = append(t.Configs, c)
		req.Topics = append(req.Topics, t)
	}
	if _, err := req.RequestWith(b.Context(), client); err != nil {
		b.Fatal(err)
	}
	waitFor(b, k, req.Topics[benchTopics-1].Topic)
}

// waitFor waits until a topic shows, which takes a busy broker its time.
func waitFor(b *testing.B, k reconcile.Kind, name string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 3*time.Minute)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	scope := reconcile.Scope{Name: []reconcile.ID{topicID(name)}, Fields: map[reconcile.ID][]string{topicID(name): {"partitions"}}}
	for {
		lives, _, err := k.Observe(ctx, scope)
		if err != nil {
			b.Fatal(err)
		}
		if len(lives) == 1 {
			return
		}
		<-ticker.C
	}
}

func observe(b *testing.B, k reconcile.Kind, scope reconcile.Scope) {
	b.Helper()
	lives, unseen, err := k.Observe(b.Context(), scope)
	if err != nil || len(unseen) > 0 || len(lives) != benchTopics {
		b.Fatal(len(lives), unseen, err)
	}
}

// bareDescribe is what a look cannot do without: one Metadata, one DescribeConfigs.
func bareDescribe(b *testing.B, client *kgo.Client, names, keys []string) {
	b.Helper()
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
