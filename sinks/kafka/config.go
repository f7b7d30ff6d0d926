package kafka

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ottla-io/ottla/reconcile/strict"
)

// ConfigType is how a broker reads a configuration value.
type ConfigType uint8

// The types of configuration values.
const (
	ConfigString ConfigType = iota
	ConfigNumber            // a whole number
	ConfigDecimal
	ConfigBoolean
	ConfigList // comma separated, without order
)

// ConfigKey describes one topic configuration key of Apache Kafka.
type ConfigKey struct {
	Name   string
	Type   ConfigType
	Values []string // of a string or list: all there are; nil is free
	Until  string   // the first version that no longer knows it, "" where it lives
	// Moving: written by a running reassignment, so that a difference is never drift.
	Moving bool
}

// knownConfigKeys are those of Apache Kafka 4.3, and those that left with 4.0:
// sorted by name, and never written.
var knownConfigKeys = []ConfigKey{
	{Name: "cleanup.policy", Type: ConfigList, Values: []string{"compact", "delete"}},
	{Name: "compression.gzip.level", Type: ConfigNumber},
	{Name: "compression.lz4.level", Type: ConfigNumber},
	{Name: "compression.type", Values: []string{"gzip", "lz4", "producer", "snappy", "uncompressed", "zstd"}},
	{Name: "compression.zstd.level", Type: ConfigNumber},
	{Name: "delete.retention.ms", Type: ConfigNumber},
	{Name: "file.delete.delay.ms", Type: ConfigNumber},
	{Name: "flush.messages", Type: ConfigNumber},
	{Name: "flush.ms", Type: ConfigNumber},
	{Name: "follower.replication.throttled.replicas", Type: ConfigList, Moving: true},
	{Name: "index.interval.bytes", Type: ConfigNumber},
	{Name: "leader.replication.throttled.replicas", Type: ConfigList, Moving: true},
	{Name: "local.retention.bytes", Type: ConfigNumber},
	{Name: "local.retention.ms", Type: ConfigNumber},
	{Name: "max.compaction.lag.ms", Type: ConfigNumber},
	{Name: "max.message.bytes", Type: ConfigNumber},
	{Name: "message.downconversion.enable", Type: ConfigBoolean, Until: "4.0"},
	{Name: "message.format.version", Until: "4.0"},
	{Name: "message.timestamp.after.max.ms", Type: ConfigNumber},
	{Name: "message.timestamp.before.max.ms", Type: ConfigNumber},
	{Name: "message.timestamp.difference.max.ms", Type: ConfigNumber, Until: "4.0"},
	{Name: "message.timestamp.type", Values: []string{"CreateTime", "LogAppendTime"}},
	{Name: "min.cleanable.dirty.ratio", Type: ConfigDecimal},
	{Name: "min.compaction.lag.ms", Type: ConfigNumber},
	{Name: "min.insync.replicas", Type: ConfigNumber},
	{Name: "preallocate", Type: ConfigBoolean},
	{Name: "remote.log.copy.disable", Type: ConfigBoolean},
	{Name: "remote.log.delete.on.disable", Type: ConfigBoolean},
	{Name: "remote.storage.enable", Type: ConfigBoolean},
	{Name: "retention.bytes", Type: ConfigNumber},
	{Name: "retention.ms", Type: ConfigNumber},
	{Name: "segment.bytes", Type: ConfigNumber},
	{Name: "segment.index.bytes", Type: ConfigNumber},
	{Name: "segment.jitter.ms", Type: ConfigNumber},
	{Name: "segment.ms", Type: ConfigNumber},
	{Name: "unclean.leader.election.enable", Type: ConfigBoolean},
}

// LookupConfig finds a key; false for one that Apache Kafka does not know,
// which another make of broker may.
func LookupConfig(key string) (ConfigKey, bool) {
	i, ok := slices.BinarySearchFunc(knownConfigKeys, key, func(k ConfigKey, name string) int { return strings.Compare(k.Name, name) })
	if !ok {
		return ConfigKey{}, false
	}
	return knownConfigKeys[i], true
}

// CanonicalConfig spells a topic configuration value so that two that mean the
// same are equal: 604800000 for 6.048e8, lower-case booleans, sorted lists. The
// value of an unknown key, and one that does not fit its key, stays as it is.
func CanonicalConfig(key, value string) string {
	k, ok := LookupConfig(key)
	if !ok {
		return value
	}
	return k.Canonical(value)
}

// Canonical is CanonicalConfig for a key already found.
func (k ConfigKey) Canonical(value string) string {
	value = strings.TrimSpace(value) // the broker does, too
	switch k.Type {
	case ConfigNumber:
		if n, ok := configNumber(value); ok {
			return strconv.FormatInt(n, 10)
		}
	case ConfigDecimal:
		if f, err := strconv.ParseFloat(value, 64); err == nil {
			return strconv.FormatFloat(f, 'f', -1, 64)
		}
	case ConfigBoolean:
		return strings.ToLower(value)
	case ConfigList:
		return strings.Join(configList(value), ",")
	}
	return value
}

// Check returns words for a canonical value that no broker would take.
func (k ConfigKey) Check(value string) string {
	switch k.Type {
	case ConfigNumber:
		if _, ok := configNumber(value); !ok {
			return fmt.Sprintf("wants a whole number, is %q", value)
		}
	case ConfigDecimal:
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return fmt.Sprintf("wants a number, is %q", value)
		}
	case ConfigBoolean:
		if value != "true" && value != "false" {
			return fmt.Sprintf("wants true or false, is %q", value)
		}
	case ConfigList:
		return k.oneOf(configList(value))
	default:
		return k.oneOf([]string{value})
	}
	return ""
}

func (k ConfigKey) oneOf(given []string) string {
	for _, one := range given {
		if len(k.Values) > 0 && !slices.Contains(k.Values, one) {
			return fmt.Sprintf("%q is not one of %s", one, strings.Join(k.Values, ", ")) + strict.DidYouMean(one, k.Values)
		}
	}
	return ""
}

// configNumber reads a whole number as a broker does, in plain decimal first:
// 010 is ten there.
func configNumber(value string) (int64, bool) {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return n, true
	}
	return strict.Whole(value)
}

// configList is a list value's items, trimmed, sorted, each once.
func configList(value string) []string {
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	slices.Sort(items)
	return slices.Compact(items)
}
