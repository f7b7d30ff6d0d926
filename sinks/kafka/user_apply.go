package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// requestUsers is how many users one request changes.
const requestUsers = 1000

// errNoPassword is why iterations alone are refused.
var errNoPassword = errors.New("the password is needed to change a SCRAM credential: brokers keep only what was made of it, with the old number of iterations")

// scramChange is one credential's change as the wire needs it.
type scramChange struct {
	credential
	id         reconcile.ID
	remove     bool
	password   string
	iterations int // 0: what the live credential has, or the default
	salt       []byte
	salted     []byte
}

// String keeps the password out of every message.
func (c scramChange) String() string { return c.id.String() }

// Format prints the ID for every verb.
func (c scramChange) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, c.id.String()) }

// Check says which changes lack what they need.
func (k *credentials) Check(_ context.Context, changes []reconcile.Change) ([]reconcile.Verdict, error) {
	_, refused := scramChanges(judged(changes))
	return verdicts(refused), nil
}

// Apply writes credentials whole: what is not declared stays as it is.
func (k *credentials) Apply(ctx context.Context, changes []reconcile.Change, report func(...reconcile.Outcome)) {
	todo, refused := scramChanges(cleared(changes))
	report(refused...)
	for _, round := range scramRounds(todo) {
		ready, failed := k.complete(ctx, round)
		report(failed...)
		report(k.alter(ctx, ready)...)
	}
}

func scramChanges(changes []reconcile.Change) ([]scramChange, []reconcile.Outcome) {
	var todo []scramChange
	var refused []reconcile.Outcome
	for _, c := range changes {
		change, err := newScramChange(c)
		if err != nil {
			refused = append(refused, failure(c.ID, err.Error(), fieldNames(steps(c))...))
			continue
		}
		todo = append(todo, change)
	}
	return todo, refused
}

func newScramChange(c reconcile.Change) (scramChange, error) {
	parsed, err := parseScramID(c.ID)
	change := scramChange{credential: parsed, id: c.ID, remove: c.Action == reconcile.Delete}
	if err != nil || change.remove {
		return change, err
	}
	known := false
	for _, f := range steps(c) {
		switch f.Name {
		case fieldPassword:
			if change.password, known = f.To.Plaintext(); known && change.password == "" {
				return change, errors.New("an empty password is not taken")
			}
		case fieldIterations:
			if words := checkIterations(f.From, f.To); words != "" {
				return change, errors.New(words)
			}
			change.iterations, _ = strconv.Atoi(f.To.Text())
		default:
			return change, fmt.Errorf("a SCRAM credential has no field %q", f.Name)
		}
	}
	if !known {
		return change, errNoPassword
	}
	return change, nil
}

// scramRounds puts a user's two mechanisms into two requests: brokers answer
// by user.
func scramRounds(changes []scramChange) [][]scramChange {
	var rounds [][]scramChange
	count := make(map[string]int)
	size := make(map[int]int)
	for _, c := range changes {
		n := count[c.user]
		for n < len(rounds) && size[n] == requestUsers {
			n++
		}
		if n >= len(rounds) {
			rounds = append(rounds, nil)
			n = len(rounds) - 1
		}
		rounds[n] = append(rounds[n], c)
		size[n]++
		count[c.user] = n + 1
	}
	return rounds
}

// complete finds out the iterations that are not part of a change and derives
// what brokers keep of the password.
func (k *credentials) complete(ctx context.Context, changes []scramChange) ([]scramChange, []reconcile.Outcome) {
	var ids []reconcile.ID
	for _, c := range changes {
		if c.incomplete() {
			ids = append(ids, c.id)
		}
	}
	have, unknown := k.iterations(ctx, ids)
	var ready []scramChange
	var failed []reconcile.Outcome
	for _, c := range changes {
		if why := unknown[c.id]; c.incomplete() && why != "" {
			failed = append(failed, failure(c.id, "look at the credential before changing it: "+why))
			continue
		}
		if c.incomplete() {
			c.iterations = cmp.Or(have[c.id], defaultIterations)
		}
		ready = append(ready, c)
	}
	return derive(ready, failed)
}

func (c scramChange) incomplete() bool { return !c.remove && c.iterations == 0 }

// iterations are those of live credentials, and why some are not known.
func (k *credentials) iterations(ctx context.Context, ids []reconcile.ID) (map[reconcile.ID]int, map[reconcile.ID]string) {
	have, unknown := make(map[reconcile.ID]int), make(map[reconcile.ID]string)
	lives, unseen, err := k.Observe(ctx, reconcile.Scope{Name: ids})
	for _, l := range lives {
		have[l.ID], _ = strconv.Atoi(l.Fields[fieldIterations].Text())
	}
	for _, u := range unseen {
		unknown[u.ID] = u.Reason
	}
	if err != nil {
		for _, id := range ids {
			unknown[id] = err.Error()
		}
	}
	return have, unknown
}

// alter sends one request that names each user once.
func (k *credentials) alter(ctx context.Context, changes []scramChange) []reconcile.Outcome {
	verdicts := k.send(ctx, exchange{
		items: len(changes),
		ask: func(items []int) kmsg.Request {
			req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
			for _, i := range items {
				changes[i].add(req)
			}
			return req
		},
		read: func(resp kmsg.Response, items []int) ([]answer, int32) {
			r := resp.(*kmsg.AlterUserSCRAMCredentialsResponse)
			return byName(items, func(i int) string { return changes[i].user }, r.Results, func(t kmsg.AlterUserSCRAMCredentialsResponseResult) (string, answer) {
				return t.User, answer{code: t.ErrorCode, message: t.ErrorMessage}
			}), r.ThrottleMillis
		},
	})
	out := make([]reconcile.Outcome, len(verdicts))
	for i, v := range verdicts {
		if changes[i].remove && v.code == kerr.ResourceNotFound.Code {
			v.answer = answer{} // it is gone already
		}
		out[i] = v.outcome(changes[i].id, "Alter on the cluster")
	}
	return out
}

func (c scramChange) add(req *kmsg.AlterUserSCRAMCredentialsRequest) {
	if c.remove {
		d := kmsg.NewAlterUserSCRAMCredentialsRequestDeletion()
		d.Name, d.Mechanism = c.user, c.code
		req.Deletions = append(req.Deletions, d)
		return
	}
	u := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
	u.Name, u.Mechanism, u.Iterations, u.Salt, u.SaltedPassword = c.user, c.code, int32(c.iterations), c.salt, c.salted //nolint:gosec // at most mostIterations
	req.Upsertions = append(req.Upsertions, u)
}
