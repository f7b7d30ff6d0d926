package kafka

import (
	"slices"
	"strconv"
	"strings"
)

// configPrefix begins every field that is a topic configuration key.
const configPrefix = "config."

// CanonicalConfig spells a topic's configuration value as it is compared:
// numbers as plain decimals, booleans in lower case, lists sorted where Kafka
// knows no order. Declared and live values both go through it. A value that is
// not of the key's type is returned trimmed: to refuse it is the broker's.
func CanonicalConfig(key, value string) string {
	value = strings.TrimSpace(value)
	switch configTypeOf(key) {
	case numberConfig:
		return canonicalNumber(value)
	case boolConfig:
		return strings.ToLower(value)
	case listConfig:
		return canonicalList(value)
	default:
		return value
	}
}

type configType uint8

const (
	textConfig configType = iota
	numberConfig
	boolConfig
	listConfig
)

// configTypeOf knows the topic keys of Kafka 3.9 to 4.3.
func configTypeOf(key string) configType {
	switch key {
	case "cleanup.policy":
		return listConfig
	case "preallocate", "remote.storage.enable", "remote.copy.disable", "remote.log.delete.on.disable",
		"unclean.leader.election.enable", "message.downconversion.enable":
		return boolConfig
	case "compression.gzip.level", "compression.lz4.level", "compression.zstd.level",
		"delete.retention.ms", "file.delete.delay.ms", "flush.messages", "flush.ms", "index.interval.bytes",
		"local.retention.bytes", "local.retention.ms", "max.compaction.lag.ms", "max.message.bytes",
		"message.timestamp.after.max.ms", "message.timestamp.before.max.ms", "message.timestamp.difference.max.ms",
		"min.cleanable.dirty.ratio", "min.compaction.lag.ms", "min.insync.replicas", "retention.bytes", "retention.ms",
		"segment.bytes", "segment.index.bytes", "segment.jitter.ms", "segment.ms":
		return numberConfig
	default:
		return textConfig
	}
}

func canonicalNumber(value string) string {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	if f, err := strconv.ParseFloat(value, 64); err == nil {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return value
}

func canonicalList(value string) string {
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	slices.Sort(items)
	return strings.Join(slices.Compact(items), ",")
}

// reassigning tells a key that a running reassignment sets and clears by
// itself: it is never observed, so that it is never drift.
func reassigning(key string) bool {
	return key == "leader.replication.throttled.replicas" || key == "follower.replication.throttled.replicas"
}

// internalTopic says why a topic is Kafka's own, "" where it is not.
func internalTopic(name string) string {
	switch name {
	case "__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata", "__remote_log_metadata":
		return "Kafka keeps its own state in it"
	default:
		return ""
	}
}
