package kafka_test

import (
	"testing"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
)

func TestWhatKeepsLessDataSaysSo(t *testing.T) {
	for _, c := range []struct {
		field, from, to string
		loses           bool
	}{
		{"config.retention.ms", "604800000", "3600000", true},
		{"config.retention.ms", "3600000", "604800000", false},
		{"config.retention.ms", "-1", "604800000", true},
		{"config.retention.ms", "604800000", "-1", false},
		{"config.retention.bytes", "-1", "1073741824", true},
		{"config.retention.bytes", "1", "1", false},
		{"config.delete.retention.ms", "86400000", "1", true},
		{"config.local.retention.ms", "-2", "1000", true},
		{"config.local.retention.ms", "1000", "-2", false},
		{"config.local.retention.bytes", "2000", "1000", true},
		{"config.max.compaction.lag.ms", "9223372036854775807", "1000", true},
		{"config.min.compaction.lag.ms", "1000", "0", true},
		{"config.min.compaction.lag.ms", "0", "1000", false},
		{"config.segment.ms", "604800000", "1000", true},
		{"config.segment.bytes", "1073741824", "1048576", true},
		{"config.cleanup.policy", "delete", "compact,delete", true},
		{"config.cleanup.policy", "compact", "delete", true},
		{"config.cleanup.policy", "compact,delete", "delete", false},
		{"config.cleanup.policy", "", "delete", true},
		{"config.remote.storage.enable", "true", "false", true},
		{"config.remote.storage.enable", "false", "true", false},
		{"config.unclean.leader.election.enable", "false", "true", true},
		{"config.unclean.leader.election.enable", "true", "false", false},
		{"config.retention.ms", "604800000", "(unset)", true},
		{"config.max.message.bytes", "2", "1", false},
		{"partitions", "3", "6", true},
		{"partitions", "3", "3", false},
	} {
		rule := kafka.TopicRules().Field(c.field)
		words := ""
		if rule.Loses != nil {
			words = rule.Loses(value(c.from), value(c.to))
		}
		if (words != "") != c.loses {
			t.Errorf("%s %s → %s: %q", c.field, c.from, c.to, words)
		}
	}
}

func TestOnlyKeysThatKeepDataArePinned(t *testing.T) {
	for field, pinned := range map[string]bool{
		"config.retention.ms": true, "config.cleanup.policy": true, "config.max.message.bytes": false, "config.no.such.key": false, "partitions": false,
	} {
		if rule := kafka.TopicRules().Field(field); rule.Pin != pinned {
			t.Errorf("%s: pinned %v", field, rule.Pin)
		}
	}
}

func TestWhatKafkaCannotChangeIsRefusedInWords(t *testing.T) {
	rules := kafka.Rules()
	for _, c := range []struct {
		kind, field, from, to string
		refused               bool
	}{
		{kafka.KindTopic, "partitions", "6", "3", true},
		{kafka.KindTopic, "partitions", "3", "6", false},
		{kafka.KindTopic, "replicas", "3", "2", true},
		{kafka.KindTopic, "replicas", "2..3", "3", true},
		{kafka.KindTopic, "replicas", "3", "3", false},
		{kafka.KindScramCredential, "iterations", "4096", "4095", true},
		{kafka.KindScramCredential, "iterations", "4096", "16385", true},
		{kafka.KindScramCredential, "iterations", "4096", "16384", false},
		{kafka.KindACLSet, "allow|topic|literal|x|read|*", "(unset)", "", false},
		{kafka.KindACLSet, "allow|topic|match|x|read|*", "(unset)", "", true},
		{kafka.KindACLSet, "allow|topic|match|x|read|*", "", "(unset)", false},
		{kafka.KindACLSet, "allow|any|literal|x|read|*", "(unset)", "", true},
		{kafka.KindACLSet, "allow|topic|literal||read|*", "(unset)", "", true},
		{kafka.KindACLSet, "allow|cluster|literal|x|read|*", "(unset)", "", true},
		{kafka.KindQuotaEntity, "producer_byte_rate", "1", "0", true},
		{kafka.KindQuotaEntity, "producer_byte_rate", "1", "1.5", true},
		{kafka.KindQuotaEntity, "request_percentage", "1", "1.5", false},
		{kafka.KindQuotaEntity, "no_such_quota", "1", "2", true},
	} {
		words := rules[c.kind].Field(c.field).Check(value(c.from), value(c.to))
		if (words != "") != c.refused {
			t.Errorf("%s %s %s → %s: %q", c.kind, c.field, c.from, c.to, words)
		}
	}
}

func value(s string) reconcile.Value {
	if s == "(unset)" {
		return reconcile.UnsetValue()
	}
	return reconcile.TextOf(s)
}
