package kafka

import (
	"context"
	"errors"
	"sync"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describeTopics is how many topics one DescribeConfigs names. All keys of
// 500 topics are an answer of some megabytes, which a broker makes in a tenth
// of a second without holding up others.
const describeTopics = 500

// look is one topic whose configuration is asked for.
type look struct {
	live  *reconcile.Live
	keys  []string
	whole bool
}

// describe fills in configuration, the requests spread over the brokers. A
// topic that could not be read loses its ID and is named in the answer.
func (k *topics) describe(ctx context.Context, scope reconcile.Scope, lives []reconcile.Live, brokers []int32) ([]reconcile.Unobserved, error) {
	var looks []look
	for i := range lives {
		keys, whole := scopeKeys(scope, lives[i].ID)
		lives[i].Whole = whole
		if whole || len(keys) > 0 {
			looks = append(looks, look{&lives[i], keys, whole})
		}
	}
	if len(looks) == 0 {
		return nil, nil
	}
	if len(brokers) == 0 {
		return nil, errors.New("the cluster names no brokers")
	}
	requests := make(chan []look, len(looks)/describeTopics+1)
	for from := 0; from < len(looks); from += describeTopics {
		requests <- looks[from:min(from+describeTopics, len(looks))]
	}
	close(requests)
	return k.describeAll(ctx, requests, brokers)
}

// describeAll lets each broker answer one request at a time.
func (k *topics) describeAll(ctx context.Context, requests <-chan []look, brokers []int32) ([]reconcile.Unobserved, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		mu     sync.Mutex
		unread []reconcile.Unobserved
		wg     sync.WaitGroup
	)
	for _, broker := range brokers[:min(len(brokers), len(requests))] {
		wg.Go(func() {
			keys := make(configNames)
			for looks := range requests {
				resp, err := k.askConfigs(ctx, broker, looks)
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				unread = append(unread, fill(looks, resp, keys)...)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return unread, nil
}

// askConfigs asks one broker and, where that fails, whichever answers.
func (k *topics) askConfigs(ctx context.Context, broker int32, looks []look) (*kmsg.DescribeConfigsResponse, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.IncludeSynonyms = true // they say what a key falls back to
	for _, l := range looks {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, l.live.ID.Name, l.keys
		req.Resources = append(req.Resources, r)
	}
	if resp, err := k.client.Broker(int(broker)).Request(ctx, req); err == nil {
		return resp.(*kmsg.DescribeConfigsResponse), nil
	}
	return req.RequestWith(ctx, k.client)
}

// fill puts an answer into the topics it is about.
func fill(looks []look, resp *kmsg.DescribeConfigsResponse, keys configNames) []reconcile.Unobserved {
	answers := make(map[string]*kmsg.DescribeConfigsResponseResource, len(resp.Resources))
	for i := range resp.Resources {
		answers[resp.Resources[i].ResourceName] = &resp.Resources[i]
	}
	var unread []reconcile.Unobserved
	var defaults map[string]reconcile.Value
	for _, l := range looks {
		name := l.live.ID.Name
		r, ok := answers[name]
		reason := "the broker did not answer for its configuration"
		if ok {
			reason = refusal(r.ErrorCode, r.ErrorMessage, "DescribeConfigs on topic "+name)
		}
		if reason != "" {
			unread = append(unread, reconcile.Unobserved{ID: l.live.ID, Reason: reason})
			*l.live = reconcile.Live{}
			continue
		}
		defaults = l.fill(r.Configs, keys, defaults)
	}
	return unread
}

// configNames keeps one string for each field name, however many topics have it.
type configNames map[string]string

func (n configNames) field(key string) string {
	name, ok := n[key]
	if !ok {
		name = configPrefix + key
		n[key] = name
	}
	return name
}

// fill sets the fields of one topic. Topics of one cluster fall back to the
// same defaults: they share the previous topic's map where that is so.
func (l look) fill(configs []kmsg.DescribeConfigsResponseResourceConfig, keys configNames, shared map[string]reconcile.Value) map[string]reconcile.Value {
	for _, key := range l.keys {
		l.live.Fields[keys.field(key)] = reconcile.UnsetValue()
	}
	same := shared != nil
	count := 0
	for i := range configs {
		c := &configs[i]
		if reassigning(c.Name) {
			continue
		}
		if c.Source == kmsg.ConfigSourceDynamicTopicConfig {
			l.live.Fields[keys.field(c.Name)] = configValue(c)
		}
		if def, ok := fallback(c); ok {
			count++
			known, has := shared[keys.field(c.Name)]
			same = same && has && known == reconcile.TextOf(def)
		}
	}
	if same && count == len(shared) {
		l.live.Defaults = shared
		return shared
	}
	l.live.Defaults = fallbacks(configs, keys)
	return l.live.Defaults
}

func fallbacks(configs []kmsg.DescribeConfigsResponseResourceConfig, keys configNames) map[string]reconcile.Value {
	out := make(map[string]reconcile.Value, len(configs))
	for i := range configs {
		if def, ok := fallback(&configs[i]); ok && !reassigning(configs[i].Name) {
			out[keys.field(configs[i].Name)] = reconcile.TextOf(def)
		}
	}
	return out
}

// configValue is what is set on the topic itself.
func configValue(c *kmsg.DescribeConfigsResponseResourceConfig) reconcile.Value {
	if c.IsSensitive || c.Value == nil {
		return reconcile.WriteOnlyValue()
	}
	return reconcile.TextOf(CanonicalConfig(c.Name, *c.Value))
}

// fallback is what holds where the topic sets nothing: the value itself if it
// is not the topic's, else the nearest synonym that is not.
func fallback(c *kmsg.DescribeConfigsResponseResourceConfig) (string, bool) {
	if c.Source != kmsg.ConfigSourceDynamicTopicConfig {
		if c.Value == nil {
			return "", false
		}
		return CanonicalConfig(c.Name, *c.Value), true
	}
	for _, s := range c.ConfigSynonyms {
		if s.Source != kmsg.ConfigSourceDynamicTopicConfig && s.Value != nil {
			return CanonicalConfig(c.Name, *s.Value), true
		}
	}
	return "", false
}
