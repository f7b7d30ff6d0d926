package kafka

import (
	"slices"
	"strings"
)

// The roles of an intent.
const (
	roleProducer      = "producer"
	roleTransactional = "transactional-producer"
	roleConsumer      = "consumer"
	roleStreams       = "streams"
	roleConnector     = "connector"
	roleReadOnly      = "read-only"
)

// intentFields are the fields that have a meaning for a role. Topics and hosts
// have one for every role.
func intentFields(role string) []string {
	switch role {
	case roleTransactional:
		return []string{"transactionalIds"}
	case roleConsumer, roleReadOnly:
		return []string{"groups"}
	case roleStreams:
		return []string{"applicationId", "outputTopics"}
	case roleConnector:
		return []string{"connector", "groups", "outputTopics", "transactionalIds"}
	default:
		return nil
	}
}

// Check wants what the role works on, and nothing that would grant nothing.
func (i *accessIntent) Check(report func(path, text string)) {
	i.checkNeeds(report)
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"outputTopics", len(i.OutputTopics) > 0}, {"groups", len(i.Groups) > 0}, {"transactionalIds", len(i.TransactionalIDs) > 0},
		{"applicationId", i.ApplicationID != ""}, {"connector", i.Connector != ""},
	} {
		if f.given && !slices.Contains(intentFields(i.Role), f.name) {
			report(f.name, "has no meaning for role "+i.Role)
		}
	}
	for _, f := range []struct {
		path  string
		names []string
	}{{"topics", i.Topics}, {"outputTopics", i.OutputTopics}, {"groups", i.Groups}, {"transactionalIds", i.TransactionalIDs}, {"hosts", i.Hosts}} {
		if slices.Contains(f.names, "") {
			report(f.path, "holds an empty name")
		}
	}
}

func (i *accessIntent) checkNeeds(report func(path, text string)) {
	switch {
	case i.Role == roleStreams || i.Role == roleConnector:
		if len(i.Topics)+len(i.OutputTopics) == 0 {
			report("topics", "is missing, and outputTopics, too: a "+i.Role+" intent reads or writes topics")
		}
	case len(i.Topics) == 0 && i.Role != roleReadOnly:
		report("topics", "is missing: a "+i.Role+" works on topics")
	}
	switch {
	case i.Role == roleConsumer && len(i.Groups) == 0:
		report("groups", "is missing: a consumer reads in a group")
	case i.Role == roleConnector && len(i.Topics) > 0 && len(i.Groups) == 0 && i.Connector == "":
		report("connector", "is missing: one that reads topics does so in the group connect-NAME, or in groups")
	case i.Role == roleTransactional && len(i.TransactionalIDs) == 0:
		report("transactionalIds", "is missing: a transactional-producer needs one")
	case i.Role == roleStreams && i.ApplicationID == "":
		report("applicationId", "is missing: it names the group and the topics that the application makes itself")
	}
}

// grant is rules that differ in operation alone. A name that ends in * is a
// prefix.
type grant struct {
	resource   string
	names      []string
	operations []string
}

// grants are what a role takes, and no more: Kafka's authorizers let whoever
// may read, write, alter or delete a thing describe it, and whoever may write
// any topic be idempotent.
func (i *accessIntent) grants() []grant {
	read, write, describe := []string{"read"}, []string{"write"}, []string{"describe", "describe-configs"}
	switch i.Role {
	case roleProducer:
		return []grant{{"topic", i.Topics, write}}
	case roleTransactional:
		return []grant{{"topic", i.Topics, write}, {"transactional-id", i.TransactionalIDs, write}}
	case roleConsumer:
		return []grant{{"topic", i.Topics, read}, {"group", i.Groups, read}}
	case roleStreams:
		own := []string{i.ApplicationID + "-*"}
		return []grant{
			{"topic", i.Topics, read}, {"topic", i.OutputTopics, write},
			{"topic", own, []string{"create", "delete", "read", "write"}},
			{"group", []string{i.ApplicationID}, read}, {"transactional-id", own, write},
		}
	case roleConnector:
		return []grant{
			{"topic", i.Topics, read}, {"topic", i.OutputTopics, write},
			{"group", i.connectorGroups(), read}, {"transactional-id", i.TransactionalIDs, write},
		}
	default:
		return []grant{
			{"cluster", []string{ClusterName}, describe}, {"topic", orAll(i.Topics), describe},
			{"group", orAll(i.Groups), describe}, {"transactional-id", []string{"*"}, []string{"describe"}},
		}
	}
}

// connectorGroups are the groups of a connector that reads: Kafka Connect calls
// them connect-NAME, unless the connector overrides it.
func (i *accessIntent) connectorGroups() []string {
	if len(i.Groups) > 0 || len(i.Topics) == 0 {
		return i.Groups
	}
	return []string{"connect-" + i.Connector}
}

func orAll(names []string) []string {
	if len(names) == 0 {
		return []string{"*"}
	}
	return names
}

// entries are the intent's rules.
func (i *accessIntent) entries() []ACLEntry {
	var out []ACLEntry
	for _, g := range i.grants() {
		for _, name := range g.names {
			for _, operation := range g.operations {
				for _, host := range orAll(i.Hosts) {
					out = append(out, intentEntry(g.resource, name, operation, host))
				}
			}
		}
	}
	return out
}

func intentEntry(resource, name, operation, host string) ACLEntry {
	pattern := "literal"
	if prefix, ok := strings.CutSuffix(name, "*"); ok && prefix != "" {
		name, pattern = prefix, "prefixed"
	}
	return ACLEntry{Permission: "allow", Resource: resource, Pattern: pattern, Name: name, Operation: operation, Host: host}
}
