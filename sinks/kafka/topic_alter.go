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
		if f.To.Is(reconcile.Text) {
			op.Op, op.Value = kmsg.IncrementalAlterConfigOpSet, kmsg.StringPtr(f.To.Text())
		}
		a.fields, a.ops = append(a.fields, f.Name), append(a.ops, op)
	}
	return a
}

// alter sends one request; a topic's keys succeed or fail together.
func (k *topics) alter(ctx context.Context, todo []alteration, validate bool) ([]reconcile.Outcome, error) {
	verdicts := k.send(ctx, exchange{
		items: len(todo),
		ask: func(items []int) kmsg.Request {
			req := kmsg.NewPtrIncrementalAlterConfigsRequest()
			req.ValidateOnly = validate
			for _, i := range items {
				r := kmsg.NewIncrementalAlterConfigsRequestResource()
				r.ResourceType, r.ResourceName, r.Configs = kmsg.ConfigResourceTypeTopic, todo[i].id.Name, todo[i].ops
				req.Resources = append(req.Resources, r)
			}
			return req
		},
		read: func(resp kmsg.Response, items []int) ([]answer, int32) {
			r := resp.(*kmsg.IncrementalAlterConfigsResponse)
			return byName(items, func(i int) string { return todo[i].id.Name }, r.Resources, func(t kmsg.IncrementalAlterConfigsResponseResource) (string, answer) {
				return t.ResourceName, answer{code: t.ErrorCode, message: t.ErrorMessage}
			}), r.ThrottleMillis
		},
	})
	out := make([]reconcile.Outcome, len(verdicts))
	for i, v := range verdicts {
		out[i] = v.outcome(todo[i].id, "AlterConfigs on topic "+todo[i].id.Name, todo[i].fields...)
	}
	return out, unanswered(verdicts)
}
