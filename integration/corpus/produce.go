package corpus

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/integration/kafkatest"
)

// Produce sends batches as they are, one request each.
func (w *Writer) Produce(topic string, partition int32, batches ...Batch) {
	w.t.Helper()
	for _, b := range batches {
		w.written(topic, partition, b, "")
	}
}

// written sends a batch until it is taken: on several brokers the first one
// asked may not know yet that it leads.
func (w *Writer) written(topic string, partition int32, b Batch, transaction string) {
	w.t.Helper()
	kafkatest.Eventually(w.t, func() error {
		err := w.produce(topic, partition, b, transaction)
		if err != nil && !errors.Is(err, kerr.NotLeaderForPartition) && !errors.Is(err, kerr.UnknownTopicID) && !errors.Is(err, kerr.UnknownTopicOrPartition) {
			w.t.Fatal(err)
		}
		return err
	})
}

func (w *Writer) produce(topic string, partition int32, b Batch, transaction string) error {
	id, err := topicID(w.t.Context(), w.Client, topic)
	if err != nil {
		return err
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 30_000
	if transaction != "" {
		req.TransactionID = &transaction
	}
	one := kmsg.NewProduceRequestTopic()
	one.Topic, one.TopicID = topic, id
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, b.bytes()
	one.Partitions = append(one.Partitions, p)
	req.Topics = append(req.Topics, one)
	resp, err := w.Client.Request(w.t.Context(), req)
	if err != nil {
		return fmt.Errorf("produce to %s/%d: %w", topic, partition, err)
	}
	for _, t := range resp.(*kmsg.ProduceResponse).Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("produce to %s/%d: %w", topic, partition, err)
			}
		}
	}
	return nil
}

// session is an idempotent or transactional producer, spoken by hand: its
// transactions can stay open, and nobody aborts them when the test ends.
type session struct {
	w        *Writer
	id       string // transactional; "" is only idempotent
	producer int64
	epoch    int16
	sequence map[string]int32
}

func (w *Writer) session(id string) *session {
	w.t.Helper()
	s := &session{w: w, id: id, sequence: map[string]int32{}}
	kafkatest.Eventually(w.t, func() error {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.ProducerID, req.ProducerEpoch = -1, -1
		if id != "" {
			req.TransactionalID, req.TransactionTimeoutMillis = &id, int32((15 * time.Minute).Milliseconds())
		}
		resp, err := w.Client.Request(w.t.Context(), req)
		if err != nil {
			return err
		}
		got := resp.(*kmsg.InitProducerIDResponse)
		s.producer, s.epoch = got.ProducerID, got.ProducerEpoch
		return kerr.ErrorForCode(got.ErrorCode)
	})
	return s
}

const transactional = 1 << 4

// send adds records to a partition, as part of the open transaction.
func (s *session) send(topic string, partition int32, codec int, records ...Record) {
	s.w.t.Helper()
	b := Batch{Codec: codec, Records: records, ProducerID: s.producer, Epoch: s.epoch}
	if s.id != "" {
		s.join(topic, partition)
		b.Attributes = transactional
	}
	at := fmt.Sprint(topic, partition)
	b.Sequence = s.sequence[at]
	s.sequence[at] += int32(len(records))
	s.w.written(topic, partition, b, s.id)
}

func (s *session) join(topic string, partition int32) {
	s.w.t.Helper()
	kafkatest.Eventually(s.w.t, func() error {
		req := kmsg.NewPtrAddPartitionsToTxnRequest()
		req.Version = 3
		req.TransactionalID, req.ProducerID, req.ProducerEpoch = s.id, s.producer, s.epoch
		one := kmsg.NewAddPartitionsToTxnRequestTopic()
		one.Topic, one.Partitions = topic, []int32{partition}
		req.Topics = append(req.Topics, one)
		resp, err := s.w.Client.Request(s.w.t.Context(), req)
		if err != nil {
			return err
		}
		for _, t := range resp.(*kmsg.AddPartitionsToTxnResponse).Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return err // CONCURRENT_TRANSACTIONS until the last one has its markers
				}
			}
		}
		return nil
	})
}

// end commits or aborts.
func (s *session) end(commit bool) {
	s.w.t.Helper()
	kafkatest.Eventually(s.w.t, func() error {
		req := kmsg.NewPtrEndTxnRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = s.id, s.producer, s.epoch, commit
		resp, err := s.w.Client.Request(s.w.t.Context(), req)
		if err != nil {
			return err
		}
		got := resp.(*kmsg.EndTxnResponse)
		if got.ErrorCode == 0 && got.ProducerID >= 0 && got.Version >= 5 { // KIP-890: a new epoch each time
			if got.ProducerEpoch != s.epoch || got.ProducerID != s.producer {
				s.producer, s.epoch, s.sequence = got.ProducerID, got.ProducerEpoch, map[string]int32{}
			}
		}
		return kerr.ErrorForCode(got.ErrorCode)
	})
}
