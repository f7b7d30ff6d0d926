package kafka

import (
	"context"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// alteration is the configuration part of one topic's change.
type alteration struct {
	id     reconcile.ID
	fields []string
	ops    []kmsg.IncrementalAlterConfigsRequestResourceConfig
	// secrets are values that stand in ops and in no word about them.
	secrets []string
}

// masked takes secrets out of a broker's words: one that cannot read a value
// likes to repeat it.
func (a alteration) masked(words string) string {
	for _, plain := range a.secrets {
		words = strings.ReplaceAll(words, plain, reconcile.SecretOf(plain).String())
	}
	return words
}

// alterations sets and unsets configuration keys; other keys stay as they are.
func alterations(changes []found) []alteration {
	var todo []alteration
	for _, c := range changes {
		if a := alterationOf(c.Change); len(a.ops) > 0 {
			todo = append(todo, a)
		}
	}
	return todo
}

func alterationOf(c reconcile.Change) alteration {
	a := alteration{id: c.ID}
	for _, f := range steps(c) {
		key, ok := strings.CutPrefix(f.Name, configPrefix)
		if !ok {
			continue
		}
		op := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		op.Name, op.Op = key, kmsg.IncrementalAlterConfigOpDelete
		if !f.To.Is(reconcile.Unset) {
			op.Op, op.Value = kmsg.IncrementalAlterConfigOpSet, kmsg.StringPtr(a.sent(f.To))
		}
		a.fields, a.ops = append(a.fields, f.Name), append(a.ops, op)
	}
	return a
}

// sent is a value as it goes to the broker.
func (a *alteration) sent(v reconcile.Value) string {
	plain, ok := v.Plaintext()
	if !ok {
		return v.Text()
	}
	if plain != "" {
		a.secrets = append(a.secrets, plain)
	}
	return plain
}

// alter sends one request; a topic's keys succeed or fail together.
func (k *topics) alter(ctx context.Context, todo []alteration, validate bool) ([]reconcile.Outcome, error) {
	return k.alterConfigs(ctx, configured{
		kind: kmsg.ConfigResourceTypeTopic,
		name: func(id reconcile.ID) string { return id.Name }, right: func(id reconcile.ID) string { return "AlterConfigs on topic " + id.Name },
	}, todo, validate)
}

// configured is what kind of thing has its configuration altered.
type configured struct {
	kind        kmsg.ConfigResourceType
	name, right func(reconcile.ID) string // on the wire; what it takes
	broker      string                    // who alone may be asked; "" is the controller
}

// alterConfigs sends one request; the keys of a thing succeed or fail together.
func (c *Cluster) alterConfigs(ctx context.Context, what configured, todo []alteration, validate bool) ([]reconcile.Outcome, error) {
	verdicts := c.send(ctx, exchange{
		items: len(todo), broker: what.broker,
		ask: func(items []int) kmsg.Request {
			req := kmsg.NewPtrIncrementalAlterConfigsRequest()
			req.ValidateOnly = validate
			for _, i := range items {
				r := kmsg.NewIncrementalAlterConfigsRequestResource()
				r.ResourceType, r.ResourceName, r.Configs = what.kind, what.name(todo[i].id), todo[i].ops
				req.Resources = append(req.Resources, r)
			}
			return req
		},
		read: func(resp kmsg.Response, items []int) ([]answer, int32) {
			r := resp.(*kmsg.IncrementalAlterConfigsResponse)
			return byName(items, func(i int) string { return what.name(todo[i].id) }, r.Resources, func(t kmsg.IncrementalAlterConfigsResponseResource) (string, answer) {
				return t.ResourceName, answer{code: t.ErrorCode, message: t.ErrorMessage}
			}), r.ThrottleMillis
		},
	})
	out := make([]reconcile.Outcome, len(verdicts))
	for i, v := range verdicts {
		out[i] = v.outcome(todo[i].id, what.right(todo[i].id), todo[i].fields...)
	}
	return out, unanswered(verdicts)
}
