package capture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup/patience"
)

// What Kafka takes where nobody says anything (TopicConfig, LogConfig).
const (
	defaultDeleteRetention = 24 * time.Hour
	defaultTimestamps      = "CreateTime"

	timestampKey       = "message.timestamp.type"
	policyKey          = "cleanup.policy"
	deleteRetentionKey = "delete.retention.ms"
	maxBytesKey        = "max.message.bytes"
	tieredKey          = "remote.storage.enable"
)

// configsAtOnce is how many topics are described by one request: all keys of
// many topics are dear for a broker, and several connections share the work.
const configsAtOnce = 250

// readConfigs reads what is set on topics, and what is in force of what we need.
func (r *run) readConfigs(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	i := 0
	for chunk := range slices.Chunk(r.readable(), configsAtOnce) {
		conn := i % r.Connections
		i++
		group.Go(func() error {
			return patience.Do(ctx, r.Patience, func() error { return r.describe(ctx, conn, chunk) })
		})
	}
	return group.Wait()
}

func (r *run) describe(ctx context.Context, conn int, topics []*topic) error {
	cl, err := r.clients.at(ctx, conn)
	if err != nil {
		return err
	}
	req := kmsg.NewPtrDescribeConfigsRequest()
	byName := make(map[string]*topic, len(topics))
	for _, t := range topics {
		byName[t.Name] = t
		res := kmsg.NewDescribeConfigsRequestResource()
		res.ResourceType, res.ResourceName = kmsg.ConfigResourceTypeTopic, t.Name
		req.Resources = append(req.Resources, res)
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("read the configuration of topics: %w", err)
	}
	for _, res := range resp.Resources {
		t := byName[res.ResourceName]
		if t == nil {
			continue
		}
		if err := r.configure(t, res); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) configure(t *topic, res kmsg.DescribeConfigsResponseResource) error {
	switch err := kerr.ErrorForCode(res.ErrorCode); {
	case err == nil:
		t.configured(res.Configs)
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		r.alert(sinks.TroubleUnread, t.Name, "its configuration is not in the backup: grant DescribeConfigs on the topic")
		t.unconfigured()
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		t.unconfigured() // the offsets tell whether it is gone
	default:
		return fmt.Errorf("read the configuration of topic %s: %w", t.Name, err)
	}
	return nil
}

// unconfigured assumes the worst of a topic whose configuration cannot be read:
// that it is compacted. What the parent knows is kept.
func (t *topic) unconfigured() {
	t.Timestamps, t.Compacted, t.deleteRetention = defaultTimestamps, true, defaultDeleteRetention
	if t.was != nil {
		t.Config, t.Timestamps, t.MaxBytes = t.was.Config, t.was.Timestamps, t.was.MaxBytes
		t.DeleteRetention = t.was.DeleteRetention
		t.deleteRetention = min(t.deleteRetention, t.retentionThen())
	}
}

// retentionThen is the delete.retention.ms that was in force at the parent's
// time. Older points tell it only where it was set on the topic.
func (t *topic) retentionThen() time.Duration {
	if ms := t.was.DeleteRetention; ms != nil {
		return limited(*ms)
	}
	return milliseconds(t.was.Config[deleteRetentionKey], t.deleteRetention)
}

func (t *topic) configured(configs []kmsg.DescribeConfigsResponseResourceConfig) {
	t.Timestamps, t.deleteRetention = defaultTimestamps, defaultDeleteRetention
	for _, c := range configs {
		if c.Value == nil {
			continue
		}
		if c.Source == kmsg.ConfigSourceDynamicTopicConfig {
			if t.Config == nil {
				t.Config = make(map[string]string)
			}
			t.Config[c.Name] = *c.Value
		}
		t.effective(c.Name, *c.Value)
	}
	t.DeleteRetention = new(t.deleteRetention.Milliseconds())
	if t.was != nil {
		t.deleteRetention = min(t.deleteRetention, t.retentionThen())
	}
}

func (t *topic) effective(key, value string) {
	switch key {
	case timestampKey:
		t.Timestamps = value
	case policyKey:
		t.Compacted = strings.Contains(value, "compact")
	case deleteRetentionKey:
		t.deleteRetention = milliseconds(value, defaultDeleteRetention)
	case maxBytesKey:
		t.MaxBytes, _ = strconv.ParseInt(value, 10, 64)
	case tieredKey:
		t.tiered = value == "true"
	}
}

func milliseconds(text string, otherwise time.Duration) time.Duration {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms < 0 {
		return otherwise
	}
	return limited(ms)
}

// limited are milliseconds that a duration can hold.
func limited(ms int64) time.Duration {
	return time.Duration(min(max(ms, 0), int64(1<<62/time.Millisecond))) * time.Millisecond
}
