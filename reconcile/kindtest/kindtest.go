// Package kindtest is the laws of a kind: what every implementation of
// reconcile.Kind keeps, whatever it stands on. The same laws run on a fake in
// unit tests and, unchanged, on the real system.
//
// A Subject names a kind and examples of what it keeps. Where the system under
// test says yes to everything, as fakes do, the Subject says so; the laws are
// never edited for it.
package kindtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

// Subject is a kind under test. All IDs are the test's own: nothing else on
// the system has them.
type Subject struct {
	Kind reconcile.Kind
	// Examples are things the kind can hold, at least two; each law uses the
	// first of them or all.
	Examples []Example
	// Bad is a thing the system refuses. It is only applied where Validates.
	Bad       reconcile.Resource
	Validates bool
	// Secret is a text that stands in the examples as a secret, "" for none.
	Secret string
	// Deadline is how long an acknowledged change may take to show; 0 is 20 s.
	Deadline time.Duration
}

// Example is one thing, first as it is created and then as it is changed.
type Example struct {
	Name  string
	First reconcile.Resource
	Next  reconcile.Resource // the same ID with other values, or fields fewer where they can be unset
}

// Run holds the kind to its laws.
func Run(t *testing.T, s Subject) {
	t.Helper()
	if s.Deadline == 0 {
		s.Deadline = 20 * time.Second
	}
	r := runner{s}
	t.Run("what is applied is observed as it was declared", r.settles)
	t.Run("repeating is harmless", r.repeats)
	t.Run("what is removed leaves nothing", r.leavesNothing)
	t.Run("one bad item does not stop the rest", r.badItem)
	t.Run("what nobody names survives", r.unowned)
	t.Run("every named thing is answered", r.named)
	t.Run("a narrow look answers the same", r.narrow)
	t.Run("secrets are masked in every printed form", r.masked)
	t.Run("held fields are not carried out", r.held)
	t.Run("a check changes nothing", r.checks)
	t.Run("a cancelled context returns promptly", r.cancelled)
}

// runner carries the subject through the laws.
type runner struct{ Subject }

// hold removes the example when the test ends, however it ends, and waits
// until that shows: the next law begins with nothing.
func (r runner) hold(t *testing.T, want reconcile.Resource) {
	t.Helper()
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if live, err := r.observe(ctx, reconcile.Scope{Name: []reconcile.ID{want.ID}}, want.ID); err == nil && live != nil {
			r.try(ctx, r.removal(*live))
		}
		r.goneSoon(ctx, t, want.ID)
	})
}

// apply brings the system from what lives to what is wanted and fails where
// an item does.
func (r runner) apply(t *testing.T, changes ...reconcile.Change) []reconcile.Outcome {
	t.Helper()
	outcomes := r.try(t.Context(), changes...)
	for _, o := range outcomes {
		if o.Failed != "" {
			t.Fatalf("%s %v: %s", o.ID, o.Fields, o.Failed)
		}
	}
	for _, c := range changes {
		if !slices.ContainsFunc(outcomes, func(o reconcile.Outcome) bool { return o.ID == c.ID }) {
			t.Fatalf("no outcome is reported for %s", c.ID)
		}
	}
	return outcomes
}

func (r runner) try(ctx context.Context, changes ...reconcile.Change) []reconcile.Outcome {
	var outcomes []reconcile.Outcome
	r.Kind.Apply(ctx, changes, func(o ...reconcile.Outcome) { outcomes = append(outcomes, o...) })
	return outcomes
}

// reach applies what leads to want and waits until it shows.
func (r runner) reach(t *testing.T, want reconcile.Resource) reconcile.Live {
	t.Helper()
	if c := r.towards(r.find(t, want.ID), want); len(c.Fields) > 0 || c.Action == reconcile.Create {
		r.apply(t, c)
	}
	return r.shows(t, want)
}

// find observes one thing; nil is that it is not there.
func (r runner) find(t *testing.T, id reconcile.ID) *reconcile.Live {
	t.Helper()
	live, err := r.observe(t.Context(), reconcile.Scope{Name: []reconcile.ID{id}}, id)
	if err != nil {
		t.Fatal(err)
	}
	return live
}

func (r runner) observe(ctx context.Context, scope reconcile.Scope, id reconcile.ID) (*reconcile.Live, error) {
	lives, unseen, err := r.Kind.Observe(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("observe %s: %w", id, err)
	}
	for _, u := range unseen {
		if u.ID == id {
			return nil, fmt.Errorf("observe %s: %s", id, u.Reason)
		}
	}
	for _, l := range lives {
		if l.ID == id {
			return &l, nil
		}
	}
	return nil, nil
}

// shows waits until a thing is observed as it was wanted.
func (r runner) shows(t *testing.T, want reconcile.Resource) reconcile.Live {
	t.Helper()
	var live *reconcile.Live
	r.eventually(t, func() (err error) {
		if live, err = r.observe(t.Context(), reconcile.Scope{Name: []reconcile.ID{want.ID}}, want.ID); err != nil {
			return err
		}
		return r.differs(live, want)
	})
	return *live
}

// gone waits until nothing of a thing is left.
func (r runner) gone(t *testing.T, id reconcile.ID) {
	t.Helper()
	r.goneSoon(t.Context(), t, id)
}

func (r runner) goneSoon(ctx context.Context, t *testing.T, id reconcile.ID) {
	t.Helper()
	r.eventually(t, func() error {
		live, err := r.observe(ctx, reconcile.Scope{Name: []reconcile.ID{id}}, id)
		if err == nil && live != nil && (!r.Kind.Rules().Bag || r.holds(*live)) {
			return fmt.Errorf("%s is still there: %v", id, live.Fields)
		}
		return err
	})
}

// holds tells a bag in which something is set that could be unset.
func (r runner) holds(live reconcile.Live) bool {
	for name := range live.Fields {
		if r.Kind.Rules().Field(name).Reset {
			return true
		}
	}
	return false
}

func (r runner) eventually(t *testing.T, ask func() error) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.NewTimer(r.Deadline)
	defer deadline.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("not within %s: %v", r.Deadline, err)
		case <-ticker.C:
		}
	}
}

// differs says which wanted field is observed otherwise.
func (r runner) differs(live *reconcile.Live, want reconcile.Resource) error {
	if live == nil {
		return fmt.Errorf("%s is not there", want.ID)
	}
	for name, v := range want.Fields {
		have := live.Field(name)
		if v.Is(reconcile.Secret) {
			if !have.Is(reconcile.WriteOnly) {
				return fmt.Errorf("%s %s is observed as %s: a secret exists and cannot be read", want.ID, name, have.Form())
			}
		} else if !have.Same(v) {
			return fmt.Errorf("%s %s is observed as %q (%s), declared as %q", want.ID, name, have, have.Form(), v)
		}
	}
	for name, v := range live.Fields {
		if _, declared := want.Fields[name]; !declared && r.Kind.Rules().Field(name).Reset && !v.Is(reconcile.Unset) {
			return fmt.Errorf("%s %s is %s, and is not declared", want.ID, name, v)
		}
	}
	return nil
}

// towards is the change from what lives to what is wanted.
func (r runner) towards(live *reconcile.Live, want reconcile.Resource) reconcile.Change {
	c := reconcile.Change{ID: want.ID, Action: reconcile.Update, Why: reconcile.Declared}
	from := reconcile.Live{Whole: true}
	if live != nil {
		from, c.UID = *live, live.UID
	} else if !r.Kind.Rules().Bag {
		c.Action = reconcile.Create
	}
	for name, v := range want.Fields {
		if have := from.Field(name); !have.Same(v) {
			c.Fields = append(c.Fields, reconcile.FieldChange{Name: name, From: have, To: v, Why: reconcile.Declared})
		}
	}
	for name, v := range from.Fields {
		if _, declared := want.Fields[name]; !declared && r.Kind.Rules().Field(name).Reset && (v.Is(reconcile.Text) || r.Kind.Rules().Bag && v.Is(reconcile.WriteOnly)) {
			c.Fields = append(c.Fields, reconcile.FieldChange{Name: name, From: v, To: reconcile.UnsetValue(), Why: reconcile.Declared})
		}
	}
	slices.SortFunc(c.Fields, func(a, b reconcile.FieldChange) int { return strings.Compare(a.Name, b.Name) })
	return c
}

// removal is a deletion, or of a bag the unsetting of all its fields.
func (r runner) removal(live reconcile.Live) reconcile.Change {
	if r.Kind.Rules().Bag {
		return r.towards(&live, reconcile.Resource{ID: live.ID})
	}
	return reconcile.Change{ID: live.ID, Action: reconcile.Delete, Why: reconcile.Declared, UID: live.UID}
}
