package kafka

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/ottla-io/ottla/reconcile"
)

// Check lets the brokers validate creates, growth and configuration without
// carrying anything out, and adds what they let through and should not.
func (k *topics) Check(ctx context.Context, changes []reconcile.Change) ([]reconcile.Verdict, error) {
	todo, out := sortTopics(judged(changes))
	for chunk := range chunks(todo.create) {
		out = append(out, k.create(ctx, chunk, true)...)
		for _, c := range chunk {
			out = append(out, tooManyInSync(c, "")...)
		}
	}
	for chunk := range slices.Chunk(todo.update, requestTopics) {
		same, others := k.again(ctx, chunk)
		out = append(out, others...)
		out = append(out, k.grow(ctx, same, true)...)
		out = append(out, k.checkConfigs(ctx, same)...)
		for _, c := range same {
			out = append(out, tooManyInSync(c.Change, c.live.Fields[fieldReplicas].Text())...)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("let the brokers validate: %w", err)
	}
	return refusals(out), nil
}

// refusals are what failed, field by field.
func refusals(outcomes []reconcile.Outcome) []reconcile.Verdict {
	var out []reconcile.Verdict
	for _, o := range outcomes {
		if o.Failed == "" {
			continue
		}
		if len(o.Fields) == 0 {
			out = append(out, reconcile.Verdict{ID: o.ID, Refused: o.Failed})
		}
		for _, name := range o.Fields {
			out = append(out, reconcile.Verdict{ID: o.ID, Field: name, Refused: o.Failed})
		}
	}
	return out
}

// judged are the changes whose value is worth asking about: what a person may
// still confirm too, only not what is refused already.
func judged(changes []reconcile.Change) []reconcile.Change {
	var out []reconcile.Change
	for _, c := range changes {
		if c.Fate.Refused != "" || c.Action == reconcile.Note {
			continue
		}
		c.Fields = slices.DeleteFunc(slices.Clone(c.Fields), func(f reconcile.FieldChange) bool { return f.Fate.Refused != "" })
		for i := range c.Fields {
			c.Fields[i].Fate = reconcile.Fate{}
		}
		out = append(out, c)
	}
	return out
}

// checkConfigs validates each topic's keys together and, where that fails, one
// by one, so that the words stand at the key they are about.
func (k *topics) checkConfigs(ctx context.Context, changes []found) []reconcile.Outcome {
	whole := make(map[reconcile.ID]alteration)
	for _, c := range changes {
		whole[c.ID] = alterationOf(c.Change)
	}
	together := k.configure(ctx, changes, true)
	var out []reconcile.Outcome
	var rounds [][]alteration // the nth key of each topic that failed: a topic stands once in a request
	for _, o := range together {
		a := whole[o.ID]
		if o.Failed == "" || len(a.ops) == 1 {
			out = append(out, o)
			continue
		}
		for n := range a.ops {
			if n == len(rounds) {
				rounds = append(rounds, nil)
			}
			rounds[n] = append(rounds[n], alteration{a.id, a.fields[n : n+1], a.ops[n : n+1]})
		}
	}
	blamed := make(map[reconcile.ID]bool)
	for _, round := range rounds {
		for _, o := range k.alter(ctx, round, true) {
			blamed[o.ID] = blamed[o.ID] || o.Failed != ""
			out = append(out, o)
		}
	}
	for _, o := range together {
		if o.Failed != "" && len(o.Fields) > 1 && !blamed[o.ID] {
			out = append(out, o) // it is the combination
		}
	}
	return out
}

// tooManyInSync finds more in-sync replicas demanded than there are replicas:
// brokers accept that, and then nobody can write with acks=all.
func tooManyInSync(c reconcile.Change, replicas string) []reconcile.Outcome {
	const field = configPrefix + "min.insync.replicas"
	var least string
	for _, f := range steps(c) {
		switch f.Name {
		case field:
			least = f.To.Text()
		case fieldReplicas:
			if c.Action == reconcile.Create {
				replicas = f.To.Text()
			}
		}
	}
	want, err := strconv.Atoi(least)
	have, err2 := strconv.Atoi(replicas)
	if err != nil || err2 != nil || want <= have {
		return nil
	}
	return []reconcile.Outcome{failure(c.ID, fmt.Sprintf("min.insync.replicas is %d, but there are only %d replicas: nobody could write with acks=all", want, have), field)}
}
