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
		some, err := k.checkCreates(ctx, chunk)
		if err != nil {
			return nil, fmt.Errorf("let the brokers validate new topics: %w", err)
		}
		out = append(out, some...)
	}
	for chunk := range slices.Chunk(todo.update, requestTopics) {
		some, err := k.checkUpdates(ctx, chunk)
		if err != nil {
			return nil, fmt.Errorf("let the brokers validate topic changes: %w", err)
		}
		out = append(out, some...)
	}
	return verdicts(out), nil
}

func (k *topics) checkCreates(ctx context.Context, changes []reconcile.Change) ([]reconcile.Outcome, error) {
	out, err := k.create(ctx, changes, true)
	for _, c := range changes {
		out = append(out, tooManyInSync(c, "")...)
	}
	return out, err
}

func (k *topics) checkUpdates(ctx context.Context, changes []reconcile.Change) ([]reconcile.Outcome, error) {
	same, out, err := k.again(ctx, changes)
	if err != nil {
		return nil, err
	}
	grown, err := k.grow(ctx, same, true)
	if err != nil {
		return nil, err
	}
	configured, err := checkConfigs(ctx, k.alter, alterations(same))
	if err != nil {
		return nil, err
	}
	out = slices.Concat(out, grown, configured)
	for _, c := range same {
		out = append(out, tooManyInSync(c.Change, c.live.Fields[fieldReplicas].Text())...)
	}
	return out, nil
}

// alterer sends configuration to be set, or with validate to be judged.
type alterer func(ctx context.Context, todo []alteration, validate bool) ([]reconcile.Outcome, error)

// checkConfigs validates each thing's keys together and, where that fails, one
// by one, so that the words stand at the key they are about.
func checkConfigs(ctx context.Context, alter alterer, todo []alteration) ([]reconcile.Outcome, error) {
	together, err := alter(ctx, todo, true)
	if err != nil {
		return nil, err
	}
	var out []reconcile.Outcome
	for i, a := range todo {
		o := together[i]
		if o.Failed == "" || len(a.ops) == 1 {
			out = append(out, o)
			continue
		}
		blamed, err := blame(ctx, alter, a)
		if err != nil {
			return nil, err
		}
		if len(blamed) == 0 {
			blamed = []reconcile.Outcome{o} // it is the combination
		}
		out = append(out, blamed...)
	}
	return out, nil
}

// blame finds the keys that fail by themselves. A thing stands once in a
// request, so it takes one for each key; few things are wrong at a time.
func blame(ctx context.Context, alter alterer, a alteration) ([]reconcile.Outcome, error) {
	var out []reconcile.Outcome
	for n := range a.ops {
		one, err := alter(ctx, []alteration{{a.id, a.fields[n : n+1], a.ops[n : n+1], a.secrets}}, true)
		if err != nil {
			return nil, err
		}
		if one[0].Failed != "" {
			out = append(out, one[0])
		}
	}
	return out, nil
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
