package kafka

import "strings"

// configPrefix begins every field that is a topic configuration key.
const configPrefix = "config."

// reassigning tells a key that a running reassignment sets and clears by
// itself: it is never observed, so that it is never drift.
func reassigning(key string) bool {
	k, ok := LookupConfig(key)
	return ok && k.Moving
}

// ownPrefix is what names of ledgers begin with.
const ownPrefix = "__ottla"

// internalTopic says why a topic is Kafka's own, or ours, "" where it is not.
func internalTopic(name string) string {
	if strings.HasPrefix(name, ownPrefix) {
		return "Ottla keeps its ledger in it"
	}
	switch name {
	case "__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata", "__remote_log_metadata":
		return "Kafka keeps its own state in it"
	default:
		return ""
	}
}
