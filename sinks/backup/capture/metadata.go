package capture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/glob"
	"github.com/ottla-io/ottla/sinks/backup/patience"
)

// readTopics finds the topics of this run. Brokers leave topics that we may not
// describe out of a list of all, so what is named, and what the parent has, is
// asked for by name: unread is not gone.
func (r *run) readTopics(ctx context.Context) error {
	shown, err := r.listed(ctx)
	if err != nil {
		return err
	}
	internal := func(name string) bool { return shown[name].IsInternal }
	for _, name := range Select(sortedKeys(shown), internal, r.Topics, r.Exclude) {
		r.show(name, shown[name])
	}
	asked, err := r.metadata(ctx, r.missing(shown))
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(asked) {
		r.missed(name, asked[name])
	}
	slices.SortFunc(r.topics, func(a, b *topic) int { return strings.Compare(a.Name, b.Name) })
	if len(r.topics) == 0 {
		// A point of nothing would be the newest good one, and push others out.
		return fmt.Errorf("no topic of the cluster is chosen by %s: nothing is backed up, and no point is made; is a name spelt as the topic is, and may we describe it?", strings.Join(r.Topics, ", "))
	}
	return nil
}

type shownTopic = kmsg.MetadataResponseTopic

// listed is every topic, or only those that are named where there is no glob.
func (r *run) listed(ctx context.Context) (map[string]shownTopic, error) {
	if !slices.ContainsFunc(r.Topics, func(g string) bool { return !glob.Literal(g) }) {
		return map[string]shownTopic{}, nil
	}
	return r.everyTopic(ctx)
}

// missing are the names to ask for one by one.
func (r *run) missing(shown map[string]shownTopic) []string {
	names := slices.DeleteFunc(slices.Clone(r.Topics), func(g string) bool { return !glob.Literal(g) })
	names = Select(names, nil, names, r.Exclude)
	if r.parent != nil {
		var before []string
		for _, t := range r.parent.Topics {
			before = append(before, t.Name)
		}
		names = append(names, Select(before, nil, r.Topics, r.Exclude)...)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		t, ok := shown[name]
		return ok && t.ErrorCode == 0
	})
}

// missed decides on a topic that was asked for by name.
func (r *run) missed(name string, t shownTopic) {
	was := r.before(name)
	switch {
	case t.ErrorCode == 0:
		r.show(name, t)
	case t.ErrorCode == kerr.TopicAuthorizationFailed.Code:
		r.unread(name, "we may not describe it: grant Describe and Read on the topic")
	case was != nil:
		r.note("%s is gone from the cluster; point %d has it as it was", name, r.parent.Number)
	default:
		r.alert(sinks.TroubleUnread, name, "the backup names it, and the cluster has no such topic: create it, or take it out of the backup's topics")
	}
}

// unread tells of a topic that cannot be read, and carries over what the parent has of it.
func (r *run) unread(name, why string) {
	was := r.before(name)
	if was == nil {
		r.alert(sinks.TroubleUnread, name, why+"; nothing of it is in the backup")
		return
	}
	r.alert(sinks.TroubleUnread, name, fmt.Sprintf("%s; it stays in the point as it was in point %d", why, r.parent.Number))
	t := &topic{Topic: *was, unread: true, was: was}
	for _, p := range was.Partitions {
		p.Base, p.Why = p.End, whyUnread
		t.parts = append(t.parts, &part{topic: t, Partition: p})
	}
	r.topics = append(r.topics, t)
}

// before is the topic in the parent, or nil.
func (r *run) before(name string) *format.Topic {
	if r.parent == nil {
		return nil
	}
	i := slices.IndexFunc(r.parent.Topics, func(t format.Topic) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return &r.parent.Topics[i]
}

// show takes a topic as the cluster shows it.
func (r *run) show(name string, m shownTopic) {
	if m.ErrorCode != 0 {
		return // it is asked for by name
	}
	t := &topic{Topic: format.Topic{Name: name, ID: topicID(m.TopicID), Internal: m.IsInternal}, id: m.TopicID}
	if was := r.before(name); was != nil {
		t.other = was.ID != t.ID
		if !t.other {
			t.was = was
		}
	}
	slices.SortFunc(m.Partitions, func(a, b kmsg.MetadataResponseTopicPartition) int { return int(a.Partition) - int(b.Partition) })
	for _, p := range m.Partitions {
		t.Replicas = max(t.Replicas, len(p.Replicas))
		t.parts = append(t.parts, t.part(p))
	}
	r.topics = append(r.topics, t)
}

func (t *topic) part(m kmsg.MetadataResponseTopicPartition) *part {
	p := &part{topic: t, leader: m.Leader, leaderEpoch: m.LeaderEpoch, divergence: -1}
	p.Partition.Partition, p.Epoch = m.Partition, -1
	if t.was == nil {
		return p
	}
	i := slices.IndexFunc(t.was.Partitions, func(was format.Partition) bool { return was.Partition == m.Partition })
	if i >= 0 {
		p.was = &t.was.Partitions[i]
		p.Epoch = p.was.Epoch
	}
	return p
}

// metadata asks for topics by name. It is a plain request: kadm answers from a
// cache.
func (r *run) metadata(ctx context.Context, names []string) (map[string]shownTopic, error) {
	if len(names) == 0 {
		return map[string]shownTopic{}, nil
	}
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	return patience.Ask(ctx, r.Patience, func() (map[string]shownTopic, error) { return askMetadata(ctx, r.cluster, req) })
}

// everyTopic asks for all that we may describe.
func (r *run) everyTopic(ctx context.Context) (map[string]shownTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = nil
	return patience.Ask(ctx, r.Patience, func() (map[string]shownTopic, error) { return askMetadata(ctx, r.cluster, req) })
}

func askMetadata(ctx context.Context, cl *kgo.Client, req *kmsg.MetadataRequest) (map[string]shownTopic, error) {
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's topics: %w", err)
	}
	topics := make(map[string]shownTopic, len(resp.Topics))
	for _, t := range resp.Topics {
		if t.Topic == nil {
			continue
		}
		topics[*t.Topic] = t
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil && kerr.IsRetriable(err) && !errors.Is(err, kerr.UnknownTopicOrPartition) {
			return nil, fmt.Errorf("read topic %s: %w", *t.Topic, err)
		}
	}
	return topics, nil
}
