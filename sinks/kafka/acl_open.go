package kafka

import (
	"context"

	"github.com/ottla-io/ottla/reconcile"
)

// resource is what a rule is about.
type resource struct{ kind, pattern, name string }

func (e ACLEntry) resource() resource { return resource{e.Resource, e.Pattern, e.Name} }

// turns finds rules that lock others out, or let everybody in. Where
// allow.everyone.if.no.acl.found is true, a resource without any rule is open:
// its first rule closes it to all others, and its last one gone opens it.
func (k *acls) turns(ctx context.Context, changes []reconcile.Change) ([]reconcile.Verdict, error) {
	if !k.open && k.brokerConfig(ctx, openKey)[openKey] != "true" {
		return nil, nil
	}
	before, err := k.count(ctx)
	if err != nil {
		return nil, err
	}
	adds, removals, _ := aclSteps(changes)
	after := make(map[resource]int, len(before))
	for r, n := range before {
		after[r] = n
	}
	for _, s := range adds {
		after[s.entry.resource()]++
	}
	for _, s := range removals {
		after[s.entry.resource()]--
	}
	var out []reconcile.Verdict
	for _, s := range adds {
		if before[s.entry.resource()] == 0 {
			out = append(out, reconcile.Verdict{ID: s.id, Field: s.field, Risk: "this is the first rule on " + s.entry.Resource + " " + s.entry.Name + ": everybody who is not named is locked out (" + openKey + ")"})
		}
	}
	for _, s := range removals {
		if after[s.entry.resource()] <= 0 {
			out = append(out, reconcile.Verdict{ID: s.id, Field: s.field, Risk: "this is the last rule on " + s.entry.Resource + " " + s.entry.Name + ": without one it is open to everybody (" + openKey + ")"})
		}
	}
	return out, nil
}

// count is how many rules each resource has.
func (k *acls) count(ctx context.Context) (map[resource]int, error) {
	sets := make(map[string]*reconcile.Live)
	if err := k.describe(ctx, nil, sets); err != nil {
		return nil, err
	}
	out := make(map[resource]int)
	for _, set := range sets {
		for field := range set.Fields {
			if e, err := ParseACLField(field); err == nil {
				out[e.resource()]++
			}
		}
	}
	return out, nil
}
