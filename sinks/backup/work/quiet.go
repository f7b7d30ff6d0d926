package work

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/restore/groups"
)

// topicNow is how far a topic and those who read it are.
type topicNow struct {
	id      string // as Kafka prints it
	ends    map[int32]end
	groups  map[string]int64 // what each group has committed, summed up
	members []string         // groups of which somebody reads it now
}

type end struct{ stable, high int64 }

// errAbsent is a topic that the brokers say they do not have.
var errAbsent = errors.New("it is not there")

// quiet waits until nobody has produced or consumed for as long as the
// configuration says, and returns how the topic is then. It asks the brokers,
// not the records, whose timestamps say what their producers please.
func (s *Service) quiet(ctx context.Context, f *final) (topicNow, error) {
	var last topicNow
	since := s.o.Now()
	for first := true; ; first = false {
		now, err := s.readTopic(ctx, f)
		if err != nil {
			return topicNow{}, err
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
			return now, nil
		}
		if first || what == "" {
			what = "nobody may produce or consume"
		}
		if !s.wanted(f) {
			return topicNow{}, errors.New("it is no longer wanted")
		}
		s.finalText(f, "waits %s: %s", max(left, time.Second).Round(time.Second), what)
		select {
		case <-ctx.Done():
			return topicNow{}, ctx.Err()
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
func (s *Service) readTopic(ctx context.Context, f *final) (topicNow, error) {
	open, err := s.dialer(f.spec, f.means)
	if err != nil {
		return topicNow{}, err
	}
	client, err := open(ctx)
	if err != nil {
		return topicNow{}, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	now := topicNow{groups: map[string]int64{}}
	if now.id, err = readID(ctx, admin, f.topic); err != nil {
		return topicNow{}, err
	}
	if now.ends, err = readEnds(ctx, admin, f.topic); err != nil {
		return topicNow{}, err
	}
	return now, now.readGroups(ctx, client, f.topic)
}

func readID(ctx context.Context, admin *kadm.Client, topic string) (string, error) {
	all, err := admin.ListTopics(ctx, topic)
	if err != nil {
		return "", fmt.Errorf("look for topic %s: %w", topic, err)
	}
	one, ok := all[topic]
	switch {
	case errors.Is(one.Err, kerr.UnknownTopicOrPartition):
		return "", fmt.Errorf("topic %s: %w", topic, errAbsent)
	case one.Err != nil:
		return "", fmt.Errorf("look for topic %s: %w", topic, one.Err)
	case !ok:
		return "", fmt.Errorf("look for topic %s: the brokers did not answer", topic)
	}
	return base64.RawURLEncoding.EncodeToString(one.ID[:]), nil
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
		return nil, fmt.Errorf("topic %s has no partitions", topic)
	}
	return ends, nil
}

// readGroups looks at all groups: who has committed to the topic, and whose
// members have it assigned, whether they ever commit or not.
func (t *topicNow) readGroups(ctx context.Context, client *kgo.Client, topic string) error {
	all, err := groups.All(ctx, client)
	if err != nil {
		return err
	}
	var names []string
	for _, g := range all {
		if slices.Contains(g.Reads, topic) {
			t.members = append(t.members, g.Name)
		}
		if !g.Share {
			names = append(names, g.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	for g, r := range kadm.NewClient(client).FetchManyOffsets(ctx, names...) {
		if r.Err != nil {
			return fmt.Errorf("read the offsets of consumer group %s: %w", g, r.Err)
		}
		for p, o := range r.Fetched[topic] {
			t.groups[g] += (o.At + 1) * int64(p+1)
		}
	}
	return nil
}
