package kafka

import (
	"fmt"
	"net/url"
	"strings"
)

// ACLEntry is one access rule of a principal, in the spelling of a field name:
// lower case, words joined by dashes.
type ACLEntry struct {
	Permission string // allow, deny
	Resource   string // topic, group, cluster, transactional-id, delegation-token, user
	Pattern    string // literal, prefixed
	Name       string
	Operation  string // read, alter-configs, all
	Host       string // * or an address
}

// ACLField is an entry as the name of a field of an AclSet:
// allow|topic|literal|orders|read|*. The separator is escaped in every part.
func ACLField(e ACLEntry) string {
	parts := []string{e.Permission, e.Resource, e.Pattern, e.Name, e.Operation, e.Host}
	for i, part := range parts {
		parts[i] = escapePart(part)
	}
	return strings.Join(parts, "|")
}

// ParseACLField reads what ACLField wrote.
func ParseACLField(field string) (ACLEntry, error) {
	parts := strings.Split(field, "|")
	if len(parts) != 6 {
		return ACLEntry{}, fmt.Errorf("%q is not an access rule: it wants six parts, permission|resource|pattern|name|operation|host", field)
	}
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return ACLEntry{}, fmt.Errorf("access rule %q: %w", field, err)
		}
		parts[i] = plain
	}
	return ACLEntry{parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]}, nil
}

func escapePart(part string) string {
	return strings.ReplaceAll(strings.ReplaceAll(part, "%", "%25"), "|", "%7C")
}

// ACLResources are the resource types an entry may name.
func ACLResources() []string {
	return []string{"topic", "group", "cluster", "transactional-id", "delegation-token", "user"}
}

// ACLOperations are the operations an entry may name.
func ACLOperations() []string {
	return []string{
		"all", "read", "write", "create", "delete", "alter", "describe", "cluster-action",
		"describe-configs", "alter-configs", "idempotent-write",
		"create-tokens", "describe-tokens", "two-phase-commit",
	}
}
