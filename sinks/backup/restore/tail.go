package restore

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/patience"
)

// tail is the last batch of a target partition.
type tail struct {
	header batch.Header
	digest string
}

// fetchTail reads the batch that holds the offset.
func (t *target) fetchTail(ctx context.Context, topic targetTopic, partition int32, offset int64) (*tail, error) {
	b, err := t.fetch(ctx, topic, partition, offset, 1<<20, 0)
	if err != nil {
		return nil, err
	}
	for left := b.RecordBatches; ; {
		h, one, rest, err := batch.Next(left)
		if err != nil {
			return nil, fmt.Errorf("read the last batch of %s-%d at offset %d: %w", topic.name, partition, offset, err)
		}
		if left = rest; h.Next() <= offset {
			continue
		}
		sum, _, err := digestOf(one)
		return &tail{header: h, digest: sum}, err
	}
}

func digestOf(one []byte) (string, int64, error) {
	d := batch.NewDigest()
	err := batch.NewDecoder().Records(one, func(r batch.Record) error { d.Add(r); return nil })
	sum, n := d.Sum()
	return sum, n, err
}

// fetch is one raw fetch from the leader.
func (t *target) fetch(ctx context.Context, topic targetTopic, partition int32, offset int64, size int32, isolation int8) (kmsg.FetchResponseTopicPartition, error) {
	var none kmsg.FetchResponseTopicPartition
	broker, err := t.leader(topic.name, partition)
	if err != nil {
		return none, fmt.Errorf("fetch %s-%d: %w", topic.name, partition, err)
	}
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel, req.SessionEpoch = 500, 1, size, isolation, -1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = topic.name, topic.id
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes, rp.CurrentLeaderEpoch = partition, offset, size, -1
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	got, err := t.clients[int(partition)%len(t.clients)].Broker(int(broker)).RetriableRequest(ctx, req)
	if err != nil {
		return none, fmt.Errorf("fetch %s-%d at offset %d: %w", topic.name, partition, offset, lostError{err})
	}
	resp := got.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return none, fmt.Errorf("fetch %s-%d at offset %d: %w", topic.name, partition, offset, err)
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return none, fmt.Errorf("fetch %s-%d at offset %d: %w", topic.name, partition, offset, patience.ErrSilent)
	}
	p := resp.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
		return none, fmt.Errorf("fetch %s-%d at offset %d: %w", topic.name, partition, offset, err)
	}
	return p, nil
}

// fits compares the last batch of the target with the one of ours that should
// be it: session, place and content.
func (l *lane) fits(c *cut) error {
	h := l.tail.header
	foreign := func(what string) error {
		return &ForeignWriteError{l.topic.name, l.partition, l.start + c.at, what}
	}
	switch {
	case h.ProducerID != l.job.rec.ProducerID || h.ProducerEpoch != l.job.rec.ProducerEpoch:
		return foreign("the last batch is not of this restore's session: somebody wrote")
	case h.BaseOffset != l.start+c.at || h.Next() != l.start+c.next():
		return foreign(fmt.Sprintf("the last batch has offsets [%d, %d) where ours has [%d, %d): somebody wrote", h.BaseOffset, h.Next(), l.start+c.at, l.start+c.next()))
	}
	sum, _, err := digestOf(c.bytes)
	if err != nil {
		return err
	}
	if sum != l.tail.digest {
		return foreign("the last batch holds other records than ours")
	}
	return nil
}
