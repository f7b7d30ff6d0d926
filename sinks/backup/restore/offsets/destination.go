package offsets

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/restore"
	"github.com/ottla-io/ottla/sinks/backup/restore/groups"
)

// destination knows where groups go.
type destination interface {
	partitions(groups.Group) []place
	to(groups.Group, place) int64
}

func (s *session) destination(ctx context.Context, o ResetOptions, all []groups.Group) (destination, error) {
	switch o.Strategy {
	case FromMapping:
		return mapped(ctx, o, all)
	case ToEarliest, ToLatest, ToTimestamp, ToOffset:
		return s.listed(ctx, o, all)
	default:
		return nil, fmt.Errorf("unknown strategy %q: use to-earliest, to-latest, to-timestamp, to-offset or from-mapping", o.Strategy)
	}
}

// listed is a destination that is the same for every group.
type listed struct {
	topics  []string
	offsets map[place]int64
}

// listed asks the brokers for the offsets of all partitions concerned.
func (s *session) listed(ctx context.Context, o ResetOptions, all []groups.Group) (destination, error) {
	topics := slices.Clone(o.Topics)
	for _, g := range all {
		for _, c := range g.Offsets {
			if len(o.Topics) == 0 && !slices.Contains(topics, c.Topic) {
				topics = append(topics, c.Topic)
			}
		}
	}
	out := &listed{topics: o.Topics, offsets: map[place]int64{}}
	if len(topics) == 0 {
		return out, nil
	}
	starts, err := s.list(ctx, topics, s.admin.ListStartOffsets)
	if err != nil {
		return nil, err
	}
	ends, err := s.list(ctx, topics, s.admin.ListEndOffsets)
	if err != nil {
		return nil, err
	}
	times := ends
	if o.Strategy == ToTimestamp {
		times, err = s.list(ctx, topics, func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
			return s.admin.ListOffsetsAfterMilli(ctx, o.Timestamp.UnixMilli(), topics...)
		})
		if err != nil {
			return nil, err
		}
	}
	for p, end := range ends {
		switch o.Strategy {
		case ToEarliest:
			out.offsets[p] = starts[p]
		case ToOffset:
			out.offsets[p] = min(max(o.Offset, starts[p]), end)
		case ToTimestamp:
			if out.offsets[p] = times[p]; times[p] < 0 {
				out.offsets[p] = end
			}
		default:
			out.offsets[p] = end
		}
	}
	return out, nil
}

func (s *session) list(ctx context.Context, topics []string, ask func(context.Context, ...string) (kadm.ListedOffsets, error)) (map[place]int64, error) {
	got, err := ask(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	out, failed := map[place]int64{}, []error(nil)
	got.Each(func(l kadm.ListedOffset) {
		if l.Err != nil {
			failed = append(failed, fmt.Errorf("list offsets of %s-%d: %w", l.Topic, l.Partition, l.Err))
			return
		}
		out[place{l.Topic, l.Partition}] = l.Offset
	})
	return out, errors.Join(failed...)
}

// partitions are those of the topics that are named, or else those that the
// group has offsets in.
func (l *listed) partitions(g groups.Group) []place {
	all := map[place]bool{}
	for p := range l.offsets {
		if _, has := g.At(p.topic, p.partition); has || slices.Contains(l.topics, p.topic) {
			all[p] = true
		}
	}
	return sorted(all)
}

func (l *listed) to(_ groups.Group, p place) int64 { return l.offsets[p] }

// moved is a destination by the map of a restore: what the groups had committed
// when the backup was made is what they go to.
type moved map[string][]format.Commit

// mapped reads the map of offsets of a restore.
func mapped(ctx context.Context, o ResetOptions, all []groups.Group) (destination, error) {
	if o.Mapping == nil {
		o.Mapping = o.Repository
	}
	if o.Mapping == nil || o.Restore == "" {
		return nil, errors.New("from-mapping needs the name of the restore that wrote the map")
	}
	names := make([]string, len(all))
	for i, g := range all {
		names[i] = g.Name
	}
	out, err := restore.Translate(ctx, o.Mapping, o.Restore, names)
	if err != nil {
		return nil, err
	}
	return moved(only(out, o.Topics)), nil
}

// only keeps the topics that are named; none are all.
func only(all map[string][]format.Commit, topics []string) map[string][]format.Commit {
	if len(topics) == 0 {
		return all
	}
	for name, commits := range all {
		all[name] = slices.DeleteFunc(commits, func(c format.Commit) bool { return !slices.Contains(topics, c.Topic) })
	}
	return all
}

func (m moved) partitions(g groups.Group) []place {
	all := map[place]bool{}
	for _, c := range m[g.Name] {
		all[place{c.Topic, c.Partition}] = true
	}
	return sorted(all)
}

func (m moved) to(g groups.Group, p place) int64 {
	c, _ := groups.Group{Offsets: m[g.Name]}.At(p.topic, p.partition)
	return c.Offset
}
