package kafka

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// KindTopic is the live kind of topics: Topic/orders with the fields
// "partitions", "replicas" and "config.<key>" for what is set on the topic.
const KindTopic = "Topic"

// The fields of a topic that are not configuration.
const (
	fieldPartitions = "partitions"
	fieldReplicas   = "replicas"
)

// requestTopics is how many topics one request names.
const requestTopics = 1000

// topics is the kind Topic.
type topics struct{ *Cluster }

// Name is KindTopic.
func (*topics) Name() string { return KindTopic }

// Rules are TopicRules.
func (*topics) Rules() reconcile.Rules { return TopicRules() }

// Observe reads metadata, then the configuration that the scope asks for.
func (k *topics) Observe(ctx context.Context, scope reconcile.Scope) ([]reconcile.Live, []reconcile.Unobserved, error) {
	found, unseen, err := k.list(ctx, scope)
	if err != nil {
		return nil, nil, fmt.Errorf("list topics: %w", err)
	}
	lives := make([]reconcile.Live, len(found.topics))
	for i, t := range found.topics {
		lives[i] = liveTopic(t)
	}
	unread, err := k.describe(ctx, scope, lives, found.brokers)
	if err != nil {
		return nil, nil, fmt.Errorf("describe topic configs: %w", err)
	}
	lives = slices.DeleteFunc(lives, func(l reconcile.Live) bool { return l.ID.IsZero() })
	return lives, append(unseen, unread...), nil
}

// listing is what metadata says.
type listing struct {
	topics  []kmsg.MetadataResponseTopic
	brokers []int32
}

// list reads all topics or the named ones. Kafka leaves topics that we may not
// describe out of "all": those that are named are asked for by name.
func (k *topics) list(ctx context.Context, scope reconcile.Scope) (listing, []reconcile.Unobserved, error) {
	var all listing
	seen := make(map[string]bool)
	if scope.Full {
		req := emptyMetadata()
		req.Topics = nil
		m, err := k.metadata(ctx, req)
		if err != nil {
			return all, nil, err
		}
		all.add(m)
		for _, t := range all.topics {
			seen[*t.Topic] = true
		}
	}
	var missing []string
	for _, id := range scope.Name {
		if !seen[id.Name] {
			missing = append(missing, id.Name)
		}
	}
	unseen, err := k.listNamed(ctx, missing, &all)
	return all, unseen, err
}

// listNamed adds the topics of these names that there are. A name Kafka does
// not know is no topic; any other answer is unobserved.
func (k *topics) listNamed(ctx context.Context, wanted []string, all *listing) ([]reconcile.Unobserved, error) {
	var unseen []reconcile.Unobserved
	for chunk := range slices.Chunk(wanted, requestTopics) {
		req := emptyMetadata()
		for _, name := range chunk {
			t := kmsg.NewMetadataRequestTopic()
			t.Topic = kmsg.StringPtr(name)
			req.Topics = append(req.Topics, t)
		}
		m, err := k.metadata(ctx, req)
		if err != nil {
			return nil, err
		}
		unseen = append(unseen, all.add(m)...)
	}
	return unseen, nil
}

// add sorts an answer into topics and what could not be seen.
func (l *listing) add(m *kmsg.MetadataResponse) []reconcile.Unobserved {
	var unseen []reconcile.Unobserved
	l.brokers = l.brokers[:0]
	for _, b := range m.Brokers {
		l.brokers = append(l.brokers, b.NodeID)
	}
	for _, t := range m.Topics {
		switch {
		case t.Topic == nil, t.ErrorCode == kerr.UnknownTopicOrPartition.Code, t.ErrorCode == kerr.InvalidTopicException.Code:
		case t.ErrorCode == 0, t.ErrorCode == kerr.LeaderNotAvailable.Code, t.ErrorCode == kerr.ReplicaNotAvailable.Code:
			l.topics = append(l.topics, t)
		default:
			unseen = append(unseen, reconcile.Unobserved{
				ID:     topicID(*t.Topic),
				Reason: refusal(t.ErrorCode, nil, "Describe on topic "+*t.Topic),
			})
		}
	}
	return unseen
}

func topicID(name string) reconcile.ID { return reconcile.ID{Kind: KindTopic, Name: name} }

// uid spells a topic id as Kafka's tools do; "" where the cluster has none.
func uid(id [16]byte) string {
	if id == [16]byte{} {
		return ""
	}
	return uidEncoding().EncodeToString(id[:])
}

func uidEncoding() *base64.Encoding { return base64.RawURLEncoding }

func liveTopic(t kmsg.MetadataResponseTopic) reconcile.Live {
	live := reconcile.Live{ID: topicID(*t.Topic), UID: uid(t.TopicID), Internal: internalTopic(*t.Topic)}
	if t.IsInternal && live.Internal == "" {
		live.Internal = "the brokers call it internal"
	}
	live.Fields = map[string]reconcile.Value{
		fieldPartitions: reconcile.TextOf(strconv.Itoa(len(t.Partitions))),
		fieldReplicas:   reconcile.TextOf(replication(t.Partitions)),
	}
	return live
}

// replication is "3", or "2..3" where partitions differ.
func replication(partitions []kmsg.MetadataResponseTopicPartition) string {
	if len(partitions) == 0 {
		return "0"
	}
	least, most := len(partitions[0].Replicas), 0
	for _, p := range partitions {
		least, most = min(least, len(p.Replicas)), max(most, len(p.Replicas))
	}
	if least == most {
		return strconv.Itoa(most)
	}
	return fmt.Sprintf("%d..%d", least, most)
}

// scopeKeys are the keys a scope asks for of a topic; whole means all.
func scopeKeys(scope reconcile.Scope, id reconcile.ID) (keys []string, whole bool) {
	fields, narrow := scope.Fields[id]
	if !narrow {
		return nil, true
	}
	for _, f := range fields {
		if key, ok := strings.CutPrefix(f, configPrefix); ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), false
}
