package kafka

import (
	"slices"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

// refuseIgnored reports names in ottla.io/ignore-fields that no field of the
// document can have: one that silently does nothing fails to protect.
func refuseIgnored(doc reconcile.Document, report *strict.Report, known func(string) bool, names []string) {
	for name := range strings.SplitSeq(doc.Annotations[reconcile.IgnoreFieldsMark], ",") {
		name = strings.TrimSpace(name)
		if name == "" || known(name) {
			continue
		}
		report.Add("metadata.annotations", "%s: %q is no field of %s%s; fields are %s",
			reconcile.IgnoreFieldsMark, name, doc.Kind, meantField(name, names), strings.Join(names, ", "))
	}
}

func meantField(name string, names []string) string {
	if _, isKey := LookupConfig(name); isKey && slices.Contains(names, configPrefix+"KEY") {
		return ` (did you mean "` + configPrefix + name + `"?)`
	}
	return strict.DidYouMean(name, names)
}

// topicField tells the name of a field that a topic may have.
func topicField(name string) bool {
	return name == fieldPartitions || name == fieldReplicas || len(name) > len(configPrefix) && strings.HasPrefix(name, configPrefix)
}

// userField tells the name of a field of anything that a user becomes.
func userField(name string) bool {
	return aclFieldName(name) || name == fieldPassword || name == fieldIterations || slices.Contains(userQuotaKeys(), name)
}

// quotaField tells a quota key.
func quotaField(name string) bool { return slices.Contains(quotaKeys(), name) }

func quotaKeys() []string { return append(userQuotaKeys(), "connection_creation_rate") }

func userQuotaKeys() []string {
	return []string{"producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate"}
}
