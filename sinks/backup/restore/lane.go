package restore

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

// errResync says that the broker's idea of the session is not ours: the end of
// the partition must be looked at again.
var errResync = errors.New("the target partition is not where this restore left it")

// ForeignWriteError says that somebody else wrote into a partition, or removed
// from it, while it was being restored. The partition is left as it is.
type ForeignWriteError struct {
	Topic     string
	Partition int32
	Offset    int64 // where ours should have been
	What      string
}

// Error names the place and what to do.
func (e *ForeignWriteError) Error() string {
	return fmt.Sprintf("%s-%d: %s at offset %d: stop whoever writes there, then restore under a new name into an empty topic", e.Topic, e.Partition, e.What, e.Offset)
}

// targetTopic is a topic as it is in the target.
type targetTopic struct {
	name string
	id   [16]byte
}

// lane restores one target partition. Its batches go out in order and in one
// idempotent session, whose sequence is the record's number since the start:
// whatever is sent twice, by this process or by one that was killed, a broker
// takes once.
//
// A broker forgets a session that was idle for producer.id.expiration.ms, a day
// by default. Then it takes any sequence as the first, and from there on is as
// strict as before, so that going on with the same numbers is right. What the
// session was to guard against, a batch of the killed process that arrives
// late, cannot come after a day: its connection has ended. Whether somebody else
// wrote meanwhile is told without the session, by the last batch of the
// partition and by the base offset of every answer.
type lane struct {
	job       *job
	source    string // topic
	topic     targetTopic
	partition int32
	start     int64 // offset of the first record that was restored
	position  int64 // records that were in it when this pass began
	tail      *tail // the last of them
	in        chan *cut
	window    []*outgoing
	waiting   int // of the window, for an answer
	known     bool
	failed    bool
	retry     *retry
}

// outgoing is a batch that was sent.
type outgoing struct {
	cut  *cut
	done bool
	err  error
}

// run sends what comes in until it is closed and everything was answered well.
func (l *lane) run(ctx context.Context) error {
	results := make(chan sent, maxInFlight)
	for in := l.in; in != nil || len(l.window) > 0; {
		source := in
		if l.failed || len(l.window) >= l.limit() {
			source = nil
		}
		select {
		case c, ok := <-source:
			if !ok {
				in = nil
				continue
			}
			l.stamp(c)
			l.window = append(l.window, &outgoing{cut: c})
			l.submit(ctx, l.window[len(l.window)-1], results)
		case r := <-results:
			if err := l.answered(r); err != nil {
				return err
			}
			if err := l.again(ctx, results); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// limit is how many batches may be unanswered. A broker that knows nothing of a
// session takes any sequence as its first, so the first batch of a pass goes
// alone: were it lost, the second would be taken in its place.
func (l *lane) limit() int {
	if !l.known {
		return 1
	}
	return maxInFlight
}

// stamp puts a batch into the session.
func (l *lane) stamp(c *cut) {
	batch.Stamp(c.bytes, l.job.rec.ProducerID, l.job.rec.ProducerEpoch, sequenceOf(c.at))
}

// sequenceOf is the sequence of a record by its number: it wraps behind 2^31-1
// as Kafka's does (DefaultRecordBatch.incrementSequence).
func sequenceOf(at int64) int32 { return int32(at & math.MaxInt32) }

func (l *lane) submit(ctx context.Context, o *outgoing, results chan<- sent) {
	l.waiting++
	w, err := l.job.target.wire(l)
	if err != nil {
		results <- sent{cut: o.cut, err: err}
		return
	}
	select {
	case w.queue <- sending{lane: l, cut: o.cut, result: results}:
	case <-ctx.Done():
	}
}

// answered takes note of an answer.
func (l *lane) answered(r sent) error {
	l.waiting--
	for _, o := range l.window {
		if o.cut == r.cut {
			o.err = r.err
			o.done = r.err == nil
		}
	}
	want := l.start + r.cut.at
	switch {
	case r.err != nil:
		l.failed = true
		return nil
	case r.base > want:
		return &ForeignWriteError{l.topic.name, l.partition, want, fmt.Sprintf("somebody wrote %d records", r.base-want)}
	case r.base < want:
		return fmt.Errorf("%s-%d: a batch for offset %d was put at %d: %w", l.topic.name, l.partition, want, r.base, errResync)
	}
	l.known = true
	l.retry.reset()
	for len(l.window) > 0 && l.window[0].done {
		l.job.took(l.window[0].cut)
		l.window = l.window[1:]
	}
	return nil
}

// again sends once more what failed, when all answers are there.
func (l *lane) again(ctx context.Context, results chan<- sent) error {
	if !l.failed || l.waiting > 0 {
		return nil
	}
	l.failed = false
	if len(l.window) == 0 {
		return nil
	}
	if err := l.judge(l.window[0].err); err != nil {
		return err
	}
	if err := l.retry.wait(ctx, l.window[0].err); err != nil {
		return fmt.Errorf("%s-%d at offset %d: %w", l.topic.name, l.partition, l.start+l.window[0].cut.at, err)
	}
	l.job.target.refresh(ctx, l.topic.name)
	for _, o := range l.window {
		if !o.done {
			if o.cut.frame != nil {
				o.cut.frame.tainted.Store(true)
			}
			o.err = nil
			l.submit(ctx, o, results)
		}
	}
	return nil
}

// judge says whether a failure of the oldest batch is one to wait for.
func (l *lane) judge(err error) error {
	switch {
	case errors.Is(err, kerr.OutOfOrderSequenceNumber), errors.Is(err, kerr.DuplicateSequenceNumber), errors.Is(err, kerr.UnknownProducerID):
		return fmt.Errorf("%s-%d: %w: %w", l.topic.name, l.partition, err, errResync)
	case passing(err):
		return nil
	default:
		return fmt.Errorf("produce to %s-%d at offset %d: %w%s", l.topic.name, l.partition, l.start+l.window[0].cut.at, err, hintOf(err))
	}
}

// hintOf is what a person can do about a broker's refusal.
func hintOf(err error) string {
	switch {
	case errors.Is(err, kerr.MessageTooLarge):
		return ": raise max.message.bytes of the topic"
	case errors.Is(err, kerr.InvalidTimestamp):
		return ": raise message.timestamp.before.max.ms or message.timestamp.after.max.ms of the topic"
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return ": allow WRITE on the topic"
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		return ": allow IDEMPOTENT_WRITE on the cluster, or WRITE on the topic"
	case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID):
		return ": the topic was deleted while it was being restored; restore under a new name"
	default:
		return ""
	}
}
