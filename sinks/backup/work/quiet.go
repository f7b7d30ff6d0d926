package work

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ottla-io/ottla/sinks/backup"
)

// topicNow is how far a topic and those who read it are.
type topicNow struct {
	ends    map[int32]end
	groups  map[string]int64 // what each group has committed, summed up
	members []string         // groups of which somebody reads it now
}

type end struct{ stable, high int64 }

// quiet waits until nobody has produced or consumed for as long as the
// configuration says. It asks the brokers, not the records, whose timestamps
// say what their producers please.
func (s *Service) quiet(ctx context.Context, f *final) error {
	var last topicNow
	since := s.o.Now()
	for first := true; ; first = false {
		now, err := s.readTopic(ctx, f.topic)
		if err != nil {
			return err
		}
		what := now.differs(last)
		switch {
		case len(now.members) > 0:
			since, what = s.o.Now(), fmt.Sprintf("consumer group %s reads it", now.members[0])
		case !first && what != "":
			since = s.o.Now()
		}
		last = now
		left := s.o.Final.Quiet - s.o.Now().Sub(since)
		if left <= 0 && len(now.members) == 0 {
			return nil
		}
		if first || what == "" {
			what = "nobody may produce or consume"
		}
		if !s.wanted(f) {
			return errors.New("it is no longer wanted")
		}
		s.finalText(f, "waits %s: %s", max(left, time.Second).Round(time.Second), what)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(lookFinal, max(left, time.Second))):
		}
	}
}

// differs says who moved since.
func (t topicNow) differs(last topicNow) string {
	for p, e := range t.ends {
		if last.ends[p] != e {
			return fmt.Sprintf("somebody produced to partition %d", p)
		}
	}
	for g, at := range t.groups {
		if last.groups[g] != at {
			return fmt.Sprintf("consumer group %s consumed", g)
		}
	}
	return ""
}

// readTopic asks how far a topic is.
func (s *Service) readTopic(ctx context.Context, topic string) (topicNow, error) {
	if s.engine.topic != nil {
		return s.engine.topic(ctx, topic)
	}
	open, err := s.dialer(backup.Spec{}, nil)
	if err != nil {
		return topicNow{}, err
	}
	client, err := open(ctx)
	if err != nil {
		return topicNow{}, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ends, err := readEnds(ctx, admin, topic)
	if err != nil {
		return topicNow{}, err
	}
	now := topicNow{ends: ends, groups: map[string]int64{}}
	return now, now.readGroups(ctx, admin, topic)
}

func readEnds(ctx context.Context, admin *kadm.Client, topic string) (map[int32]end, error) {
	stable, err := admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("read the last stable offsets of topic %s: %w", topic, err)
	}
	high, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("read the ends of topic %s: %w", topic, err)
	}
	ends := map[int32]end{}
	for p, h := range high[topic] {
		l, ok := stable.Lookup(topic, p)
		if err := errors.Join(h.Err, l.Err); err != nil || !ok {
			return nil, fmt.Errorf("read the end of partition %d of topic %s: %w", p, topic, err)
		}
		ends[p] = end{l.Offset, h.Offset}
	}
	if len(ends) == 0 {
		return nil, fmt.Errorf("topic %s is not there", topic)
	}
	return ends, nil
}

// readGroups looks at all groups: who has committed to the topic, and whose
// members have it assigned.
func (t *topicNow) readGroups(ctx context.Context, admin *kadm.Client, topic string) error {
	listed, err := admin.ListGroups(ctx)
	if err != nil {
		return fmt.Errorf("list consumer groups: %w", err)
	}
	names := listed.Groups()
	if len(names) == 0 {
		return nil
	}
	for g, r := range admin.FetchManyOffsets(ctx, names...) {
		if r.Err != nil {
			return fmt.Errorf("read the offsets of consumer group %s: %w", g, r.Err)
		}
		if of, ok := r.Fetched[topic]; ok {
			for p, o := range of {
				t.groups[g] += (o.At + 1) * int64(p+1)
			}
		}
	}
	return t.readMembers(ctx, admin, topic, slices.Sorted(maps.Keys(t.groups)))
}

// readMembers finds those groups of which a member has the topic assigned now.
// A group that never committed anything is looked at by its own next commit.
func (t *topicNow) readMembers(ctx context.Context, admin *kadm.Client, topic string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	described, err := admin.DescribeGroups(ctx, names...)
	if err != nil {
		return fmt.Errorf("describe consumer groups: %w", err)
	}
	assigned := map[string]kadm.TopicsSet{}
	for _, g := range described.Sorted() {
		assigned[g.Group] = g.AssignedPartitions()
	}
	// Brokers without KIP-848 do not know this request: then there is no such group.
	if modern, err := admin.DescribeConsumerGroups(ctx, names...); err == nil {
		for _, g := range modern.Sorted() {
			if g.Err == nil {
				assigned[g.Group] = g.AssignedPartitions()
			}
		}
	}
	for _, g := range names {
		if len(assigned[g][topic]) > 0 {
			t.members = append(t.members, g)
		}
	}
	return nil
}
