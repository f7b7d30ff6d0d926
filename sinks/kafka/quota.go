package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// KindQuotaEntity is the live kind of client quotas: QuotaEntity/user=bob, a
// bag whose fields are quota keys with decimal values.
const KindQuotaEntity = "QuotaEntity"

// describeEntities is up to how many entities are asked for one by one;
// beyond that all quotas are read at once.
const describeEntities = 8

// DefaultEntity stands for "all others" where a name would stand.
const DefaultEntity = "<default>"

// quotas is the kind QuotaEntity.
type quotas struct{ *Cluster }

// Name is KindQuotaEntity.
func (*quotas) Name() string { return KindQuotaEntity }

// Rules are QuotaEntityRules.
func (*quotas) Rules() reconcile.Rules { return QuotaEntityRules() }

// QuotaPart is one part of a quota's entity. A nil Name is the default one.
type QuotaPart struct {
	Type string // user, client-id, ip
	Name *string
}

// QuotaEntityID names an entity: user=bob, user=bob,client-id=x,
// user=<default>. Parts may come in any order.
func QuotaEntityID(parts ...QuotaPart) reconcile.ID {
	sorted := slices.Clone(parts)
	slices.SortFunc(sorted, func(a, b QuotaPart) int { return partOrder(a.Type) - partOrder(b.Type) })
	words := make([]string, len(sorted))
	for i, p := range sorted {
		name := DefaultEntity
		if p.Name != nil {
			name = escapeEntity(*p.Name)
		}
		words[i] = p.Type + "=" + name
	}
	return reconcile.ID{Kind: KindQuotaEntity, Name: strings.Join(words, ",")}
}

func partOrder(kind string) int {
	return slices.Index([]string{"user", "client-id", "ip"}, kind)
}

// escapeEntity keeps separators, and a user who is called <default>, apart.
func escapeEntity(s string) string {
	if s == DefaultEntity {
		return "%3Cdefault>"
	}
	return strings.NewReplacer("%", "%25", ",", "%2C", "=", "%3D").Replace(s)
}

func unescapeEntity(s string) string {
	return strings.NewReplacer("%2C", ",", "%3D", "=", "%3C", "<", "%25", "%").Replace(s)
}

func parseEntity(id reconcile.ID) ([]QuotaPart, error) {
	var parts []QuotaPart
	for word := range strings.SplitSeq(id.Name, ",") {
		kind, name, ok := strings.Cut(word, "=")
		if !ok || name == "" || partOrder(kind) < 0 {
			return nil, fmt.Errorf("%s names no quota entity: write user=NAME, client-id=NAME, user=NAME,client-id=NAME or ip=ADDRESS", id.Name)
		}
		part := QuotaPart{Type: kind}
		if name != DefaultEntity {
			part.Name = kmsg.StringPtr(unescapeEntity(name))
		}
		parts = append(parts, part)
	}
	if QuotaEntityID(parts...) != id {
		return nil, fmt.Errorf("%s names no quota entity: it is spelled %s", id.Name, QuotaEntityID(parts...).Name)
	}
	return parts, nil
}

// CanonicalQuota spells a quota as it is compared.
func CanonicalQuota(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// checkQuota says what brokers would refuse in one quota.
func checkQuota(key string, to reconcile.Value) string {
	if !to.Is(reconcile.Text) {
		return ""
	}
	v, err := strconv.ParseFloat(to.Text(), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v <= 0 {
		return fmt.Sprintf("%s is a number above zero, not %q", key, to.Text())
	}
	switch key {
	case "producer_byte_rate", "consumer_byte_rate", "connection_creation_rate":
		if v != math.Trunc(v) {
			return fmt.Sprintf("%s is a whole number, not %q", key, to.Text())
		}
	case "request_percentage", "controller_mutation_rate":
	default:
		return fmt.Sprintf("Kafka has no quota %q", key)
	}
	return ""
}

// Observe reads all quotas, or those of the named entities.
func (k *quotas) Observe(ctx context.Context, scope reconcile.Scope) ([]reconcile.Live, []reconcile.Unobserved, error) {
	var unseen []reconcile.Unobserved
	entities := make(map[reconcile.ID][]QuotaPart)
	for _, id := range scope.Name {
		parts, err := parseEntity(id)
		if err != nil {
			unseen = append(unseen, reconcile.Unobserved{ID: id, Reason: err.Error()})
			continue
		}
		entities[id] = parts
	}
	lives, err := k.lives(ctx, scope.Full, entities)
	if err != nil {
		return nil, nil, err
	}
	return lives, unseen, nil
}

func (k *quotas) lives(ctx context.Context, full bool, entities map[reconcile.ID][]QuotaPart) ([]reconcile.Live, error) {
	if full || len(entities) > describeEntities {
		all, err := k.describe(ctx, nil)
		if full {
			return all, err
		}
		return slices.DeleteFunc(all, func(l reconcile.Live) bool { return entities[l.ID] == nil }), err
	}
	var lives []reconcile.Live
	for _, parts := range entities {
		one, err := k.describe(ctx, parts)
		if err != nil {
			return nil, err
		}
		lives = append(lives, one...)
	}
	return lives, nil
}

// describe asks for exactly this entity; none means all.
func (k *quotas) describe(ctx context.Context, parts []QuotaPart) ([]reconcile.Live, error) {
	req := kmsg.NewPtrDescribeClientQuotasRequest()
	req.Strict = len(parts) > 0
	for _, p := range parts {
		c := kmsg.NewDescribeClientQuotasRequestComponent()
		c.EntityType, c.MatchType, c.Match = p.Type, kmsg.QuotasMatchTypeExact, p.Name
		if p.Name == nil {
			c.MatchType = kmsg.QuotasMatchTypeDefault
		}
		req.Components = append(req.Components, c)
	}
	resp, err := req.RequestWith(ctx, k.client)
	if err != nil {
		return nil, fmt.Errorf("describe quotas: %w", k.explain(ctx, err, req))
	}
	if words := refusal(resp.ErrorCode, resp.ErrorMessage, "DescribeConfigs on the cluster"); words != "" {
		return nil, errors.New("describe quotas: " + words)
	}
	lives := make([]reconcile.Live, len(resp.Entries))
	for i, e := range resp.Entries {
		lives[i] = liveQuota(e)
	}
	return lives, nil
}

func liveQuota(e kmsg.DescribeClientQuotasResponseEntry) reconcile.Live {
	parts := make([]QuotaPart, len(e.Entity))
	for i, p := range e.Entity {
		parts[i] = QuotaPart{p.Type, p.Name}
	}
	fields := make(map[string]reconcile.Value, len(e.Values))
	for _, v := range e.Values {
		fields[v.Key] = reconcile.TextOf(CanonicalQuota(v.Value))
	}
	return reconcile.Live{ID: QuotaEntityID(parts...), Fields: fields, Whole: true}
}
