package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/patience"
)

// fetcher reads from one leader over one connection.
type fetcher struct {
	*copier
	leader int32
	conn   int
	quiet  time.Time // until then the leader wants to hear nothing
}

const (
	// drySure is how many answers without a batch, each with room for one, say
	// that there is none. A read of remote storage may come too late for an
	// answer (KIP-405), so it is asked more often, and waited for.
	drySure       = 2
	drySureTiered = 10
	tieredWait    = 500 // milliseconds
	// idleSure is how many turns in a row that bring nothing, though there was
	// room, are a failure: it is looked into, and patience ends.
	idleSure = 10
	// batchGuess is what an offset is taken to cost before anything was read.
	batchGuess = 1 << 10
)

func (f *fetcher) loop(ctx context.Context) error {
	for {
		cursors := f.queue.take(f.leader, f.Connections, 2*f.answer)
		if cursors == nil {
			return context.Cause(ctx)
		}
		err := f.turn(ctx, cursors)
		f.queue.give(f.leader, cursors)
		if err != nil {
			return err
		}
		f.tell(false)
	}
}

// turn is one request, and what comes of it.
func (f *fetcher) turn(ctx context.Context, cursors []*cursor) error {
	if f.Now().After(f.deadline) {
		return f.late(ctx, cursors)
	}
	if err := f.quota(ctx); err != nil {
		return err
	}
	l, err := f.budget.borrow(ctx, f.room(cursors))
	if err != nil {
		return err
	}
	defer l.release()
	f.Step("fetch")
	resp, err := f.ask(ctx, cursors)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, c := range cursors {
			c.fails(fmt.Errorf("fetch from broker %d: %w", f.leader, err), f.Now())
		}
		return nil
	}
	l.shrink(size(resp))
	f.requests.Add(1)
	f.throttle(resp.ThrottleMillis)
	if err := f.read(ctx, cursors, resp, l); err != nil {
		return err
	}
	return f.pacer.wait(ctx, size(resp))
}

// late ends partitions of a run that lasts too long where they are.
func (c *copier) late(ctx context.Context, cursors []*cursor) error {
	for _, cursor := range cursors {
		if err := c.end(ctx, cursor, fmt.Sprintf("the run took longer than %s; the next one goes on here", c.LongRun), sinks.TroublePartial); err != nil {
			return err
		}
	}
	return nil
}

// end stops a partition where it is, and says so.
func (c *copier) end(ctx context.Context, cursor *cursor, why string, kind sinks.Trouble) error {
	left := cursor.End - cursor.at
	c.alert(kind, cursor.Name, fmt.Sprintf("%s is in the point up to offset %d only, %d offsets are missing: %s", cursor.place(), cursor.at, left, why))
	cursor.left.Add(-left)
	return c.emit(ctx, cursor.stop(why), nil)
}

// room is how much memory an answer may take: a batch that is larger than what
// is asked for comes nevertheless (KIP-74).
func (f *fetcher) room(cursors []*cursor) int64 {
	n := f.answer
	for _, c := range cursors {
		n = max(n, c.MaxBytes, int64(c.need))
	}
	return n
}

func size(resp *kmsg.FetchResponse) (n int64) {
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			n += int64(len(p.RecordBatches))
		}
	}
	return n
}

func (f *fetcher) ask(ctx context.Context, cursors []*cursor) (*kmsg.FetchResponse, error) {
	cl, err := f.clients.at(ctx, f.conn)
	if err != nil {
		return nil, err
	}
	resp, err := f.request(cursors).RequestWith(ctx, cl.Broker(int(f.leader)))
	if err != nil {
		return nil, err
	}
	return resp, kerr.ErrorForCode(resp.ErrorCode)
}

// request asks for the next batches of cursors, without a fetch session and
// without waiting for any. Brokers fill an answer in the order of the request.
func (f *fetcher) request(cursors []*cursor) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	each := int32(f.answer) //nolint:gosec // largestAnswer at most
	req.MaxBytes, req.MinBytes, req.IsolationLevel = each, 1, committed
	for _, c := range cursors {
		if n := len(req.Topics); n == 0 || req.Topics[n-1].TopicID != c.id || req.Topics[n-1].Topic != c.Name {
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = c.Name, c.id
			req.Topics = append(req.Topics, t)
		}
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.CurrentLeaderEpoch = c.Partition.Partition, c.at, c.leaderEpoch
		p.PartitionMaxBytes = max(each, c.need)
		req.MaxBytes = max(req.MaxBytes, c.need)
		if c.tiered && c.dry > 0 {
			req.MaxWaitMillis = tieredWait
		}
		t := &req.Topics[len(req.Topics)-1]
		t.Partitions = append(t.Partitions, p)
	}
	return req
}

type slot struct {
	id        [16]byte
	topic     string
	partition int32
}

// read takes an answer apart, in the order of the request.
func (f *fetcher) read(ctx context.Context, cursors []*cursor, resp *kmsg.FetchResponse, l *loan) error {
	answers := make(map[slot]*kmsg.FetchResponseTopicPartition, len(cursors))
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			answers[slot{t.TopicID, t.Topic, t.Partitions[j].Partition}] = &t.Partitions[j]
		}
	}
	served := false
	for _, c := range cursors {
		at := slot{id: c.id, partition: c.Partition.Partition}
		if resp.Version < 13 {
			at = slot{topic: c.Name, partition: c.Partition.Partition}
		}
		answer := answers[at]
		if answer == nil {
			f.idle(c, served, patience.ErrSilent)
			continue
		}
		if err := f.one(ctx, c, answer, served, l); err != nil {
			return err
		}
		served = served || len(answer.RecordBatches) > 0
	}
	return nil
}

// one takes the answer for one partition. served tells that the room for a
// batch may have gone to those before it.
func (f *fetcher) one(ctx context.Context, c *cursor, answer *kmsg.FetchResponseTopicPartition, served bool, l *loan) error {
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return f.refused(ctx, c, err)
	}
	from, bytes := c.at, int64(len(answer.RecordBatches))
	frames, err := c.take(answer)
	var damaged *damagedError
	if errors.As(err, &damaged) && c.damage < damageSure {
		c.damage++ // it may have happened on the way
		c.fails(err, f.Now())
		err = nil
	}
	if err != nil {
		return err
	}
	if c.at == from {
		frames = f.dry(c, answer, served)
	} else {
		c.dry, c.idle, c.need, c.why, c.failing = 0, 0, 0, nil, time.Time{}
		f.moved(c, bytes, c.at-from, frames)
	}
	return f.emit(ctx, frames, l)
}

// damageSure is how often a damaged batch is fetched again.
const damageSure = 3

// refused is a partition that a broker does not give us.
func (f *fetcher) refused(ctx context.Context, c *cursor, err error) error {
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return f.end(ctx, c, "we may not read it: grant Read on the topic", sinks.TroubleUnread)
	case errors.Is(err, kerr.OffsetOutOfRange):
		c.behind = true
	case !kerr.IsRetriable(err) && !errors.Is(err, kerr.UnknownTopicID) && !errors.Is(err, kerr.InconsistentTopicID):
		return fmt.Errorf("fetch %s at offset %d from broker %d: %w", c.place(), c.at, f.leader, err)
	}
	c.fails(fmt.Errorf("fetch %s at offset %d from broker %d: %w", c.place(), c.at, f.leader, err), f.Now())
	return nil
}

// dry is an answer that brings a partition no further. Where there was room for
// a batch, and the log is known to reach to End, there is nothing left: what was
// there has been cleaned away.
func (f *fetcher) dry(c *cursor, answer *kmsg.FetchResponseTopicPartition, served bool) []stretch {
	if c.why != nil {
		return nil
	}
	if b := answer.RecordBatches; len(b) >= 12 { // the beginning of a batch that is larger than its share
		c.need = int32(min(int64(binary.BigEndian.Uint32(b[8:]))+12, 1<<30)) //nolint:gosec // bounded
	}
	if len(answer.RecordBatches) > 0 {
		f.idle(c, served, errUseless)
		return nil
	}
	if served {
		return nil
	}
	if answer.LastStableOffset < c.End {
		c.fails(fmt.Errorf("broker %d knows %s up to offset %d only, and it reached to %d before", f.leader, c.place(), answer.LastStableOffset, c.End), f.Now())
		return nil
	}
	c.dry++
	sure := drySure
	if c.tiered {
		sure = drySureTiered
	}
	if c.dry < sure {
		return nil
	}
	c.skip(c.End, format.Compacted)
	return c.cut(nil)
}

// idle counts turns that brought nothing, and were not to: the answer was not
// full. A broker that goes on so is a failure like another.
func (f *fetcher) idle(c *cursor, served bool, why error) {
	if served {
		return
	}
	if c.idle++; c.idle >= idleSure {
		c.fails(fmt.Errorf("fetch %s at offset %d from broker %d, %d times: %w", c.place(), c.at, f.leader, c.idle, why), f.Now())
	}
}

// errUseless is an answer that has bytes, and no batch that is new and whole,
// although there was room for it.
var errUseless = errors.New("the broker's answer has no whole batch at or behind the offset")

// moved counts what came.
func (f *fetcher) moved(c *cursor, bytes, offsets int64, frames []stretch) {
	c.read.Add(bytes)
	c.readOffsets.Add(offsets)
	var records int64
	for i := range frames {
		records += frames[i].Records
	}
	f.progressM.Lock()
	defer f.progressM.Unlock()
	f.progress.Records += records
	f.progress.Bytes += bytes
}

// fails notes that a cursor could not be read; the queue gives it to mend.
func (c *cursor) fails(err error, now time.Time) {
	c.why = err
	if c.failing.IsZero() {
		c.failing = now
	}
}

// estimate is how many bytes a cursor has before it, by what its topic has cost
// so far.
func (c *cursor) estimate() int64 { return c.cost(c.End - c.at) }

func (t *topic) cost(offsets int64) int64 {
	n, bytes := t.readOffsets.Load(), t.read.Load()
	if n == 0 {
		return offsets * batchGuess
	}
	return int64(float64(bytes) / float64(n) * float64(offsets))
}
