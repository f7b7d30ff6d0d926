package restore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// leastMessage and mostMessage bound max.message.bytes while a restore writes:
	// what the source had may have been larger once, and a batch that is compressed
	// anew may grow; a broker takes no request above socket.request.max.bytes, which
	// is 100 MiB by default.
	leastMessage = 32 << 20
	mostMessage  = 96 << 20
)

// lifted is the configuration of a topic while it is being restored. Nothing is
// removed, for progress is read from the topic; timestamps and batches are
// taken as they are.
func lifted(sourceMax int64) map[string]string {
	forever := strconv.FormatInt(math.MaxInt64, 10)
	return map[string]string{
		"cleanup.policy":                  "delete",
		"retention.ms":                    "-1",
		"retention.bytes":                 "-1",
		"message.timestamp.type":          "CreateTime",
		"message.timestamp.before.max.ms": forever,
		"message.timestamp.after.max.ms":  forever,
		"compression.type":                "producer",
		"max.message.bytes":               strconv.FormatInt(max(sourceMax, min(mostMessage, max(leastMessage, 2*sourceMax))), 10),
	}
}

// setting is one key of a topic.
type setting struct {
	value string
	own   bool // set on the topic itself
}

// configs describes topics: all keys, or these.
func (t *target) configs(ctx context.Context, topics []string, keys ...string) (map[string]map[string]setting, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, name := range topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, name, keys
		req.Resources = append(req.Resources, r)
	}
	resp, err := req.RequestWith(ctx, t.client())
	if err != nil {
		return nil, fmt.Errorf("describe the configuration of topics: %w", err)
	}
	out := map[string]map[string]setting{}
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return nil, fmt.Errorf("describe the configuration of %s: %w", r.ResourceName, err)
		}
		out[r.ResourceName] = map[string]setting{}
		for _, c := range r.Configs {
			if c.Value != nil {
				out[r.ResourceName][c.Name] = setting{*c.Value, c.Source == kmsg.ConfigSourceDynamicTopicConfig}
			}
		}
	}
	return out, nil
}

// alter sets keys of topics; null takes a key back to its default.
func (t *target) alter(ctx context.Context, changes map[string]map[string]*string) error {
	if len(changes) == 0 {
		return nil
	}
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		r := kmsg.NewIncrementalAlterConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, name
		for _, key := range slices.Sorted(maps.Keys(changes[name])) {
			c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
			c.Name, c.Value, c.Op = key, changes[name][key], kmsg.IncrementalAlterConfigOpSet
			if c.Value == nil {
				c.Op = kmsg.IncrementalAlterConfigOpDelete
			}
			r.Configs = append(r.Configs, c)
		}
		if len(r.Configs) > 0 {
			req.Resources = append(req.Resources, r)
		}
	}
	if len(req.Resources) == 0 {
		return nil
	}
	resp, err := req.RequestWith(ctx, t.client())
	if err != nil {
		return fmt.Errorf("configure topics: %w", err)
	}
	var failed []error
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			failed = append(failed, fmt.Errorf("configure %s: %w%s", r.ResourceName, err, because(r.ErrorMessage)))
		}
	}
	return errors.Join(failed...)
}

func because(message *string) string {
	if message == nil || *message == "" {
		return ""
	}
	return " (" + *message + ")"
}

// final is what a topic is set to when the data is in: for one that was there
// what it had, for one of ours what is declared. min.insync.replicas above the
// replication would make the topic read-only and is left out, and told.
func (tl *topicLayout) final(rec topicRecord, replicas int) (set map[string]*string, note string) {
	if rec.Action != actionCreate {
		return rec.Had, ""
	}
	set = map[string]*string{}
	for key := range lifted(0) {
		set[key] = nil
	}
	for key, value := range tl.source.Config {
		if isr, err := strconv.Atoi(value); key == "min.insync.replicas" && err == nil && isr > replicas {
			note = fmt.Sprintf("min.insync.replicas is %d in the backup; the topic has %d replicas, so it is not set", isr, replicas)
			continue
		}
		set[key] = &value
	}
	return set, note
}

// isLifted tells a topic that a restore has lifted, and not yet settled.
func isLifted(now map[string]setting) bool {
	for key, value := range lifted(0) {
		if s := now[key]; key != "max.message.bytes" && (!s.own || s.value != value) {
			return false
		}
	}
	return true
}

// had is what of the lifted keys was set on a topic.
func had(now map[string]setting) map[string]*string {
	out := map[string]*string{}
	for key := range lifted(0) {
		out[key] = nil
		if s, ok := now[key]; ok && s.own {
			out[key] = &s.value
		}
	}
	return out
}
