package kafka

import (
	"context"
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Check refuses what brokers take from their own files alone, and lets them
// validate the rest without carrying anything out.
func (k *brokers) Check(ctx context.Context, changes []reconcile.Change) ([]reconcile.Verdict, error) {
	todo, out := brokerWork(judged(changes))
	todo, refused, err := k.refuseReadOnly(ctx, todo)
	if err != nil {
		return nil, err
	}
	out = append(out, refused...)
	for _, a := range todo {
		some, err := checkConfigs(ctx, k.alter, []alteration{a})
		if err != nil {
			return nil, fmt.Errorf("let the brokers validate their configuration: %w", err)
		}
		out = append(out, some...)
	}
	return verdicts(out), nil
}

// Apply sets and unsets keys; other keys stay as they are. Each broker is told
// by itself: only it may change its own configuration.
func (k *brokers) Apply(ctx context.Context, changes []reconcile.Change, report func(...reconcile.Outcome)) {
	todo, refused := brokerWork(cleared(changes))
	report(refused...)
	for _, a := range todo {
		changed, _ := k.alter(ctx, []alteration{a}, false) // what got no answer is in the outcomes
		report(changed...)
	}
}

// brokerWork refuses what names no broker, secrets that are not at hand, and
// the keys of a running reassignment.
func brokerWork(changes []reconcile.Change) ([]alteration, []reconcile.Outcome) {
	var todo []alteration
	var refused []reconcile.Outcome
	for _, c := range changes {
		if _, err := parseBroker(c.ID); err != nil {
			refused = append(refused, failure(c.ID, err.Error()))
			continue
		}
		c.Fields = slices.DeleteFunc(steps(c), func(f reconcile.FieldChange) bool {
			words := unsendable(f)
			if words != "" {
				refused = append(refused, failure(c.ID, words, f.Name))
			}
			return words != ""
		})
		if a := alterationOf(c); len(a.ops) > 0 {
			todo = append(todo, a)
		}
	}
	return todo, refused
}

// unsendable says why a field cannot be sent, "" where it can.
func unsendable(f reconcile.FieldChange) string {
	_, plain := f.To.Plaintext()
	switch {
	case !brokerField(f.Name):
		return f.Name + " is no configuration of a broker: write " + configPrefix + "KEY"
	case lookupBrokerKey(f.Name[len(configPrefix):]).moving:
		return "a running reassignment sets it: it is left to that"
	case f.To.Is(reconcile.Secret) && !plain:
		return "the secret is not at hand: plan again from the repository"
	default:
		return ""
	}
}

// alter sends one broker's configuration, or that of all.
func (k *brokers) alter(ctx context.Context, todo []alteration, validate bool) ([]reconcile.Outcome, error) {
	what := configured{
		kind:  kmsg.ConfigResourceTypeBroker,
		name:  func(id reconcile.ID) string { name, _ := parseBroker(id); return name }, // brokerWork made sure
		right: func(reconcile.ID) string { return "AlterConfigs on the cluster" },
	}
	what.broker = what.name(todo[0].id)
	outcomes, err := k.alterConfigs(ctx, what, todo, validate)
	for i, a := range todo {
		outcomes[i].Failed = a.masked(outcomes[i].Failed)
	}
	return outcomes, err
}

// refuseReadOnly takes out keys that no broker changes while it runs.
func (k *brokers) refuseReadOnly(ctx context.Context, todo []alteration) ([]alteration, []reconcile.Outcome, error) {
	var keys []string
	for _, a := range todo {
		for _, op := range a.ops {
			keys = append(keys, op.Name)
		}
	}
	if len(keys) == 0 {
		return nil, nil, nil
	}
	slices.Sort(keys)
	fixed, err := k.readOnly(ctx, slices.Compact(keys))
	if err != nil {
		return nil, nil, fmt.Errorf("ask which broker configuration is read-only: %w", err)
	}
	var left []alteration
	var refused []reconcile.Outcome
	for _, a := range todo {
		free := alteration{id: a.id, secrets: a.secrets}
		for i, op := range a.ops {
			if fixed[op.Name] {
				refused = append(refused, failure(a.id, op.Name+" is read-only: a broker takes it from its own file when it starts, and from nowhere else", a.fields[i]))
				continue
			}
			free.fields, free.ops = append(free.fields, a.fields[i]), append(free.ops, op)
		}
		if len(free.ops) > 0 {
			left = append(left, free)
		}
	}
	return left, refused, nil
}

// readOnly are those of these keys that some broker calls so.
func (k *brokers) readOnly(ctx context.Context, keys []string) (map[string]bool, error) {
	m, err := k.metadata(ctx, emptyMetadata())
	if err != nil {
		return nil, err
	}
	up := brokerNames(m)
	answers, err := k.describe(ctx, up, keys...)
	if err != nil {
		return nil, err
	}
	fixed := make(map[string]bool)
	for _, name := range up {
		for _, c := range answers.of[name].configs {
			// Of a plugin's key a broker knows no type, calls it read-only, and takes it.
			fixed[c.Name] = fixed[c.Name] || c.ReadOnly && c.ConfigType != 0
		}
	}
	return fixed, nil
}
