package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lookEvery is how often something is looked at that nobody tells us of.
const lookEvery = 100 * time.Millisecond

// tail follows the topic, and knows what stands in it. It reads only what was
// committed.
type tail struct {
	id     string // of the topic that is read
	topic  string
	client *kgo.Client
	stop   context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex // guards what follows
	table   table
	next    int64 // offset
	last    mark
	lease   *Lease
	err     error
	changed chan struct{} // closed and made anew with every change
}

// mark is when a record was written, as far as we can tell: it was not later
// than seen. Two stamps of one leader of the partition are of one clock.
type mark struct {
	seen  time.Time
	stamp time.Time
	epoch int32
	clock bool // stamp is the broker's
}

// since is for how long at least nothing was written after m, now that n was.
func (m mark) since(n mark, now time.Time) time.Duration {
	if m.seen.IsZero() {
		return 0
	}
	d := now.Sub(m.seen)
	if m.clock && n.clock && m.epoch == n.epoch {
		d = max(d, n.stamp.Sub(m.stamp)+now.Sub(n.seen))
	}
	return d
}

// follow begins to read the topic from its start.
func (l *Ledger) follow(ctx context.Context, id string) (*tail, error) {
	client, err := l.o.Dial(ctx,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{l.o.Topic: {partition: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(time.Second))
	if err != nil {
		return nil, err
	}
	reading, stop := context.WithCancel(l.working)
	t := &tail{id: id, topic: l.o.Topic, client: client, stop: stop, ended: make(chan struct{}), table: table{}, changed: make(chan struct{})}
	go t.run(reading)
	return t, nil
}

func (t *tail) close() {
	t.stop()
	t.client.Close()
	<-t.ended
}

func (t *tail) run(ctx context.Context) {
	defer close(t.ended)
	for ctx.Err() == nil {
		fetches := t.client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		t.take(fetches)
		if fetches.Err() != nil && !pause(ctx, lookEvery) {
			return
		}
	}
}

func (t *tail) take(fetches kgo.Fetches) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = fetches.Err()
	now := time.Now()
	fetches.EachRecord(func(r *kgo.Record) {
		t.next = r.Offset + 1
		if r.Attrs.IsControl() {
			return
		}
		t.table.put(string(r.Key), r.Value)
		t.last = mark{now, r.Timestamp, r.LeaderEpoch, r.Attrs.TimestampType() == 1}
		if string(r.Key) == partKey(keyLease, 0, 1) {
			t.leased(r.Value)
		}
	})
	close(t.changed)
	t.changed = make(chan struct{})
}

// leased takes note of who leads. One that cannot be read is told by fold.
func (t *tail) leased(value []byte) {
	data, err := open(value)
	var lease Lease
	if err == nil && json.Unmarshal(data, &lease) == nil {
		t.lease = &lease
	}
}

// until waits until something is so.
func (t *tail) until(ctx context.Context, what string, so func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, readMost)
	defer cancel()
	for {
		t.mu.Lock()
		ok, changed, err := so(), t.changed, t.err
		t.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-t.ended:
			return fmt.Errorf("%s: %w", what, ErrClosed)
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, errors.Join(ctx.Err(), err))
		}
	}
}

// catchUp waits until all is read that is committed now.
func (t *tail) catchUp(ctx context.Context) error {
	what := "read the ledger in topic " + t.topic
	ctx, cancel := context.WithTimeout(ctx, readMost)
	defer cancel()
	end, err := stableEnd(ctx, t.client, t.topic)
	if err != nil {
		return inWords(what, err)
	}
	return t.until(ctx, what, func() bool { return t.next >= end })
}

// stableEnd is the offset behind the last record that is committed or aborted.
func stableEnd(ctx context.Context, client *kgo.Client, topic string) (int64, error) {
	for {
		end, err := listEnd(ctx, client, topic)
		if err == nil || !kerr.IsRetriable(err) || !pause(ctx, lookEvery) {
			return end, err
		}
	}
}

func listEnd(ctx context.Context, client *kgo.Client, topic string) (int64, error) {
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Timestamp, p.CurrentLeaderEpoch = -1, -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID, req.IsolationLevel, req.Topics = -1, 1, append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return 0, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, errors.New("the answer leaves the partition out")
	}
	one := resp.Topics[0].Partitions[0]
	return one.Offset, kerr.ErrorForCode(one.ErrorCode)
}

// view is what stands in the topic now.
func (t *tail) view() (table, mark) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.table), t.last
}

func (t *tail) leader() *Lease {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lease
}

// pause waits, and is false where the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
