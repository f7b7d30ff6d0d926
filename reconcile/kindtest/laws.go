package kindtest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

func (r runner) settles(t *testing.T) {
	for _, e := range r.Examples {
		t.Run(e.Name, func(t *testing.T) {
			r.hold(t, e.First)
			first := r.reach(t, e.First)
			next := r.reach(t, e.Next)
			if first.UID != next.UID {
				t.Errorf("a change made another thing of it: %s, before %s", next.UID, first.UID)
			}
		})
	}
}

func (r runner) repeats(t *testing.T) {
	for _, e := range r.Examples {
		t.Run(e.Name, func(t *testing.T) {
			r.hold(t, e.First)
			create := r.towards(r.find(t, e.First.ID), e.First)
			r.apply(t, create)
			first := r.shows(t, e.First)
			r.try(t.Context(), create) // may fail in words; must not harm
			if again := r.shows(t, e.First); again.UID != first.UID {
				t.Errorf("repeating made another thing of it: %s, before %s", again.UID, first.UID)
			}
			update := r.towards(&first, e.Next)
			r.apply(t, update)
			r.shows(t, e.Next)
			r.apply(t, update)
			r.shows(t, e.Next)
		})
	}
}

func (r runner) leavesNothing(t *testing.T) {
	for _, e := range r.Examples {
		t.Run(e.Name, func(t *testing.T) {
			r.hold(t, e.First)
			removal := r.removal(r.reach(t, e.First))
			r.apply(t, removal)
			r.gone(t, e.First.ID)
			r.apply(t, removal) // what is gone already is done
			r.gone(t, e.First.ID)
		})
	}
}

func (r runner) badItem(t *testing.T) {
	if r.Bad.ID.IsZero() {
		t.Skip("the subject has nothing that is refused")
	}
	if !r.Validates {
		t.Skip("this system takes everything: proven on a real one")
	}
	var changes []reconcile.Change
	for _, e := range r.Examples {
		r.hold(t, e.First)
		changes = append(changes, r.towards(nil, e.First))
	}
	r.hold(t, r.Bad)
	bad := r.towards(nil, r.Bad)
	changes = slices.Insert(changes, len(changes)/2, bad)
	outcomes := r.try(t.Context(), changes...)
	told := slices.ContainsFunc(outcomes, func(o reconcile.Outcome) bool { return o.ID == bad.ID && o.Failed != "" })
	if !told {
		t.Errorf("nothing says that %s failed: %v", bad.ID, outcomes)
	}
	for _, o := range outcomes {
		if o.ID != bad.ID && o.Failed != "" {
			t.Errorf("%s failed with it: %s", o.ID, o.Failed)
		}
	}
	for _, e := range r.Examples {
		r.shows(t, e.First)
	}
}

func (r runner) unowned(t *testing.T) {
	stranger, ours := r.Examples[0].First, r.Examples[1]
	r.hold(t, stranger)
	r.hold(t, ours.First)
	before := r.reach(t, stranger)
	r.reach(t, ours.First)
	r.reach(t, ours.Next)
	r.apply(t, r.removal(*r.find(t, ours.First.ID)))
	r.gone(t, ours.First.ID)
	if after := r.shows(t, stranger); after.UID != before.UID {
		t.Errorf("the thing nobody named is another one now: %s, before %s", after.UID, before.UID)
	}
}

func (r runner) named(t *testing.T) {
	there, absent := r.Examples[0].First, r.Examples[1].First
	r.hold(t, there)
	r.reach(t, there)
	for _, full := range []bool{false, true} {
		scope := reconcile.Scope{Full: full, Name: []reconcile.ID{there.ID, absent.ID}}
		lives, unseen, err := r.Kind.Observe(t.Context(), scope)
		if err != nil {
			t.Fatal(err)
		}
		count := make(map[reconcile.ID]int)
		for _, l := range lives {
			count[l.ID]++
		}
		for _, u := range unseen {
			t.Errorf("full %v: %s could not be observed: %s", full, u.ID, u.Reason)
		}
		if count[there.ID] != 1 {
			t.Errorf("full %v: %s is answered %d times", full, there.ID, count[there.ID])
		}
		if live, _ := r.observe(t.Context(), scope, absent.ID); live != nil && !r.Kind.Rules().Bag {
			t.Errorf("full %v: %s is not there and was answered", full, absent.ID)
		}
		delete(count, there.ID)
		delete(count, absent.ID) // an empty bag may be answered
		if !full && len(count) > 0 {
			t.Errorf("a look at two things answers for others: %v", slices.Collect(maps.Keys(count)))
		}
	}
	lives, unseen, err := r.Kind.Observe(t.Context(), reconcile.Scope{})
	if err != nil || len(lives)+len(unseen) > 0 {
		t.Errorf("a look at nothing sees something: %v %v %v", lives, unseen, err)
	}
}

func (r runner) narrow(t *testing.T) {
	for _, e := range r.Examples {
		t.Run(e.Name, func(t *testing.T) {
			r.hold(t, e.First)
			whole := r.reach(t, e.First)
			fields := slices.Sorted(maps.Keys(e.First.Fields))
			for name := range e.Next.Fields {
				fields = append(fields, name) // perhaps one that is not set
			}
			slices.Sort(fields)
			fields = slices.Compact(fields)
			live, err := r.observe(t.Context(), reconcile.Scope{
				Name: []reconcile.ID{e.First.ID}, Fields: map[reconcile.ID][]string{e.First.ID: fields},
			}, e.First.ID)
			if err != nil || live == nil {
				t.Fatalf("%v %v", live, err)
			}
			for _, name := range fields {
				if !live.Field(name).Same(whole.Field(name)) || !live.Defaults[name].Same(whole.Defaults[name]) {
					t.Errorf("%s is %s (default %s), in a whole look %s (default %s)", name,
						live.Field(name), live.Defaults[name], whole.Field(name), whole.Defaults[name])
				}
			}
			if live.UID != whole.UID {
				t.Errorf("the narrow look saw %s, the whole one %s", live.UID, whole.UID)
			}
		})
	}
}

func (r runner) masked(t *testing.T) {
	if r.Secret == "" {
		t.Skip("the subject holds no secret")
	}
	e := r.Examples[0]
	r.hold(t, e.First)
	c := r.towards(nil, e.First)
	outcomes := r.apply(t, c)
	live := r.shows(t, e.First)
	again := r.try(t.Context(), c)
	for _, v := range []any{c, outcomes, again, live, e.First} {
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(j), fmt.Sprint(v), fmt.Sprintf("%+v %#v %q %x", v, v, v, v)} {
			if strings.Contains(text, r.Secret) || strings.Contains(text, fmt.Sprintf("%x", r.Secret)) {
				t.Errorf("a %T prints its secret", v)
			}
		}
	}
}

func (r runner) held(t *testing.T) {
	e := r.Examples[0]
	r.hold(t, e.First)
	first := r.reach(t, e.First)
	c := r.towards(&first, e.Next)
	for i := range c.Fields {
		c.Fields[i].Fate.Held = "a person must confirm"
	}
	r.try(t.Context(), c)
	r.shows(t, e.First)
	removal := r.removal(first)
	removal.Fate.Held = "a person must confirm"
	r.try(t.Context(), removal)
	r.shows(t, e.First)
}

func (r runner) checks(t *testing.T) {
	checker, ok := r.Kind.(reconcile.Checker)
	if !ok {
		t.Skip("the kind does not check")
	}
	e := r.Examples[0]
	changes := []reconcile.Change{r.towards(nil, e.First)}
	if r.Validates && !r.Bad.ID.IsZero() {
		changes = append(changes, r.towards(nil, r.Bad))
	}
	verdicts, err := checker.Check(t.Context(), changes)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.ID != r.Bad.ID && v.Refused != "" {
			t.Errorf("%s is refused: %s", v.ID, v.Refused)
		}
	}
	if len(changes) == 2 && len(verdicts) == 0 {
		t.Errorf("%s is not refused", r.Bad.ID)
	}
	r.gone(t, e.First.ID)
}

func (r runner) cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	if _, _, err := r.Kind.Observe(ctx, reconcile.Scope{Full: true}); err == nil {
		t.Error("a look with a cancelled context has no error")
	}
	c := r.towards(nil, r.Examples[0].First)
	for _, o := range r.try(ctx, c) {
		if o.Failed == "" && !o.Unsure {
			t.Errorf("%s is reported as done", o.ID)
		}
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
	r.hold(t, r.Examples[0].First)
}
