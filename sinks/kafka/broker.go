package kafka

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// KindBrokerConfig is the live kind of dynamic broker configuration:
// BrokerConfig/<default> for all brokers, BrokerConfig/1 for one, a bag whose
// fields are "config.<key>" for what is set there.
const KindBrokerConfig = "BrokerConfig"

const rightDescribeBrokers = "DescribeConfigs on the cluster"

// brokers is the kind BrokerConfig.
type brokers struct{ *Cluster }

// Name is KindBrokerConfig.
func (*brokers) Name() string { return KindBrokerConfig }

// Rules are BrokerConfigRules.
func (*brokers) Rules() reconcile.Rules { return BrokerConfigRules() }

// BrokerConfigID names the configuration of a broker by its id, or of all by
// DefaultEntity.
func BrokerConfigID(broker string) reconcile.ID {
	return reconcile.ID{Kind: KindBrokerConfig, Name: broker}
}

// parseBroker is the name Kafka has for it on the wire: an id, "" for all.
func parseBroker(id reconcile.ID) (string, error) {
	if id.Name == DefaultEntity {
		return "", nil
	}
	if n, err := strconv.ParseInt(id.Name, 10, 32); err != nil || n < 0 || strconv.FormatInt(n, 10) != id.Name {
		return "", fmt.Errorf("%s names no broker: write its id, or %s for all", id.Name, DefaultEntity)
	}
	return id.Name, nil
}

// Observe reads what is set dynamically on the brokers that are there, and what
// holds where nothing is. What is set nowhere and was not asked for by name is
// left out. A broker that is away cannot be told from one that never was.
func (k *brokers) Observe(ctx context.Context, scope reconcile.Scope) ([]reconcile.Live, []reconcile.Unobserved, error) {
	if !scope.Full && len(scope.Name) == 0 {
		return nil, nil, nil
	}
	m, err := k.metadata(ctx, emptyMetadata())
	if err != nil {
		return nil, nil, fmt.Errorf("list brokers: %w", err)
	}
	up := brokerNames(m)
	wanted, unseen := brokersWanted(scope, up)
	answers, err := k.describe(ctx, up)
	if err != nil {
		return nil, nil, fmt.Errorf("describe broker configs: %w", err)
	}
	var lives []reconcile.Live
	for _, name := range wanted {
		a := answers.of[name]
		if a.reason != "" {
			unseen = append(unseen, reconcile.Unobserved{ID: a.id, Reason: a.reason})
			continue
		}
		live := answers.live(name)
		if len(live.Fields) > 0 || slices.Contains(scope.Name, live.ID) {
			lives = append(lives, live)
		}
	}
	return lives, unseen, nil
}

// brokerNames are the brokers that are there, by name on the wire.
func brokerNames(m *kmsg.MetadataResponse) []string {
	names := make([]string, len(m.Brokers))
	for i, b := range m.Brokers {
		names[i] = strconv.Itoa(int(b.NodeID))
	}
	slices.Sort(names)
	return names
}

// brokersWanted are the names on the wire of what the scope asks for.
func brokersWanted(scope reconcile.Scope, up []string) (wanted []string, unseen []reconcile.Unobserved) {
	if scope.Full {
		wanted = append([]string{""}, up...)
	}
	for _, id := range scope.Name {
		name, err := parseBroker(id)
		switch {
		case err != nil:
			unseen = append(unseen, reconcile.Unobserved{ID: id, Reason: err.Error()})
		case name != "" && !slices.Contains(up, name):
			unseen = append(unseen, reconcile.Unobserved{ID: id, Reason: "no broker of that id is there at the moment"})
		case !slices.Contains(wanted, name):
			wanted = append(wanted, name)
		}
	}
	return wanted, unseen
}

// brokerAnswer is what one broker, or for "" any broker, said of its keys.
type brokerAnswer struct {
	id      reconcile.ID
	reason  string // why it could not be read
	configs []kmsg.DescribeConfigsResponseResourceConfig
}

// brokerAnswers are those of all, by name on the wire.
type brokerAnswers struct {
	of map[string]brokerAnswer
	up []string
}

// describe asks every broker for its own configuration, with these keys or all,
// and any of them for that of all.
func (k *brokers) describe(ctx context.Context, up []string, keys ...string) (brokerAnswers, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.IncludeSynonyms = true
	out := brokerAnswers{of: make(map[string]brokerAnswer), up: up}
	for _, name := range append([]string{""}, up...) {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeBroker, name, keys
		req.Resources = append(req.Resources, r)
		out.of[name] = brokerAnswer{id: brokerID(name), reason: "the broker did not answer for its configuration"}
	}
	resp, err := req.RequestWith(ctx, k.client)
	if err != nil && len(resp.Resources) == 0 {
		return out, k.explain(ctx, err, req)
	}
	for _, r := range resp.Resources {
		out.of[r.ResourceName] = brokerAnswer{brokerID(r.ResourceName), refusal(r.ErrorCode, r.ErrorMessage, rightDescribeBrokers), r.Configs}
	}
	return out, nil
}

func brokerID(name string) reconcile.ID {
	if name == "" {
		return BrokerConfigID(DefaultEntity)
	}
	return BrokerConfigID(name)
}

// live is what is set for one broker, or for all, and what holds without it.
func (a brokerAnswers) live(name string) reconcile.Live {
	live := reconcile.Live{ID: brokerID(name), Whole: true, Fields: make(map[string]reconcile.Value), Defaults: make(map[string]reconcile.Value)}
	for i := range a.of[name].configs {
		c := &a.of[name].configs[i]
		if setOn(c.Source, name) && !lookupBrokerKey(c.Name).moving {
			live.Fields[configPrefix+c.Name] = brokerValue(c)
		}
	}
	if name != "" {
		a.defaults(live.Defaults, name, kmsg.ConfigSourceDynamicBrokerConfig)
		return live
	}
	for i, broker := range a.up {
		of := make(map[string]reconcile.Value)
		a.defaults(of, broker, kmsg.ConfigSourceDynamicBrokerConfig, kmsg.ConfigSourceDynamicDefaultBrokerConfig)
		if i == 0 {
			live.Defaults = of
			continue
		}
		for field, v := range live.Defaults {
			if of[field] != v {
				delete(live.Defaults, field) // the brokers differ
			}
		}
	}
	return live
}

// setOn tells where a value comes from: the broker itself, or what is set for
// all. Asked for the latter, a broker lists nothing else.
func setOn(source kmsg.ConfigSource, name string) bool {
	return source == kmsg.ConfigSourceDynamicBrokerConfig || name == "" && source == kmsg.ConfigSourceDynamicDefaultBrokerConfig
}

// defaults adds what holds on a broker where none of these sources says
// otherwise.
func (a brokerAnswers) defaults(into map[string]reconcile.Value, broker string, without ...kmsg.ConfigSource) {
	for i := range a.of[broker].configs {
		c := &a.of[broker].configs[i]
		if value, ok := brokerFallback(c, without); ok {
			into[configPrefix+c.Name] = reconcile.TextOf(lookupBrokerKey(c.Name).canonical(value))
		}
	}
	fromOlderUnits(into)
}

// fromOlderUnits fills in what log.retention.ms falls back to where brokers say
// so of log.retention.hours alone.
func fromOlderUnits(into map[string]reconcile.Value) {
	for _, base := range []string{"log.retention", "log.roll"} {
		for _, unit := range []string{".minutes", ".hours"} {
			_, known := into[configPrefix+base+".ms"]
			value, ok := inUnitOf(base+".ms", base+unit, into[configPrefix+base+unit].Text())
			if ok && !known {
				into[configPrefix+base+".ms"] = reconcile.TextOf(value)
			}
		}
	}
}

// brokerFallback is what holds where none of these sources says otherwise. What
// stands in for log.retention.ms may be log.retention.hours.
func brokerFallback(c *kmsg.DescribeConfigsResponseResourceConfig, without []kmsg.ConfigSource) (string, bool) {
	if c.IsSensitive {
		return "", false
	}
	for _, s := range c.ConfigSynonyms {
		if s.Value != nil && !slices.Contains(without, s.Source) {
			return inUnitOf(c.Name, s.Name, *s.Value)
		}
	}
	if len(c.ConfigSynonyms) > 0 || c.Value == nil || slices.Contains(without, c.Source) {
		return "", false
	}
	return *c.Value, true
}

// inUnitOf is the value of a synonym in the unit of a key.
func inUnitOf(key, synonym, value string) (string, bool) {
	if key == synonym {
		return value, true
	}
	base := strings.TrimSuffix(key, ".ms")
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil || base == key:
		return "", false
	case synonym == base+".hours":
		return strconv.FormatInt(n*time.Hour.Milliseconds(), 10), true
	case synonym == base+".minutes":
		return strconv.FormatInt(n*time.Minute.Milliseconds(), 10), true
	default:
		return "", false
	}
}

func brokerValue(c *kmsg.DescribeConfigsResponseResourceConfig) reconcile.Value {
	if c.IsSensitive || c.Value == nil {
		return reconcile.WriteOnlyValue()
	}
	return reconcile.TextOf(lookupBrokerKey(c.Name).canonical(*c.Value))
}
