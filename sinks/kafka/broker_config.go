package kafka

import (
	"slices"
	"strconv"
	"strings"
)

// brokerKey is what we know of a key of a broker's configuration. Most keys are
// the broker's own business: it says what it takes.
type brokerKey struct {
	name  string
	topic ConfigKey // the key of a topic that this one is the default of
	twin  bool      // there is one
	// moving: written by a running reassignment, so that a difference is never drift.
	moving bool
	// secret: brokers never show it.
	secret bool
	// decimal: brokers spell it as a floating number.
	decimal bool
}

func lookupBrokerKey(name string) brokerKey {
	k := brokerKey{name: name, secret: secretBrokerKey(name)}
	switch name {
	case "leader.replication.throttled.rate", "follower.replication.throttled.rate", "replica.alter.log.dirs.io.max.bytes.per.second":
		k.moving = true
	case "log.cleaner.io.max.bytes.per.second", "log.cleaner.io.buffer.load.factor":
		k.decimal = true
	}
	if twin := topicTwin(name); twin != "" {
		k.topic, k.twin = LookupConfig(twin)
	}
	return k
}

// topicTwin is the key of a topic whose default a broker's key is, "" where
// there is none.
func topicTwin(name string) string {
	switch name {
	case "log.retention.ms", "log.retention.bytes", "log.segment.bytes", "log.local.retention.ms", "log.local.retention.bytes",
		"log.cleanup.policy", "log.preallocate", "log.message.timestamp.type", "log.message.timestamp.before.max.ms", "log.message.timestamp.after.max.ms":
		return strings.TrimPrefix(name, "log.")
	case "log.cleaner.delete.retention.ms", "log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms":
		return strings.TrimPrefix(name, "log.cleaner.")
	case "log.cleaner.min.cleanable.ratio":
		return "min.cleanable.dirty.ratio"
	case "log.roll.ms":
		return "segment.ms"
	case "log.flush.interval.ms":
		return "flush.ms"
	case "log.flush.interval.messages":
		return "flush.messages"
	case "message.max.bytes":
		return "max.message.bytes"
	case "compression.type", "min.insync.replicas", "unclean.leader.election.enable":
		return name
	default:
		return ""
	}
}

// secretBrokerKey tells keys of Kafka's type password. A listener's own begins
// with listener.name.NAME., and that of a mechanism with its name after that.
func secretBrokerKey(name string) bool {
	if rest, ok := strings.CutPrefix(name, "listener.name."); ok {
		if _, key, ok := strings.Cut(rest, "."); ok {
			return secretBrokerKey(key) || strings.HasSuffix(key, ".sasl.jaas.config")
		}
	}
	return slices.Contains([]string{
		"sasl.jaas.config", "ssl.key.password", "ssl.keystore.password", "ssl.truststore.password",
		"ssl.keystore.key", "ssl.keystore.certificate.chain", "ssl.truststore.certificates", "password.encoder.secret",
	}, name)
}

// DecidesLogins tells a field of a BrokerConfig that says where brokers listen,
// what they prove themselves with, and how clients log in to them.
func DecidesLogins(field string) bool {
	name := strings.TrimPrefix(field, configPrefix)
	if slices.Contains([]string{"listeners", "advertised.listeners", "principal.builder.class", "super.users", "allow.everyone.if.no.acl.found"}, name) {
		return true
	}
	return slices.ContainsFunc([]string{"listener.", "sasl.", "ssl.", "authorizer."}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// mayBeSecret tells keys that may come from a Secret: those brokers never show,
// and those of a plugin, of which they do not know the type.
func (k brokerKey) mayBeSecret() bool { return k.secret || !k.twin && !k.moving && !k.decimal }

// canonical spells a value so that two that mean the same are equal. Brokers
// show numbers and booleans in one way, and what was set by hand as it was typed.
func (k brokerKey) canonical(value string) string {
	switch {
	case k.twin:
		return k.topic.Canonical(value)
	case k.decimal:
		return ConfigKey{Type: ConfigDecimal}.Canonical(value)
	}
	value = strings.TrimSpace(value)
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	if lower := strings.ToLower(value); lower == "true" || lower == "false" {
		return lower
	}
	return value
}

// check has words for a canonical value that no broker would take.
func (k brokerKey) check(value string) string {
	switch {
	case k.twin:
		return k.topic.Check(value)
	case k.decimal:
		return ConfigKey{Type: ConfigDecimal}.Check(value)
	default:
		return ""
	}
}
