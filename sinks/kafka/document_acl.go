package kafka

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type userAuthorization struct {
	Type string    `json:"type" doc:"simple: rules of Kafka's own authorizer." required:"true" enum:"simple"`
	Acls []aclRule `json:"acls" doc:"The rules. Equal ones, also from several documents, are one."`
}

type aclRule struct {
	Type       string      `json:"type" doc:"Whether the rule allows or denies; a denial wins." enum:"allow,deny" default:"allow"`
	Resource   aclResource `json:"resource" doc:"What the rule is about." required:"true"`
	Host       string      `json:"host" doc:"Address the user comes from; * is any." default:"*" min:"1"`
	Operations []string    `json:"operations" doc:"What may be done." enum:"Read,Write,Create,Delete,Alter,Describe,ClusterAction,AlterConfigs,DescribeConfigs,IdempotentWrite,CreateTokens,DescribeTokens,TwoPhaseCommit,All"`
	Operation  string      `json:"operation" doc:"Older spelling of operations, for one." enum:"Read,Write,Create,Delete,Alter,Describe,ClusterAction,AlterConfigs,DescribeConfigs,IdempotentWrite,CreateTokens,DescribeTokens,TwoPhaseCommit,All"`
	Line       strict.Line
}

type aclResource struct {
	Type        string `json:"type" doc:"Kind of resource." required:"true" enum:"topic,group,cluster,transactionalId,delegationToken,user"`
	Name        string `json:"name" doc:"Its name; * is any. A cluster has none."`
	PatternType string `json:"patternType" doc:"prefix: every resource whose name begins so." enum:"literal,prefix" default:"literal"`
}

// Check holds the parts of a rule against each other.
func (a *aclRule) Check(report func(path, text string)) {
	switch {
	case a.Operation == "" && len(a.Operations) == 0:
		report("operations", "is missing: say what may be done, for example [Read, Describe]")
	case a.Operation != "" && len(a.Operations) > 0:
		report("operation", "stands beside operations: write all of them there")
	}
}

// Check wants a name where the resource has one.
func (r *aclResource) Check(report func(path, text string)) {
	cluster := r.Type == "cluster"
	switch {
	case cluster && r.Name != "" && r.Name != ClusterName:
		report("name", "a cluster has no name: leave it out")
	case cluster && r.PatternType != "literal":
		report("patternType", "a cluster has no name, and so no prefix")
	case !cluster && r.Name == "":
		report("name", "is missing")
	case r.Type == "topic" && r.PatternType == "prefix" && strings.HasPrefix(r.Name, "*"):
		report("name", "no topic begins with *; for every topic write name: \"*\" and patternType: literal")
	}
}

// access declares the user's rules. With authorization and no rule it is an
// empty bag, so that a rule made by hand is seen.
func (u *userReader) access() {
	authorization := u.spec.Authorization
	if authorization == nil {
		return
	}
	set := declare(u.doc, KindACLSet, "User:"+u.principal(), "spec.authorization")
	u.notes = append(u.notes, set.acls("spec.authorization.acls", authorization.Acls)...)
	u.out = append(u.out, set.Resource)
}

// acls declares rules as people write them, and says which ones give nothing.
func (d *declared) acls(path string, rules []aclRule) (notes []string) {
	for i, acl := range rules {
		for _, operation := range acl.operations() {
			entry := acl.entry(operation)
			d.set(ACLField(entry), reconcile.TextOf(""), int(acl.Line))
			if !meaningful(entry) {
				notes = append(notes, fmt.Sprintf("%s[%d]: Kafka never asks for %s on a %s: it gives nothing", path, i, operation, acl.Resource.Type))
			}
		}
		if _, err := netip.ParseAddr(acl.Host); err != nil && acl.Host != "*" {
			notes = append(notes, fmt.Sprintf("%s[%d].host: Kafka compares addresses: %q, which is none, will match nobody", path, i, acl.Host))
		}
	}
	return notes
}

func (u *userReader) note(format string, args ...any) {
	u.notes = append(u.notes, fmt.Sprintf(format, args...))
}

func (a aclRule) operations() []string {
	if a.Operation != "" {
		return []string{a.Operation}
	}
	return slices.Compact(slices.Sorted(slices.Values(a.Operations)))
}

func (a aclRule) entry(operation string) ACLEntry {
	name, pattern := a.Resource.Name, "literal"
	if a.Resource.Type == "cluster" {
		name = ClusterName
	}
	if a.Resource.PatternType == "prefix" {
		pattern = "prefixed"
	}
	return ACLEntry{
		Permission: a.Type, Resource: dashed(a.Resource.Type), Pattern: pattern,
		Name: name, Operation: dashed(operation), Host: a.Host,
	}
}

// dashed spells AlterConfigs and transactionalId as alter-configs and
// transactional-id.
func dashed(camel string) string {
	var b strings.Builder
	for i, r := range camel {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('-')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// meaningful tells operations that Kafka ever asks for on a resource. The
// others are taken by the broker and never matter: a mistake, and no harm.
func meaningful(e ACLEntry) bool {
	return e.Operation == "all" || slices.Contains(strings.Fields(askedFor(e.Resource)), e.Operation)
}

func askedFor(resource string) string {
	switch resource {
	case "topic":
		return "read write create delete alter describe describe-configs alter-configs"
	case "group":
		return "read delete describe describe-configs alter-configs"
	case "cluster":
		return "create alter describe cluster-action describe-configs alter-configs idempotent-write"
	case "transactional-id":
		return "write describe two-phase-commit"
	case "user":
		return "create-tokens describe-tokens"
	default:
		return "describe"
	}
}
