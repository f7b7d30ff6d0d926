package restore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/patience"
)

const (
	// fetchSize is what one fetch of a digest asks for; a larger batch still comes.
	fetchSize = 4 << 20
	// digestsAtOnce is how many partitions are read at once.
	digestsAtOnce = 8
)

// Digests works out the record digests of topics on a cluster up to the ends
// given, for a comparison with those of a backup: committed records only. The
// results are in the order of the ranges.
func Digests(ctx context.Context, dialer func(context.Context) (*kgo.Client, error), ranges []format.Digest) ([]format.Digest, error) {
	t, err := dial(ctx, Options{Dial: dialer}, maxClients)
	if err != nil {
		return nil, err
	}
	defer t.close()
	return t.digests(ctx, ranges)
}

func (t *target) digests(ctx context.Context, ranges []format.Digest) ([]format.Digest, error) {
	topics, err := t.learnAll(ctx, ranges)
	if err != nil {
		return nil, err
	}
	out := make([]format.Digest, len(ranges))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(digestsAtOnce)
	for i, r := range ranges {
		g.Go(func() error {
			w := &walk{target: t, topic: topics[r.Topic], partition: r.Partition, at: r.Start, end: r.End, sum: batch.NewDigest(), decoder: batch.NewDecoder()}
			if err := w.run(ctx); err != nil {
				return err
			}
			out[i] = r
			out[i].Digest, out[i].Records = w.sum.Sum()
			return nil
		})
	}
	return out, g.Wait()
}

// learnAll finds out ids and leaders of all topics of the ranges.
func (t *target) learnAll(ctx context.Context, ranges []format.Digest) (map[string]targetTopic, error) {
	topics := map[string]targetTopic{}
	var names []string
	for _, r := range ranges {
		if !slices.Contains(names, r.Topic) {
			names = append(names, r.Topic)
		}
	}
	c, err := patience.Ask(ctx, 4*timeoutOf(t.o), func() (cluster, error) { return t.metadata(ctx, names) })
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		s := c.topics[name]
		if s.err != nil {
			return nil, fmt.Errorf("read topic %s: %w", name, s.err)
		}
		t.learn(name, s.leaders)
		topics[name] = targetTopic{name, s.id}
	}
	return topics, nil
}

// walk goes through a partition's committed records.
type walk struct {
	target    *target
	topic     targetTopic
	partition int32
	at, end   int64
	sum       *batch.Digest
	decoder   *batch.Decoder
	aborted   map[int64]bool // producers inside a transaction that was aborted
}

func (w *walk) run(ctx context.Context) error {
	again := newRetry(4 * timeoutOf(w.target.o))
	w.aborted = map[int64]bool{}
	for w.at < w.end {
		before := w.at
		err := w.next(ctx)
		switch {
		case err == nil && w.at > before:
			again.reset()
			continue
		case err == nil:
			return nil // what is left is holes
		case errors.Is(err, kerr.OffsetOutOfRange):
			return fmt.Errorf("%w: the partition does not hold that offset any more, or not yet", err)
		case !passing(err):
			return err
		}
		if err := again.wait(ctx, err); err != nil {
			return err
		}
		w.target.refresh(ctx, w.topic.name)
	}
	return nil
}

// next takes one fetch. It stays where it is when there is nothing more.
func (w *walk) next(ctx context.Context) error {
	p, err := w.target.fetch(ctx, w.topic, w.partition, w.at, fetchSize, 1)
	if err != nil {
		return err
	}
	aborted := p.AbortedTransactions
	slices.SortFunc(aborted, func(a, b kmsg.FetchResponseTopicPartitionAbortedTransaction) int {
		return int(min(1, max(-1, a.FirstOffset-b.FirstOffset)))
	})
	for left := p.RecordBatches; w.at < w.end; {
		h, one, rest, err := batch.Next(left)
		if errors.Is(err, batch.ErrShort) {
			break // the rest comes with the next fetch
		}
		if err != nil {
			return fmt.Errorf("read %s-%d: %w", w.topic.name, w.partition, err)
		}
		for len(aborted) > 0 && aborted[0].FirstOffset <= h.Last() {
			w.aborted[aborted[0].ProducerID] = true
			aborted = aborted[1:]
		}
		if err := w.batch(h, one); err != nil {
			return fmt.Errorf("read %s-%d: %w", w.topic.name, w.partition, err)
		}
		left, w.at = rest, max(w.at, h.Next())
	}
	if p.LastStableOffset < w.end && len(p.RecordBatches) == 0 {
		return fmt.Errorf("read %s-%d: it ends at offset %d, before %d", w.topic.name, w.partition, p.LastStableOffset, w.end)
	}
	return nil
}

// batch adds the committed records of one batch.
func (w *walk) batch(h batch.Header, one []byte) error {
	if h.Control() {
		return w.decoder.Records(one, func(r batch.Record) error {
			// The key of a marker: version, then type, 0 for an abort.
			if len(r.Key) >= 4 && binary.BigEndian.Uint16(r.Key[2:]) == 0 {
				delete(w.aborted, h.ProducerID)
			}
			return nil
		})
	}
	if h.Transactional() && w.aborted[h.ProducerID] {
		return nil
	}
	return w.decoder.Records(one, func(r batch.Record) error {
		if r.Offset >= w.at && r.Offset < w.end {
			w.sum.Add(r)
		}
		return nil
	})
}
