package work

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// policy is the object that a backup repository explains itself with. The
// newest one of its series counts.
type policy struct {
	// Ended: no document declares it any more. What it kept stays.
	Ended  bool              `json:"ended,omitempty"`
	Fields map[string]string `json:"fields,omitempty"`
}

const policySeries = "policies"

// PolicyOf is what the document of a backup says by the newest policy in its
// repository, nil where none declares it.
func PolicyOf(ctx context.Context, r *repository.Repository) (backup.Spec, error) {
	var p policy
	n, err := r.Series(policySeries, "policy").Newest(ctx, &p)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	if n == 0 || p.Ended {
		return nil, nil
	}
	return p.Fields, nil
}

// policies is the kind BackupPolicy.
type policies struct{ s *Service }

// Name is BackupPolicy.
func (*policies) Name() string { return backup.KindPolicy }

// Rules are PolicyRules.
func (*policies) Rules() reconcile.Rules { return PolicyRules() }

// PolicyRules say that every field that leaves Git is taken back, and that a
// policy which is not in its bucket is simply written there: it holds no data.
func PolicyRules() reconcile.Rules {
	return reconcile.Rules{Recreate: true, Field: func(string) reconcile.Rule { return reconcile.Rule{Reset: true} }}
}

// Brief implements reconcile.Briefed.
func (k *policies) Brief(all []reconcile.Brief) { k.s.brief(backup.KindPolicy, all) }

// Observe reads the newest policy of each repository. A bucket that cannot be
// read is unobserved, never empty.
func (k *policies) Observe(ctx context.Context, scope reconcile.Scope) ([]reconcile.Live, []reconcile.Unobserved, error) {
	return k.s.all(ctx, scope.Name, k.one)
}

func (k *policies) one(ctx context.Context, b brief) (reconcile.Live, bool, error) {
	if b.spec() == nil || b.refused && !b.ours {
		return reconcile.Live{}, false, nil // nothing of ours can be there
	}
	h, err := k.s.homeFor(ctx, b)
	if errors.Is(err, errNoBackup) {
		return reconcile.Live{}, false, nil
	}
	if err != nil {
		return reconcile.Live{}, false, k.explain(b, err)
	}
	var p policy
	n, err := h.Series(seriesOf(b.id), "policy").Newest(ctx, &p)
	if err != nil {
		return reconcile.Live{}, false, k.explain(b, fmt.Errorf("read the policy: %w", err))
	}
	return reconcile.Live{ID: b.id, Fields: backup.Spec(p.Fields).Fields(), Whole: true}, n > 0 && !p.Ended, nil
}

// explain says what to do where the secrets left Git with their document.
func (k *policies) explain(b brief, err error) error {
	if b.want == nil && !b.declared {
		return fmt.Errorf("%w (it is no longer declared; if its secrets left Git with it, name them in the store's configuration, or give it up: ottla release %s)", err, b.id)
	}
	return err
}

// seriesOf is where a policy stands in its repository: that of a backup stands
// in its own, that of a validation beside others.
func seriesOf(id reconcile.ID) string {
	if does := doesOf(id); does != backup.DoesBackup {
		namespace, name := nameOf(id)
		return policySeries + "-" + does + "/" + namespace + "." + name
	}
	return policySeries
}

// homeFor opens the repository that a policy or a job works on.
func (s *Service) homeFor(ctx context.Context, b brief) (*home, error) {
	spec := b.spec()
	switch doesOf(b.id) {
	case backup.DoesBackup:
		return s.homeOf(ctx, b.id, spec, b.means)
	case backup.DoesReset:
		return s.own(ctx)
	case backup.DoesRollback:
		return s.homeOfSnapshot(ctx, b)
	default:
		return s.homeRef(ctx, b.id, spec, b.means)
	}
}

// Check refuses what the agent's configuration does not allow.
func (k *policies) Check(_ context.Context, changes []reconcile.Change) ([]reconcile.Verdict, error) {
	return k.s.verdicts(changes), nil
}

func (s *Service) verdicts(changes []reconcile.Change) []reconcile.Verdict {
	var out []reconcile.Verdict
	for _, c := range changes {
		if words := s.refused(s.briefOf(c.ID).want); words != "" {
			out = append(out, reconcile.Verdict{ID: c.ID, Refused: words})
		}
	}
	return out
}

// Apply appends policies. One that is no longer declared is ended in the
// bucket, too: nobody who finds it later waits for a run. No data is removed.
func (k *policies) Apply(ctx context.Context, changes []reconcile.Change, report func(...reconcile.Outcome)) {
	for _, c := range ahead(changes) {
		o := reconcile.Outcome{ID: c.ID}
		if err := k.apply(ctx, c); err != nil {
			o.Failed = err.Error()
		}
		k.s.looks.forget(c.ID)
		report(o)
	}
}

// ahead is what of changes goes ahead.
func ahead(changes []reconcile.Change) []reconcile.Change {
	var out []reconcile.Change
	for _, c := range changes {
		if e, some := c.Effective(); some && e.Action != reconcile.Note {
			out = append(out, e)
		}
	}
	return out
}

func (k *policies) apply(ctx context.Context, c reconcile.Change) error {
	h, err := k.s.homeFor(ctx, k.s.briefOf(c.ID))
	if err != nil {
		return err
	}
	if err := h.Begin(ctx); err != nil {
		return err
	}
	series := h.Series(seriesOf(c.ID), "policy")
	for {
		var now policy
		if _, err := series.Newest(ctx, &now); err != nil {
			return fmt.Errorf("read the policy: %w", err)
		}
		next, same := now.changed(c)
		if same {
			return nil
		}
		if _, err := series.Append(ctx, next); !errors.Is(err, repository.ErrTaken) {
			return err
		}
	}
}

// changed is the policy after a change, and whether it is that already.
func (p policy) changed(c reconcile.Change) (policy, bool) {
	if c.Action == reconcile.Delete {
		return policy{Ended: true, Fields: p.Fields}, p.Ended
	}
	next := policy{Fields: map[string]string{}}
	if c.Action == reconcile.Update && !p.Ended {
		maps.Copy(next.Fields, p.Fields)
	}
	for _, f := range c.Fields {
		delete(next.Fields, f.Name)
		if f.To.Is(reconcile.Text) {
			next.Fields[f.Name] = f.To.Text()
		}
	}
	return next, !p.Ended && maps.Equal(next.Fields, p.Fields)
}
