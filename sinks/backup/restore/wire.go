package restore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/patience"
)

const (
	// maxInFlight is how many batches of one producer and partition a broker
	// remembers: as many may be unanswered (ProducerStateEntry.NUM_BATCHES_TO_RETAIN).
	maxInFlight = 5
	// requestSize is how many bytes one produce request gathers.
	requestSize = 4 << 20
)

// lostError says that no answer came: the batch may have been taken.
type lostError struct{ error }

// Unwrap is why.
func (e lostError) Unwrap() error { return e.error }

// sending is a batch on its way to a broker.
type sending struct {
	lane   *lane
	cut    *cut
	result chan<- sent
}

// sent is what came of it.
type sent struct {
	cut  *cut
	base int64
	err  error
}

// wire is one connection to one broker. It sends what its lanes queue in that
// order, at most one batch of a partition in a request, for a broker looks at
// no second one, and gathers whatever waits while others are under way.
type wire struct {
	broker  *kgo.Broker
	acks    int16
	timeout time.Duration
	queue   chan sending
	slots   chan struct{}
	held    []sending // taken from the queue, not sent yet
}

func newWire(b *kgo.Broker, o Options) *wire {
	return &wire{broker: b, acks: acksOf(o), timeout: timeoutOf(o), queue: make(chan sending, 64), slots: make(chan struct{}, maxInFlight)}
}

// run sends until the context ends.
func (w *wire) run(ctx context.Context) {
	for {
		if len(w.held) == 0 {
			select {
			case s := <-w.queue:
				w.held = append(w.held, s)
			case <-ctx.Done():
				return
			}
		}
		select {
		case w.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		w.send(ctx, w.gather())
	}
}

// gather takes what fits into one request.
func (w *wire) gather() []sending {
	for more := true; more; {
		select {
		case s := <-w.queue:
			w.held = append(w.held, s)
		default:
			more = false
		}
	}
	var now, later []sending
	size, busy := 0, map[*lane]bool{}
	for _, s := range w.held {
		if busy[s.lane] || len(now) > 0 && size+len(s.cut.bytes) > requestSize {
			busy[s.lane] = true // what comes after it must stay behind it
			later = append(later, s)
			continue
		}
		busy[s.lane] = true
		size += len(s.cut.bytes)
		now = append(now, s)
	}
	w.held = later
	return now
}

// send writes one request and returns once it is serialized, so that the next
// one is behind it on the connection; the answer is waited for aside.
func (w *wire) send(ctx context.Context, batch []sending) {
	req := &orderedRequest{ProduceRequest: w.request(batch), written: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		resp, err := w.broker.Request(ctx, req)
		<-w.slots
		answer(batch, resp, err)
	}()
	select {
	case <-req.written:
	case <-done: // it failed before
	}
}

func (w *wire) request(batch []sending) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = w.acks, millis(w.timeout)
	at := map[string]int{}
	for _, s := range batch {
		i, ok := at[s.lane.topic.name]
		if !ok {
			i = len(req.Topics)
			at[s.lane.topic.name] = i
			t := kmsg.NewProduceRequestTopic()
			t.Topic, t.TopicID = s.lane.topic.name, s.lane.topic.id
			req.Topics = append(req.Topics, t)
		}
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition, p.Records = s.lane.partition, s.cut.bytes
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, p)
	}
	return req
}

// answer tells every lane of a request what became of its batch.
func answer(batch []sending, resp kmsg.Response, err error) {
	for _, s := range batch {
		out := sent{cut: s.cut}
		if err != nil {
			out.err = lostError{err}
		} else {
			out.base, out.err = s.find(resp.(*kmsg.ProduceResponse))
		}
		s.result <- out
	}
}

func (s sending) find(resp *kmsg.ProduceResponse) (int64, error) {
	for _, t := range resp.Topics {
		if t.Topic != s.lane.topic.name && t.TopicID != s.lane.topic.id {
			continue
		}
		for _, p := range t.Partitions {
			if p.Partition == s.lane.partition {
				return p.BaseOffset, refusal(p)
			}
		}
	}
	return 0, patience.ErrSilent
}

func refusal(p kmsg.ProduceResponseTopicPartition) error {
	err := kerr.ErrorForCode(p.ErrorCode)
	if err != nil && p.ErrorMessage != nil && *p.ErrorMessage != "" {
		return fmt.Errorf("%w (%s)", err, *p.ErrorMessage)
	}
	return err
}

// orderedRequest tells when it was serialized. A client serializes the requests
// of one broker one after the other and writes them in that order.
type orderedRequest struct {
	*kmsg.ProduceRequest
	once    sync.Once
	written chan struct{}
}

// AppendTo serializes the request.
func (r *orderedRequest) AppendTo(dst []byte) []byte {
	dst = r.ProduceRequest.AppendTo(dst)
	r.once.Do(func() { close(r.written) })
	return dst
}
