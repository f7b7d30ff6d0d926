package kafka

import (
	"fmt"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

// BrokerConfigRules say that a broker's dynamic configuration is a bag, and
// which of its keys all topics that set none of their own would lose data or
// writers by.
func BrokerConfigRules() reconcile.Rules {
	return reconcile.Rules{Bag: true, Recreate: true, Field: brokerRule}
}

func brokerRule(field string) reconcile.Rule {
	name, _ := strings.CutPrefix(field, configPrefix)
	key := lookupBrokerKey(name)
	// Kafka does not give up the cluster's own min.insync.replicas once it is set
	// (KIP-966): one that leaves Git stays as it is.
	rule := reconcile.Rule{Reset: name != "min.insync.replicas", Disrupts: brokerDisrupts(name)}
	if key.twin {
		rule.Loses = onAllTopics(losesAs(key.topic.Name, name))
		rule.Pin = rule.Loses != nil
	}
	if key.secret {
		rule.Disrupts = replacesSecret
	}
	return rule
}

// onAllTopics adds whom it is about.
func onAllTopics(loses func(from, to reconcile.Value) string) func(from, to reconcile.Value) string {
	if loses == nil {
		return nil
	}
	return func(from, to reconcile.Value) string {
		if words := loses(from, to); words != "" {
			return words + ", on every topic that does not say otherwise"
		}
		return ""
	}
}

// brokerDisrupts is who would notice a key's change, nil where nobody does.
func brokerDisrupts(name string) func(from, to reconcile.Value) string {
	switch name {
	case "min.insync.replicas":
		return inSyncDisrupts
	case "message.max.bytes":
		return lowers("larger batches are refused, on every topic that does not say otherwise")
	case "max.connections", "max.connections.per.ip", "max.connection.creation.rate":
		return lowers("clients beyond it cannot connect")
	case "log.cleaner.threads", "num.io.threads", "num.network.threads", "num.replica.fetchers", "background.threads":
		return lowers("brokers do less at a time")
	default:
		return nil
	}
}

func inSyncDisrupts(from, to reconcile.Value) string {
	have, want, ok := numbers(from, to)
	switch {
	case !ok && from.Same(to) || ok && have == want:
		return ""
	case ok && want > have:
		return "producers with acks=all are refused where fewer replicas are in sync, on every topic that does not say otherwise"
	case ok:
		return "a record counts as written on fewer replicas, and is lost with them, on every topic that does not say otherwise"
	default:
		return fmt.Sprintf("it goes from %s to %s: how many replicas a record must be on before it counts as written changes", from, to)
	}
}

// lowers has words for a limit that becomes smaller.
func lowers(what string) func(from, to reconcile.Value) string {
	return func(from, to reconcile.Value) string {
		if have, want, ok := numbers(from, to); ok && limit(want) < limit(have) {
			return what
		}
		return ""
	}
}

func replacesSecret(from, _ reconcile.Value) string {
	if from.Is(reconcile.WriteOnly) {
		return "brokers use the new secret from then on; what was there cannot be read back"
	}
	return ""
}
