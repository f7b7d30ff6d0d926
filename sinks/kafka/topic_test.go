package kafka_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAThousandTopicsAreOneRequest(t *testing.T) {
	f := fakeBrokers(t)
	var requests atomic.Int32
	f.ControlKey(kmsg.CreateTopics.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		requests.Add(1)
		return nil, nil, false
	})
	k := topics(connect(t, options(f)))
	var changes []reconcile.Change
	for i := range 1000 {
		changes = append(changes, newTopic(fmt.Sprintf("t%d", i), "partitions", "1"))
	}
	mustApply(t, k, changes...)
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
	lives, unseen, err := k.Observe(t.Context(), reconcile.Scope{Full: true})
	if len(lives) != 1000 || len(unseen) > 0 || err != nil {
		t.Errorf("%d observed, %v, %v", len(lives), unseen, err)
	}
}

func TestManyPartitionsAreSeveralRequests(t *testing.T) {
	f := fakeBrokers(t)
	var sizes []int32
	f.ControlKey(kmsg.CreateTopics.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		var sum int32
		r := req.(*kmsg.CreateTopicsRequest)
		for _, topic := range r.Topics {
			sum += topic.NumPartitions
		}
		sizes = append(sizes, sum)
		resp := r.ResponseKind().(*kmsg.CreateTopicsResponse)
		for _, topic := range r.Topics {
			one := kmsg.NewCreateTopicsResponseTopic()
			one.Topic = topic.Topic
			resp.Topics = append(resp.Topics, one)
		}
		return resp, nil, true
	})
	var changes []reconcile.Change
	for i := range 5 {
		changes = append(changes, newTopic(fmt.Sprintf("t%d", i), "partitions", "3000"))
	}
	changes = append(changes, newTopic("large", "partitions", "9000"))
	mustApply(t, topics(connect(t, options(f))), changes...)
	if !slices.Equal(sizes, []int32{6000, 6000, 3000, 9000}) {
		t.Errorf("partitions by request: %v", sizes)
	}
}

func TestAnInternalTopicIsNeverTouched(t *testing.T) {
	k := topics(fake(t))
	for _, name := range []string{"__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"} {
		for _, action := range []reconcile.Action{reconcile.Create, reconcile.Update, reconcile.Delete} {
			c := newTopic(name, "partitions", "1")
			c.Action = action
			out := apply(t, k, c)
			if len(out) != 1 || !strings.Contains(out[0].Failed, "never touched") {
				t.Errorf("%s %s: %v", action, name, out)
			}
		}
	}
}

func TestARequestWithoutAnAnswerIsUnsure(t *testing.T) {
	f := fakeBrokers(t)
	c := connect(t, options(f))
	f.ControlKey(kmsg.CreateTopics.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		return nil, fmt.Errorf("the connection breaks"), true
	})
	out := apply(t, topics(c), newTopic("orders", "partitions", "1"))
	if len(out) != 1 || !out[0].Unsure || out[0].Failed == "" {
		t.Errorf("%+v", out)
	}
}

func TestARequestThatCouldNotBeSentIsNotUnsure(t *testing.T) {
	f := fakeBrokers(t)
	o := options(f)
	o.RequestTimeout = time.Second
	c := connect(t, o)
	f.Close()
	out := apply(t, topics(c), newTopic("orders", "partitions", "1"))
	if len(out) != 1 || out[0].Unsure || out[0].Failed == "" {
		t.Errorf("%+v", out)
	}
}

func TestAThrottledItemIsSentAgain(t *testing.T) {
	f := fakeBrokers(t)
	f.ControlKey(kmsg.CreateTopics.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
		for _, topic := range req.(*kmsg.CreateTopicsRequest).Topics {
			one := kmsg.NewCreateTopicsResponseTopic()
			one.Topic, one.ErrorCode = topic.Topic, kerr.ThrottlingQuotaExceeded.Code
			resp.Topics = append(resp.Topics, one)
		}
		resp.ThrottleMillis = 1
		return resp, nil, true // once
	})
	mustApply(t, topics(connect(t, options(f))), newTopic("orders", "partitions", "1"))
}

func TestAFailedLookIsNeverEmpty(t *testing.T) {
	f := fakeBrokers(t)
	k := topics(connect(t, options(f)))
	mustApply(t, k, newTopic("good", "partitions", "1"), newTopic("bad", "partitions", "1"))
	f.ControlKey(kmsg.DescribeConfigs.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
		for _, r := range req.(*kmsg.DescribeConfigsRequest).Resources {
			one := kmsg.NewDescribeConfigsResponseResource()
			one.ResourceName, one.ResourceType = r.ResourceName, r.ResourceType
			if r.ResourceName == "bad" {
				one.ErrorCode = kerr.TopicAuthorizationFailed.Code
			}
			resp.Resources = append(resp.Resources, one)
		}
		return resp, nil, true
	})
	lives, unseen, err := k.Observe(t.Context(), reconcile.Scope{Full: true})
	if err != nil || len(lives) != 1 || len(unseen) != 1 || unseen[0].ID.Name != "bad" {
		t.Fatalf("%v %v %v", lives, unseen, err)
	}
	if want := "the right DescribeConfigs on topic bad is missing (TOPIC_AUTHORIZATION_FAILED)"; unseen[0].Reason != want {
		t.Errorf("%q", unseen[0].Reason)
	}
}

func TestDefaultsAreThoseBehindTheTopic(t *testing.T) {
	k := topics(fake(t, kfake.BrokerConfigs(map[string]string{"log.retention.ms": "1234"})))
	mustApply(t, k, newTopic("a", "partitions", "1", "config.retention.ms", "99"), newTopic("b", "partitions", "1"))
	lives, _, err := k.Observe(t.Context(), reconcile.Scope{Full: true})
	if err != nil || len(lives) != 2 {
		t.Fatalf("%v %v", lives, err)
	}
	for _, l := range lives {
		if got := l.Defaults["config.cleanup.policy"].Text(); got != "delete" {
			t.Errorf("%s: cleanup.policy falls back to %q", l.ID, got)
		}
		if got := l.Defaults["config.retention.ms"].Text(); got == "99" || got == "" {
			t.Errorf("%s: retention.ms falls back to %q", l.ID, got)
		}
	}
}

func topics(c *kafka.Cluster) reconcile.Kind { return c.Kinds()[0] }

func newTopic(name string, fields ...string) reconcile.Change {
	c := reconcile.Change{ID: reconcile.ID{Kind: kafka.KindTopic, Name: name}, Action: reconcile.Create}
	for i := 0; i < len(fields); i += 2 {
		c.Fields = append(c.Fields, reconcile.FieldChange{Name: fields[i], From: reconcile.UnsetValue(), To: reconcile.TextOf(fields[i+1])})
	}
	return c
}

func apply(t *testing.T, k reconcile.Kind, changes ...reconcile.Change) []reconcile.Outcome {
	t.Helper()
	var out []reconcile.Outcome
	k.Apply(t.Context(), changes, func(o ...reconcile.Outcome) { out = append(out, o...) })
	return out
}

func mustApply(t *testing.T, k reconcile.Kind, changes ...reconcile.Change) {
	t.Helper()
	for _, o := range apply(t, k, changes...) {
		if o.Failed != "" {
			t.Fatalf("%s: %s", o.ID, o.Failed)
		}
	}
}

func TestTheLedgersTopicIsNeverTouched(t *testing.T) {
	k := topics(fake(t))
	for _, action := range []reconcile.Action{reconcile.Create, reconcile.Update, reconcile.Delete} {
		c := newTopic("__ottla_ledger", "partitions", "3")
		c.Action = action
		if out := apply(t, k, c); len(out) != 1 || !strings.Contains(out[0].Failed, "Ottla keeps its ledger in it") {
			t.Errorf("%s: %+v", action, out)
		}
	}
}
