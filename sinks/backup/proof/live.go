package proof

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// live is the source cluster as it is now, as far as a point knows it.
type live struct {
	cluster string
	ids     map[string]string // of topics; those that are gone are not there
	starts  kadm.ListedOffsets
	ends    kadm.ListedOffsets // last stable offsets
	groups  kadm.FetchOffsetsResponses
}

func observe(ctx context.Context, client *kgo.Client, p *repository.Point) (*live, error) {
	l := &live{ids: map[string]string{}}
	if err := l.topics(ctx, client, p); err != nil {
		return nil, err
	}
	there := slices.Sorted(maps.Keys(l.ids))
	admin := kadm.NewClient(client)
	var err error
	if len(there) > 0 { // no names would be all topics
		if l.starts, err = admin.ListStartOffsets(ctx, there...); err == nil {
			l.ends, err = admin.ListCommittedOffsets(ctx, there...)
		}
		if err = errors.Join(err, l.starts.Error(), l.ends.Error()); err != nil {
			return l, fmt.Errorf("ask the source cluster for offsets: %w", err)
		}
	}
	groups := make([]string, len(p.Groups))
	for i, g := range p.Groups {
		groups[i] = g.Name
	}
	l.groups = admin.FetchManyOffsets(ctx, groups...)
	return l, nil
}

// topics looks which topics of the point are still there, under which ids.
func (l *live) topics(ctx context.Context, client *kgo.Client, p *repository.Point) error {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none, where null would be all
	for _, t := range p.Topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(t.Name)
		req.Topics = append(req.Topics, topic)
	}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("ask the source cluster for its topics: %w", err)
	}
	if resp.ClusterID != nil {
		l.cluster = *resp.ClusterID
	}
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		if errors.Is(err, kerr.UnknownTopicOrPartition) || t.Topic == nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("ask the source cluster for topic %s: %w", *t.Topic, err)
		}
		l.ids[*t.Topic] = base64.RawURLEncoding.EncodeToString(t.TopicID[:])
	}
	return nil
}

// offsets compares the ranges of the point with the source's.
func (v *validation) offsets() {
	var bad []string
	var behind, partitions int64
	for _, t := range v.point.Topics {
		if t.Internal {
			continue
		}
		bad = append(bad, ordered(t)...)
		partitions += int64(len(t.Partitions))
		if v.live != nil {
			found, since := v.live.against(t)
			bad, behind = append(bad, found...), behind+since
		}
	}
	text := fmt.Sprintf("offset ranges of %s", plural(partitions, "partition"))
	if v.live != nil {
		text += fmt.Sprintf("; %s written since the point", plural(behind, "offset"))
	}
	v.evidence.check("offsets", text, bad)
}

// ordered looks at the ranges themselves.
func ordered(t format.Topic) (bad []string) {
	for _, p := range t.Partitions {
		if p.Start < 0 || p.End < p.Start || p.High < p.End {
			bad = append(bad, fmt.Sprintf("%s-%d: the point covers [%d, %d) with high watermark %d", t.Name, p.Partition, p.Start, p.End, p.High))
		}
	}
	return bad
}

// against compares a topic's ranges with the live ones. A topic that is gone,
// or another one of its name, is what backups are for and no damage; a record
// that is there and that the point should hold and does not is.
func (l *live) against(t format.Topic) (bad []string, since int64) {
	if l.ids[t.Name] != t.ID {
		return nil, 0
	}
	for _, p := range t.Partitions {
		start, ok := l.starts.Lookup(t.Name, p.Partition)
		end, _ := l.ends.Lookup(t.Name, p.Partition)
		switch {
		case !ok:
			bad = append(bad, fmt.Sprintf("%s-%d: the point has it, the source has not", t.Name, p.Partition))
		case end.Offset < p.End:
			bad = append(bad, fmt.Sprintf("%s-%d: the point ends at %d, the source at %d: it was truncated", t.Name, p.Partition, p.End, end.Offset))
		case start.Offset < p.Start:
			bad = append(bad, fmt.Sprintf("%s-%d: the source still has offsets from %d on, the point begins at %d", t.Name, p.Partition, start.Offset, p.Start))
		}
		since += max(0, end.Offset-p.End)
	}
	return bad, since
}

// size is how many offsets the source has of topics now.
func (l *live) size(topics []format.Topic) (n int64) {
	for _, t := range topics {
		for _, p := range t.Partitions {
			start, _ := l.starts.Lookup(t.Name, p.Partition)
			end, _ := l.ends.Lookup(t.Name, p.Partition)
			n += end.Offset - start.Offset
		}
	}
	return n
}
