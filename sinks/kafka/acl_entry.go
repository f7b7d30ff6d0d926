package kafka

import (
	"fmt"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ACLEntry is one access rule of a principal, in the words of its field:
// allow|topic|literal|orders|read|*.
type ACLEntry struct {
	Permission string // allow, deny
	Resource   string // topic, group, cluster, transactional-id, delegation-token, user
	Pattern    string // literal, prefixed
	Name       string // kafka-cluster for the cluster
	Operation  string // read, describe-configs, all, …
	Host       string // * for any
}

// ClusterName is the only name a cluster resource has.
const ClusterName = "kafka-cluster"

// Field spells an entry as a field of an AclSet.
func (e ACLEntry) Field() string {
	return strings.Join([]string{e.Permission, e.Resource, e.Pattern, escapeACL(e.Name), e.Operation, escapeACL(e.Host)}, "|")
}

// ParseACLEntry reads what Field wrote and refuses what brokers would.
func ParseACLEntry(field string) (ACLEntry, error) {
	parts := strings.Split(field, "|")
	if len(parts) != 6 {
		return ACLEntry{}, fmt.Errorf("%q is no access rule: write permission|resource|pattern|name|operation|host", field)
	}
	e := ACLEntry{parts[0], parts[1], parts[2], unescapeACL(parts[3]), parts[4], unescapeACL(parts[5])}
	return e, e.Validate()
}

// Validate says what is wrong with an entry. One malformed entry would make
// the broker refuse all that stand in the same request.
func (e ACLEntry) Validate() error {
	_, err := e.codes()
	switch {
	case err != nil:
		return err
	case e.Name == "":
		return fmt.Errorf("an access rule for %s needs a name", e.Resource)
	case e.Host == "":
		return fmt.Errorf("an access rule needs a host: * for any")
	case e.Resource == "cluster" && (e.Name != ClusterName || e.Pattern != "literal"):
		return fmt.Errorf("the cluster is called %s, as a literal name, not %s", ClusterName, e.Name)
	default:
		return nil
	}
}

// aclCodes is an entry as numbers on the wire.
type aclCodes struct {
	permission kmsg.ACLPermissionType
	resource   kmsg.ACLResourceType
	pattern    kmsg.ACLResourcePatternType
	operation  kmsg.ACLOperation
}

func (e ACLEntry) codes() (aclCodes, error) {
	c := aclCodes{
		permission: code[kmsg.ACLPermissionType](e.Permission, "deny", 2, "allow", 3),
		resource:   kmsg.ACLResourceType(indexOf(aclResources(), e.Resource)),
		pattern:    code[kmsg.ACLResourcePatternType](e.Pattern, "literal", 3, "prefixed", 4),
		operation:  kmsg.ACLOperation(indexOf(aclOperations(), e.Operation)),
	}
	switch {
	case c.permission == 0:
		return c, fmt.Errorf("%q is no permission: allow or deny", e.Permission)
	case c.resource == 0:
		return c, fmt.Errorf("%q is no resource: %s", e.Resource, listed(aclResources()))
	case c.pattern == 0:
		return c, fmt.Errorf("%q is no pattern: literal or prefixed", e.Pattern)
	case c.operation == 0:
		return c, fmt.Errorf("%q is no operation: %s", e.Operation, listed(aclOperations()))
	default:
		return c, nil
	}
}

func code[T kmsg.ACLPermissionType | kmsg.ACLResourcePatternType](word, a string, codeA T, b string, codeB T) T {
	switch word {
	case a:
		return codeA
	case b:
		return codeB
	default:
		return 0
	}
}

// aclResources are the resource types at their code on the wire; "" are those
// that only filters use.
func aclResources() []string {
	return []string{"", "", "topic", "group", "cluster", "transactional-id", "delegation-token", "user"}
}

// aclOperations are the operations at their code on the wire.
func aclOperations() []string {
	return []string{"", "", "all", "read", "write", "create", "delete", "alter", "describe", "cluster-action",
		"describe-configs", "alter-configs", "idempotent-write", "create-tokens", "describe-tokens", "two-phase-commit"}
}

func indexOf(words []string, word string) int {
	for i, w := range words {
		if w == word && w != "" {
			return i
		}
	}
	return 0
}

// wordAt is the word of a code, or one that says that we do not know it.
func wordAt(words []string, code int) string {
	if code >= 0 && code < len(words) && words[code] != "" {
		return words[code]
	}
	return fmt.Sprintf("unknown-%d", code)
}

func listed(words []string) string { return strings.Join(words[2:], ", ") }

// escapeACL keeps the separator out of a part, as URL paths do.
func escapeACL(s string) string {
	return strings.NewReplacer("%", "%25", "|", "%7C").Replace(s)
}

func unescapeACL(s string) string {
	return strings.NewReplacer("%7C", "|", "%25", "%").Replace(s)
}

// checkACL refuses to add what brokers would not take; anything may be removed.
func checkACL(name string) func(from, to reconcile.Value) string {
	return func(_, to reconcile.Value) string {
		if to.Is(reconcile.Unset) {
			return ""
		}
		if _, err := ParseACLEntry(name); err != nil {
			return err.Error()
		}
		return ""
	}
}
