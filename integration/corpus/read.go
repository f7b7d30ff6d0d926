package corpus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Record is a record as a consumer that reads committed ones sees it.
type Record struct {
	Offset    int64
	Timestamp int64 // milliseconds
	Key       []byte
	Value     []byte
	Headers   []kgo.RecordHeader
}

// Partitions are the records of a topic.
type Partitions map[int32][]Record

// Count is how many records there are.
func (p Partitions) Count() int {
	n := 0
	for _, records := range p {
		n += len(records)
	}
	return n
}

// Read reads all committed records of a topic, as far as they are stable now.
func Read(t testing.TB, cl *kgo.Client, topic string) Partitions {
	t.Helper()
	out, err := read(t.Context(), cl, topic)
	if err != nil {
		t.Fatalf("read %s: %v", topic, err)
	}
	return out
}

func read(ctx context.Context, cl *kgo.Client, topic string) (Partitions, error) {
	admin := kadm.NewClient(cl)
	begins, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = begins.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list start offsets: %w", err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list committed offsets: %w", err)
	}
	out := Partitions{}
	for partition, begin := range begins[topic] {
		r := reader{cl: cl, topic: topic, partition: partition, next: begin.Offset, end: ends[topic][partition].Offset}
		if out[partition], err = r.all(ctx); err != nil {
			return nil, fmt.Errorf("partition %d: %w", partition, err)
		}
	}
	return out, nil
}

// reader fetches one partition by hand, so that holes at the end (markers,
// aborted records, what the cleaner took) do not keep it waiting.
type reader struct {
	cl        *kgo.Client
	topic     string
	id        [16]byte
	partition int32
	next, end int64
}

func (r *reader) all(ctx context.Context) ([]Record, error) {
	var err error
	if r.id, err = topicID(ctx, r.cl, r.topic); err != nil {
		return nil, err
	}
	var out []Record
	for r.next < r.end {
		got, err := r.fetch(ctx)
		if err != nil {
			return nil, fmt.Errorf("fetch at %d: %w", r.next, err)
		}
		p := kgo.ProcessFetchPartitionOpts{Offset: r.next, IsolationLevel: kgo.ReadCommitted(), Topic: r.topic, Partition: r.partition}
		fetched, next := kgo.ProcessFetchPartition(p, got, kgo.DefaultDecompressor(), nil)
		if fetched.Err != nil {
			return nil, fmt.Errorf("fetch at %d: %w", r.next, fetched.Err)
		}
		for _, one := range fetched.Records {
			out = append(out, Record{one.Offset, one.Timestamp.UnixMilli(), one.Key, one.Value, one.Headers})
		}
		if len(got.RecordBatches) == 0 || next <= r.next {
			return out, nil // nothing but a hole until the end
		}
		r.next = next
	}
	return out, nil
}

// leaderOf is the broker that answers for a partition.
func leaderOf(ctx context.Context, cl *kgo.Client, topic string, partition int32) (*kgo.Broker, error) {
	req := kmsg.NewPtrMetadataRequest()
	one := kmsg.NewMetadataRequestTopic()
	one.Topic = &topic
	req.Topics = append(req.Topics, one)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("ask who leads %s: %w", topic, err)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if p.Partition == partition {
				return cl.Broker(int(p.Leader)), kerr.ErrorForCode(p.ErrorCode)
			}
		}
	}
	return nil, fmt.Errorf("%s has no partition %d", topic, partition)
}

// topicID asks anew each time: a topic may have been recreated.
func topicID(ctx context.Context, cl *kgo.Client, topic string) ([16]byte, error) {
	req := kmsg.NewPtrMetadataRequest()
	one := kmsg.NewMetadataRequestTopic()
	one.Topic = &topic
	req.Topics = append(req.Topics, one)
	resp, err := cl.Request(ctx, req)
	if err != nil {
		return [16]byte{}, fmt.Errorf("ask for the id of %s: %w", topic, err)
	}
	for _, t := range resp.(*kmsg.MetadataResponse).Topics {
		return t.TopicID, kerr.ErrorForCode(t.ErrorCode)
	}
	return [16]byte{}, errors.New("no such topic")
}

func (r *reader) fetch(ctx context.Context) (*kmsg.FetchResponseTopicPartition, error) {
	const most = 64 << 20
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MaxBytes, req.IsolationLevel, req.SessionEpoch = 0, most, 1, -1
	one := kmsg.NewFetchRequestTopic()
	one.Topic, one.TopicID = r.topic, r.id
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes, p.CurrentLeaderEpoch = r.partition, r.next, most, -1
	one.Partitions = append(one.Partitions, p)
	req.Topics = append(req.Topics, one)
	leader, err := leaderOf(ctx, r.cl, r.topic, r.partition)
	if err != nil {
		return nil, err
	}
	resp, err := leader.RetriableRequest(ctx, req) // a broker may have been killed since
	if err != nil {
		return nil, err
	}
	got := resp.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
		return nil, err
	}
	if len(got.Topics) != 1 || len(got.Topics[0].Partitions) != 1 {
		return nil, errors.New("an answer without the partition")
	}
	return &got.Topics[0].Partitions[0], nil
}

func offsetsError(shard kgo.ResponseShard) error {
	if shard.Err != nil {
		return shard.Err
	}
	for _, t := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("%s/%d: %w", t.Topic, p.Partition, err)
			}
		}
	}
	return nil
}

// Differences says where two topics do not hold the same records, besides their
// offsets; "" if they do. It says no more than a person reads.
func Differences(want, got Partitions) string {
	var out string
	all := map[int32]bool{}
	for p := range want {
		all[p] = true
	}
	for p := range got {
		all[p] = true
	}
	for p := range all {
		if d := different(want[p], got[p]); d != "" {
			out += fmt.Sprintf("partition %d: %s\n", p, d)
		}
	}
	return out
}

func different(want, got []Record) string {
	for i := range min(len(want), len(got)) {
		if !Same(want[i], got[i]) {
			return fmt.Sprintf("record %d of %d is %s, want %s", i, len(got), got[i], want[i])
		}
	}
	if len(want) != len(got) {
		return fmt.Sprintf("%d records, want %d", len(got), len(want))
	}
	return ""
}

// Same compares all but the offset. Null is not empty.
func Same(a, b Record) bool {
	return a.Timestamp == b.Timestamp && same(a.Key, b.Key) && same(a.Value, b.Value) &&
		slices.EqualFunc(a.Headers, b.Headers, func(a, b kgo.RecordHeader) bool { return a.Key == b.Key && same(a.Value, b.Value) })
}

func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// String shows a record, shortened.
func (r Record) String() string {
	return fmt.Sprintf("{offset %d time %d key %s value %s headers %d}", r.Offset, r.Timestamp, short(r.Key), short(r.Value), len(r.Headers))
}

func short(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%.40q (%d bytes)", b, len(b))
}
