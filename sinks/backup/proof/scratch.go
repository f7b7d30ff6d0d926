package proof

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

const (
	// stamp is how a drill's beginning stands in its topics' names, so that a later
	// one can tell how old they are: Kafka does not keep when a topic was created.
	stamp = "20060102T150405"
	// longest is Kafka's limit for a topic's name.
	longest = 249
	// partitionsAtOnce is how many partitions one request creates: a broker shows
	// few large requests sooner than many small ones, and refuses above 10,000.
	partitionsAtOnce = 8000
	// deletedAtOnce bounds a request that deletes.
	deletedAtOnce = 1000
	// visibleWithin is how long a cluster may take to show what it has created.
	visibleWithin = 2 * time.Minute
)

// scratch are the topics of one drill on the scratch cluster.
type scratch struct {
	client *kgo.Client
	prefix string // of all drills
	id     string // of this one: when it began, and eight random digits
}

func newScratch(client *kgo.Client, prefix string, now time.Time) scratch {
	if prefix == "" {
		prefix = "ottla-drill-"
	}
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails (crypto/rand)
	return scratch{client: client, prefix: prefix, id: now.UTC().Format(stamp) + "-" + hex.EncodeToString(random)}
}

// own is what the names of this drill's topics begin with.
func (s scratch) own() string { return s.prefix + s.id + "-" }

// name is the scratch topic of a source topic. Where it would be too long, a
// hash stands for its end.
func (s scratch) name(topic string) string {
	name := s.own() + topic
	if len(name) <= longest {
		return name
	}
	sum := sha256.Sum256([]byte(topic))
	return name[:longest-17] + "-" + hex.EncodeToString(sum[:8])
}

func (s scratch) rename(topics []format.Topic) map[string]string {
	names := map[string]string{}
	for _, t := range topics {
		names[t.Name] = s.name(t.Name)
	}
	return names
}

// create makes the topics and waits until all brokers' answers show them.
// Nothing of what the source had set is set on them: retention, compaction or a
// limit must not touch what is to be compared.
func (s scratch) create(ctx context.Context, topics []format.Topic) error {
	meta, err := s.metadata(ctx)
	if err != nil {
		return err
	}
	for len(topics) > 0 {
		req, n := kmsg.NewPtrCreateTopicsRequest(), 0
		req.TimeoutMillis = int32(visibleWithin / time.Millisecond)
		for partitions := 0; n < len(topics) && (n == 0 || partitions+len(topics[n].Partitions) <= partitionsAtOnce); n++ {
			partitions += len(topics[n].Partitions)
			req.Topics = append(req.Topics, s.topic(topics[n], len(meta.Brokers)))
		}
		if err := s.send(ctx, req); err != nil {
			return err
		}
		if err := s.await(ctx, topics[:n]); err != nil {
			return err
		}
		topics = topics[n:]
	}
	return nil
}

func (s scratch) topic(t format.Topic, brokers int) kmsg.CreateTopicsRequestTopic {
	out := kmsg.NewCreateTopicsRequestTopic()
	out.Topic = s.name(t.Name)
	out.NumPartitions = partitions(t)
	out.ReplicationFactor = int16(max(1, min(t.Replicas, brokers, math.MaxInt16))) //nolint:gosec // it fits
	forever := strconv.FormatInt(math.MaxInt64, 10)
	for _, kv := range [][2]string{
		{"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"retention.bytes", "-1"}, {"compression.type", "producer"},
		{"min.insync.replicas", "1"}, {"message.timestamp.type", "CreateTime"},
		{"message.timestamp.before.max.ms", forever}, {"message.timestamp.after.max.ms", forever},
	} {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = kv[0], kmsg.StringPtr(kv[1])
		out.Configs = append(out.Configs, c)
	}
	return out
}

// partitions is how many partitions a topic needs to hold all of the point's.
func partitions(t format.Topic) int32 {
	n := int32(0)
	for _, p := range t.Partitions {
		n = max(n, p.Partition+1)
	}
	return n
}

func (s scratch) send(ctx context.Context, req *kmsg.CreateTopicsRequest) error {
	resp, err := req.RequestWith(ctx, s.client)
	if err != nil {
		return fmt.Errorf("create scratch topics: %w", err)
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("create scratch topic %s: %w%s", t.Topic, err, because(t.ErrorMessage))
		}
	}
	return nil
}

func because(message *string) string {
	if message == nil || *message == "" {
		return ""
	}
	return ": " + *message
}

// await waits until the topics show with a leader for each partition.
func (s scratch) await(ctx context.Context, topics []format.Topic) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		meta, err := s.metadata(ctx)
		if err != nil {
			return struct{}{}, err
		}
		led := map[string]int{}
		for _, t := range meta.Topics {
			for _, p := range t.Partitions {
				if t.Topic != nil && p.ErrorCode == 0 && p.Leader >= 0 {
					led[*t.Topic]++
				}
			}
		}
		for _, t := range topics {
			if name := s.name(t.Name); led[name] < int(partitions(t)) {
				return struct{}{}, fmt.Errorf("scratch topic %s has leaders for %d of %d partitions", name, led[name], partitions(t))
			}
		}
		return struct{}{}, nil
	}, backoff.WithMaxElapsedTime(visibleWithin))
	return err
}

// metadata lists all topics, from a broker and no cache.
func (s scratch) metadata(ctx context.Context) (*kmsg.MetadataResponse, error) {
	resp, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, s.client)
	if err != nil {
		return nil, fmt.Errorf("ask the scratch cluster for its topics: %w", err)
	}
	return resp, nil
}

// leftover tells a topic that a drill which was killed has left behind: it has
// our prefix and our own shape, and began before that time. What only begins as
// ours do is somebody else's.
func (s scratch) leftover(before time.Time) func(name string) bool {
	shape := regexp.MustCompile(`^` + regexp.QuoteMeta(s.prefix) + `(\d{8}T\d{6})-[0-9a-f]{8}-.`)
	return func(name string) bool {
		m := shape.FindStringSubmatch(name)
		if m == nil || strings.HasPrefix(name, s.own()) {
			return false
		}
		began, err := time.Parse(stamp, m[1])
		return err == nil && began.Before(before)
	}
}

// mine tells a topic of this drill.
func (s scratch) mine(name string) bool { return strings.HasPrefix(name, s.own()) }

// remove deletes topics by their ids, so that one that took a name in between
// is not touched, and says which.
func (s scratch) remove(ctx context.Context, which func(name string) bool) ([]string, error) {
	meta, err := s.metadata(ctx)
	if err != nil {
		return nil, err
	}
	var gone []string
	ids := map[[16]byte]string{}
	for _, t := range meta.Topics {
		if t.Topic != nil && which(*t.Topic) {
			ids[t.TopicID] = *t.Topic
			gone = append(gone, *t.Topic)
		}
	}
	var failed []error
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(ids)), deletedAtOnce) {
		failed = append(failed, s.deleteByID(ctx, chunk, ids))
	}
	slices.Sort(gone)
	return gone, errors.Join(failed...)
}

func (s scratch) deleteByID(ctx context.Context, chunk [][16]byte, names map[[16]byte]string) error {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = int32(removeWithin / time.Millisecond)
	for _, id := range chunk {
		t := kmsg.NewDeleteTopicsRequestTopic()
		t.TopicID = id
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, s.client)
	if err != nil {
		return fmt.Errorf("delete scratch topics: %w", err)
	}
	var failed []error
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		if err != nil && !errors.Is(err, kerr.UnknownTopicID) {
			failed = append(failed, fmt.Errorf("delete scratch topic %s: %w%s; delete it by hand", names[t.TopicID], err, because(t.ErrorMessage)))
		}
	}
	return errors.Join(failed...)
}
