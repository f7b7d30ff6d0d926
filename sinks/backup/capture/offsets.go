package capture

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/patience"
)

// What ListOffsets is asked for (KIP-79): a timestamp that is none.
const (
	latest   int64 = -1
	earliest int64 = -2
)

// Isolation levels of ListOffsets and Fetch (KIP-98).
const (
	uncommitted int8 = 0
	committed   int8 = 1
)

// readOffsets reads log starts, last stable offsets and high watermarks, in
// this order, so that none is behind one before it.
func (r *run) readOffsets(ctx context.Context) error {
	parts := r.partitions()
	if err := r.offsets(ctx, parts, earliest, uncommitted, func(p *part, at int64) { p.logStart = at }); err != nil {
		return err
	}
	r.taken = r.Now()
	if err := r.offsets(ctx, parts, latest, committed, func(p *part, at int64) { p.End = at }); err != nil {
		return err
	}
	return r.offsets(ctx, parts, latest, uncommitted, func(p *part, at int64) { p.High = max(at, p.End) })
}

// readable are the topics that can be read.
func (r *run) readable() []*topic {
	return slices.DeleteFunc(slices.Clone(r.topics), func(t *topic) bool { return t.unread || t.gone })
}

// partitions are those that can be read.
func (r *run) partitions() []*part {
	var parts []*part
	for _, t := range r.readable() {
		parts = append(parts, t.parts...)
	}
	return parts
}

// offsets asks the leaders for one offset of each partition, until every one
// has answered. Topics that turn out to be gone, or not ours to read, are
// marked, for settle.
func (r *run) offsets(ctx context.Context, parts []*part, of int64, isolation int8, set func(*part, int64)) error {
	left := parts
	return patience.Do(ctx, r.Patience, func() (err error) {
		left, err = r.askOffsets(ctx, left, of, isolation, set)
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			left, err = r.still(ctx, left, err)
		}
		return err
	})
}

// still leaves out the topics that the cluster has no more.
func (r *run) still(ctx context.Context, parts []*part, why error) ([]*part, error) {
	var names []string
	for _, p := range parts {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	shown, err := r.metadata(ctx, slices.Compact(names))
	if err != nil {
		return parts, err
	}
	left := slices.DeleteFunc(slices.Clone(parts), func(p *part) bool {
		m := shown[p.Name]
		gone := m.ErrorCode == kerr.UnknownTopicOrPartition.Code || m.ErrorCode == 0 && m.TopicID != p.id
		if gone {
			r.mark(p.topic, &p.gone)
		}
		return gone
	})
	if len(left) == 0 {
		return nil, nil
	}
	return left, why
}

// askOffsets returns the partitions that have to be asked again, and why.
func (r *run) askOffsets(ctx context.Context, parts []*part, of int64, isolation int8, set func(*part, int64)) ([]*part, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel = isolation
	asked := make(map[place]*part, len(parts))
	for _, p := range parts {
		asked[p.place()] = p
		if n := len(req.Topics); n == 0 || req.Topics[n-1].Topic != p.Name {
			t := kmsg.NewListOffsetsRequestTopic()
			t.Topic = p.Name
			req.Topics = append(req.Topics, t)
		}
		one := kmsg.NewListOffsetsRequestTopicPartition()
		one.Partition, one.Timestamp = p.Partition.Partition, of
		t := &req.Topics[len(req.Topics)-1]
		t.Partitions = append(t.Partitions, one)
	}
	resp, err := req.RequestWith(ctx, r.cluster)
	if err != nil {
		return parts, fmt.Errorf("read offsets: %w", err)
	}
	return r.takeOffsets(asked, resp, set)
}

func (r *run) takeOffsets(asked map[place]*part, resp *kmsg.ListOffsetsResponse, set func(*part, int64)) (left []*part, why error) {
	for _, t := range resp.Topics {
		for _, answer := range t.Partitions {
			p := asked[place{t.Topic, answer.Partition}]
			if p == nil {
				continue
			}
			delete(asked, p.place())
			switch err := kerr.ErrorForCode(answer.ErrorCode); {
			case err == nil:
				set(p, max(answer.Offset, 0))
			case errors.Is(err, kerr.TopicAuthorizationFailed):
				r.mark(p.topic, &p.unread)
			default:
				left, why = append(left, p), fmt.Errorf("read offsets of %s: %w", p.place(), err)
			}
		}
	}
	for _, p := range asked {
		left, why = append(left, p), fmt.Errorf("read offsets of %s: %w", p.place(), patience.ErrSilent)
	}
	slices.SortFunc(left, byPlace)
	return left, why
}

func byPlace(a, b *part) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return int(a.Partition.Partition) - int(b.Partition.Partition)
}

// readEpochs asks where the log parts from what the parent has seen: an unclean
// election may have cut it (KIP-101, KIP-279).
func (r *run) readEpochs(ctx context.Context) error {
	asked := make(map[place]*part)
	for _, p := range r.partitions() {
		if p.was != nil && p.was.Epoch >= 0 && p.was.End > 0 {
			asked[p.place()] = p
		}
	}
	return r.diverging(ctx, asked, func(p *part) int32 { return p.was.Epoch }, func(p *part, end int64) {
		p.told, p.divergence = true, end
	})
}

// diverging tells where the leaders' logs end of the epoch that each partition
// was last read in. Leaders that have forgotten the epoch say nothing.
func (r *run) diverging(ctx context.Context, asked map[place]*part, epoch func(*part) int32, tell func(*part, int64)) error {
	return patience.Do(ctx, r.Patience, func() (err error) {
		asked, err = r.askEpochs(ctx, asked, epoch, tell)
		return err
	})
}

func (r *run) askEpochs(ctx context.Context, asked map[place]*part, epoch func(*part) int32, tell func(*part, int64)) (map[place]*part, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	byTopic := make(map[string][]kmsg.OffsetForLeaderEpochRequestTopicPartition)
	for at, p := range asked {
		one := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		one.Partition, one.LeaderEpoch, one.CurrentLeaderEpoch = at.partition, epoch(p), -1
		byTopic[at.topic] = append(byTopic[at.topic], one)
	}
	for _, name := range sortedKeys(byTopic) {
		req.Topics = append(req.Topics, kmsg.OffsetForLeaderEpochRequestTopic{Topic: name, Partitions: byTopic[name]})
	}
	resp, err := req.RequestWith(ctx, r.cluster)
	if err != nil {
		return asked, fmt.Errorf("read leader epochs: %w", err)
	}
	left := maps.Clone(asked)
	var why error
	for _, t := range resp.Topics {
		for _, answer := range t.Partitions {
			at := place{t.Topic, answer.Partition}
			err := kerr.ErrorForCode(answer.ErrorCode)
			if again := err != nil && kerr.IsRetriable(err) && !errors.Is(err, kerr.UnknownTopicOrPartition); again {
				why = fmt.Errorf("read leader epochs of %s: %w", at, err)
				continue
			}
			if p := left[at]; p != nil && err == nil && answer.EndOffset >= 0 {
				tell(p, answer.EndOffset)
			}
			delete(left, at)
		}
	}
	return left, why
}
