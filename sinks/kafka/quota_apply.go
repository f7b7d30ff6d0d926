package kafka

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// requestEntities is how many entities one request changes.
const requestEntities = 1000

// quotaStep is what is to be done to one entity.
type quotaStep struct {
	id     reconcile.ID
	parts  []QuotaPart
	fields []string
	ops    []kmsg.AlterClientQuotasRequestEntryOp
}

// Check refuses what is no quota and lets the brokers validate the rest.
func (k *quotas) Check(ctx context.Context, changes []reconcile.Change) ([]reconcile.Verdict, error) {
	todo, out := quotaSteps(judged(changes))
	for chunk := range slices.Chunk(todo, requestEntities) {
		some, err := k.alter(ctx, chunk, true)
		if err != nil {
			return nil, fmt.Errorf("let the brokers validate quotas: %w", err)
		}
		out = append(out, some...)
	}
	return verdicts(out), nil
}

// Apply changes quotas in place.
func (k *quotas) Apply(ctx context.Context, changes []reconcile.Change, report func(...reconcile.Outcome)) {
	todo, refused := quotaSteps(cleared(changes))
	report(refused...)
	for chunk := range slices.Chunk(todo, requestEntities) {
		changed, _ := k.alter(ctx, chunk, false) // what got no answer is in the outcomes
		report(changed...)
	}
}

func quotaSteps(changes []reconcile.Change) ([]quotaStep, []reconcile.Outcome) {
	var todo []quotaStep
	var refused []reconcile.Outcome
	for _, c := range changes {
		parts, err := parseEntity(c.ID)
		if err != nil {
			refused = append(refused, failure(c.ID, err.Error()))
			continue
		}
		step := quotaStep{id: c.ID, parts: parts}
		for _, f := range steps(c) {
			if words := checkQuota(f.Name, f.To); words != "" {
				refused = append(refused, failure(c.ID, words, f.Name))
				continue
			}
			op := kmsg.NewAlterClientQuotasRequestEntryOp()
			op.Key, op.Remove = f.Name, !f.To.Is(reconcile.Text)
			op.Value, _ = strconv.ParseFloat(f.To.Text(), 64) // checkQuota made sure
			step.fields, step.ops = append(step.fields, f.Name), append(step.ops, op)
		}
		if len(step.ops) > 0 {
			todo = append(todo, step)
		}
	}
	return todo, refused
}

// alter sends one request; an entity's quotas succeed or fail together.
func (k *quotas) alter(ctx context.Context, todo []quotaStep, validate bool) ([]reconcile.Outcome, error) {
	verdicts := k.send(ctx, exchange{
		items: len(todo),
		ask: func(items []int) kmsg.Request {
			req := kmsg.NewPtrAlterClientQuotasRequest()
			req.ValidateOnly = validate
			for _, i := range items {
				req.Entries = append(req.Entries, todo[i].entry())
			}
			return req
		},
		read: func(resp kmsg.Response, items []int) ([]answer, int32) {
			r := resp.(*kmsg.AlterClientQuotasResponse)
			return byName(items, func(i int) string { return todo[i].id.Name }, r.Entries, quotaAnswer), r.ThrottleMillis
		},
	})
	out := make([]reconcile.Outcome, len(verdicts))
	for i, v := range verdicts {
		out[i] = v.outcome(todo[i].id, "AlterConfigs on the cluster", todo[i].fields...)
	}
	return out, unanswered(verdicts)
}

func (s quotaStep) entry() kmsg.AlterClientQuotasRequestEntry {
	e := kmsg.NewAlterClientQuotasRequestEntry()
	for _, p := range s.parts {
		part := kmsg.NewAlterClientQuotasRequestEntryEntity()
		part.Type, part.Name = p.Type, p.Name
		e.Entity = append(e.Entity, part)
	}
	e.Ops = s.ops
	return e
}

func quotaAnswer(e kmsg.AlterClientQuotasResponseEntry) (string, answer) {
	parts := make([]QuotaPart, len(e.Entity))
	for i, p := range e.Entity {
		parts[i] = QuotaPart{p.Type, p.Name}
	}
	return QuotaEntityID(parts...).Name, answer{code: e.ErrorCode, message: e.ErrorMessage}
}
