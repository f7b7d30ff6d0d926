package kafka

import (
	"context"
	"slices"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// requestACLs is how many rules one request adds or removes.
const requestACLs = 1000

// aclStep is one rule to add or to remove.
type aclStep struct {
	id    reconcile.ID
	field string
	entry ACLEntry
	codes aclCodes
}

// Check refuses rules that brokers would not take, and says what others would
// notice.
func (k *acls) Check(ctx context.Context, changes []reconcile.Change) ([]reconcile.Verdict, error) {
	changes = judged(changes)
	_, _, refused := aclSteps(changes)
	turns, err := k.turns(ctx, changes)
	return append(verdicts(refused), turns...), err
}

// Apply adds before it removes, so that nobody is locked out in between. A
// principal whose addition failed keeps the rules that were to be removed.
func (k *acls) Apply(ctx context.Context, changes []reconcile.Change, report func(...reconcile.Outcome)) {
	adds, removals, refused := aclSteps(cleared(changes))
	report(refused...)
	incomplete := make(map[reconcile.ID]bool)
	for _, o := range refused {
		incomplete[o.ID] = true
	}
	for chunk := range slices.Chunk(adds, requestACLs) {
		outcomes := k.add(ctx, chunk)
		for _, o := range outcomes {
			incomplete[o.ID] = incomplete[o.ID] || o.Failed != ""
		}
		report(outcomes...)
	}
	for chunk := range slices.Chunk(removals, requestACLs) {
		kept := slices.DeleteFunc(slices.Clone(chunk), func(s aclStep) bool { return !incomplete[s.id] })
		for _, s := range kept {
			report(failure(s.id, "not removed: an addition for the same principal failed", s.field))
		}
		report(k.remove(ctx, slices.DeleteFunc(slices.Clone(chunk), func(s aclStep) bool { return incomplete[s.id] }))...)
	}
}

// aclSteps sorts changes into additions and removals.
func aclSteps(changes []reconcile.Change) (adds, removals []aclStep, refused []reconcile.Outcome) {
	for _, c := range changes {
		if kind, name, ok := strings.Cut(c.ID.Name, ":"); !ok || kind == "" || name == "" {
			refused = append(refused, failure(c.ID, c.ID.Name+" is no principal: write User:name"))
			continue
		}
		for _, f := range steps(c) {
			entry, err := parseRule(f.Name)
			if err != nil {
				refused = append(refused, failure(c.ID, err.Error(), f.Name))
				continue
			}
			codes, _ := entry.codes() // parseRule made sure
			step := aclStep{c.ID, f.Name, entry, codes}
			if f.To.Is(reconcile.Unset) {
				removals = append(removals, step)
			} else {
				adds = append(adds, step)
			}
		}
	}
	return adds, removals, refused
}

func (k *acls) add(ctx context.Context, todo []aclStep) []reconcile.Outcome {
	return aclOutcomes(todo, k.send(ctx, exchange{
		items: len(todo),
		ask: func(items []int) kmsg.Request {
			req := kmsg.NewPtrCreateACLsRequest()
			for _, i := range items {
				s, c := todo[i], kmsg.NewCreateACLsRequestCreation()
				c.ResourceType, c.ResourceName, c.ResourcePatternType = s.codes.resource, s.entry.Name, s.codes.pattern
				c.Principal, c.Host = s.id.Name, s.entry.Host
				c.Operation, c.PermissionType = s.codes.operation, s.codes.permission
				req.Creations = append(req.Creations, c)
			}
			return req
		},
		read: func(resp kmsg.Response, items []int) ([]answer, int32) {
			r := resp.(*kmsg.CreateACLsResponse)
			return inOrder(items, r.Results, func(t kmsg.CreateACLsResponseResult) answer {
				return answer{code: t.ErrorCode, message: t.ErrorMessage}
			}), r.ThrottleMillis
		},
	}))
}

// remove names each rule exactly; one that is gone already is done.
func (k *acls) remove(ctx context.Context, todo []aclStep) []reconcile.Outcome {
	return aclOutcomes(todo, k.send(ctx, exchange{
		items: len(todo),
		ask: func(items []int) kmsg.Request {
			req := kmsg.NewPtrDeleteACLsRequest()
			for _, i := range items {
				s, f := todo[i], kmsg.NewDeleteACLsRequestFilter()
				f.ResourceType, f.ResourceName, f.ResourcePatternType = s.codes.resource, kmsg.StringPtr(s.entry.Name), s.codes.pattern
				f.Principal, f.Host = kmsg.StringPtr(s.id.Name), kmsg.StringPtr(s.entry.Host)
				f.Operation, f.PermissionType = s.codes.operation, s.codes.permission
				req.Filters = append(req.Filters, f)
			}
			return req
		},
		read: func(resp kmsg.Response, items []int) ([]answer, int32) {
			r := resp.(*kmsg.DeleteACLsResponse)
			return inOrder(items, r.Results, func(t kmsg.DeleteACLsResponseResult) answer {
				return answer{code: t.ErrorCode, message: t.ErrorMessage}
			}), r.ThrottleMillis
		},
	}))
}

func aclOutcomes(todo []aclStep, verdicts []verdict) []reconcile.Outcome {
	out := make([]reconcile.Outcome, len(verdicts))
	for i, v := range verdicts {
		out[i] = v.outcome(todo[i].id, "Alter on the cluster", todo[i].field)
	}
	return out
}
