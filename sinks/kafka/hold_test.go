package kafka_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lease is a Hold that a test can take away.
type lease struct {
	lost  atomic.Bool
	asked atomic.Int32
}

var errLost = errors.New("another agent leads")

func (l *lease) hold() error {
	l.asked.Add(1)
	if l.lost.Load() {
		return errLost
	}
	return nil
}

func plainTopic(name string) reconcile.Change {
	return reconcile.Change{ID: reconcile.ID{Kind: kafka.KindTopic, Name: name}, Action: reconcile.Create, Fields: []reconcile.FieldChange{
		{Name: "partitions", From: reconcile.UnsetValue(), To: reconcile.TextOf("1")},
		{Name: "replicas", From: reconcile.UnsetValue(), To: reconcile.TextOf("1")},
	}}
}

func appliedOne(t *testing.T, k reconcile.Kind, c reconcile.Change) reconcile.Outcome {
	t.Helper()
	var all []reconcile.Outcome
	k.Apply(t.Context(), []reconcile.Change{c}, func(o ...reconcile.Outcome) { all = append(all, o...) })
	if len(all) != 1 {
		t.Fatalf("outcomes: %+v", all)
	}
	return all[0]
}

func TestNoChangeLeavesWithoutTheLease(t *testing.T) {
	l := &lease{}
	o := options(fakeBrokers(t))
	o.Hold = l.hold
	c := connect(t, o)
	topics := c.Kinds()[0]
	if got := appliedOne(t, topics, plainTopic("a")); got.Failed != "" || l.asked.Load() == 0 {
		t.Fatalf("with the lease: %+v, asked %d times", got, l.asked.Load())
	}
	l.lost.Store(true)
	got := appliedOne(t, topics, plainTopic("b"))
	if !strings.Contains(got.Failed, "another agent leads") || got.Unsure {
		t.Errorf("without the lease: %+v: it is certain that nothing happened", got)
	}
	lives, _, err := topics.Observe(t.Context(), reconcile.Scope{Full: true})
	if err != nil || len(lives) != 1 {
		t.Errorf("reading needs no lease, and only topic a is there: %v, %+v", err, lives)
	}
	verdicts, err := topics.(reconcile.Checker).Check(t.Context(), []reconcile.Change{plainTopic("c")})
	if err != nil || len(verdicts) > 0 && verdicts[0].Refused != "" {
		t.Errorf("validating needs no lease: %v, %+v", err, verdicts)
	}
}

func TestNoRecordLeavesWithoutTheLease(t *testing.T) {
	l := &lease{}
	o := options(fakeBrokers(t))
	o.Hold = l.hold
	if got := appliedOne(t, connect(t, o).Kinds()[0], plainTopic("a")); got.Failed != "" {
		t.Fatal(got.Failed)
	}
	client, err := kafka.Dial(t.Context(), o, kgo.DefaultProduceTopic("a"), kgo.DisableIdempotentWrite(), kgo.RecordRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	produce := func(text string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return client.ProduceSync(ctx, kgo.StringRecord(text)).FirstErr()
	}
	if err := produce("x"); err != nil {
		t.Fatal(err)
	}
	l.lost.Store(true)
	if err := produce("y"); err == nil {
		t.Error("it left")
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	req.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: "a", Partitions: []kmsg.ListOffsetsRequestTopicPartition{{Timestamp: -1, CurrentLeaderEpoch: -1}}}}
	if resp, err := req.RequestWith(t.Context(), client); err != nil || resp.Topics[0].Partitions[0].Offset != 1 {
		t.Errorf("%v, %+v", err, resp)
	}
}
