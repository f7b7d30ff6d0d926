package kafka

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ClusterName is the only name a cluster resource has.
const ClusterName = "kafka-cluster"

// parseRule reads a field and refuses what brokers would.
func parseRule(field string) (ACLEntry, error) {
	e, err := ParseACLField(field)
	if err != nil {
		return e, err
	}
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
		resource:   kmsg.ACLResourceType(aclCode(ACLResources(), e.Resource)),
		pattern:    code[kmsg.ACLResourcePatternType](e.Pattern, "literal", 3, "prefixed", 4),
		operation:  kmsg.ACLOperation(aclCode(ACLOperations(), e.Operation)),
	}
	switch {
	case c.permission == 0:
		return c, fmt.Errorf("%q is no permission: allow or deny", e.Permission)
	case c.resource == 0:
		return c, fmt.Errorf("%q is no resource: %s", e.Resource, listed(ACLResources()))
	case c.pattern == 0:
		return c, fmt.Errorf("%q is no pattern: literal or prefixed", e.Pattern)
	case c.operation == 0:
		return c, fmt.Errorf("%q is no operation: %s", e.Operation, listed(ACLOperations()))
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

// firstCode is the code of the first word of ACLResources and ACLOperations:
// 0 is unknown and 1 is any, which only filters use.
const firstCode = 2

// aclCode is a word's code on the wire, 0 for a word that is none. Operations
// begin with all, which comes first on the wire as well.
func aclCode(words []string, word string) int8 {
	if i := slices.Index(words, word); i >= 0 {
		return int8(i + firstCode) //nolint:gosec // there are 14 words
	}
	return 0
}

// aclWord is the word of a code, or one that says that we do not know it.
func aclWord(words []string, code int) string {
	if i := code - firstCode; i >= 0 && i < len(words) {
		return words[i]
	}
	return fmt.Sprintf("unknown-%d", code)
}

func listed(words []string) string { return strings.Join(words, ", ") }

// checkACL refuses to add what brokers would not take; anything may be removed.
func checkACL(name string) func(from, to reconcile.Value) string {
	return func(_, to reconcile.Value) string {
		if to.Is(reconcile.Unset) {
			return ""
		}
		if _, err := parseRule(name); err != nil {
			return err.Error()
		}
		return ""
	}
}
