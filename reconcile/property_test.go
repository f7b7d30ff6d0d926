package reconcile

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// dice makes worlds of few names and few values, so that they collide.
type dice struct{ *rand.Rand }

func (d dice) one(of ...string) string { return of[d.IntN(len(of))] }

func (d dice) id() ID {
	return ID{d.one("Topic", "Topic", "AclSet", "QuotaEntity", "ScramCredential", "Job"), d.one("a", "b", "c")}
}

func (d dice) value() Value {
	return []Value{TextOf("1"), TextOf("2"), TextOf("3"), TextOf("3"), UnmanagedValue()}[d.IntN(5)]
}

func (d dice) fields(n int, value func() Value) map[string]Value {
	out := map[string]Value{}
	for range d.IntN(n) {
		out[d.one("partitions", "config.retention.ms", "config.a", "config.b", "iterations")] = value()
	}
	return out
}

func (d dice) text() Value { return TextOf(d.one("1", "2", "3")) }

func (d dice) want() []Resource {
	byID := map[ID]Resource{}
	for range d.IntN(9) {
		r := Resource{ID: d.id(), Fields: d.fields(5, d.value), Keep: d.IntN(9) == 0, Drift: DriftMode(d.one("", "", "", "report", "off"))}
		r.Skip = d.one("", "", "", "", "", "paused", SkipUnmanaged)
		if r.ID.Kind == "ScramCredential" {
			r.Fields = map[string]Value{"password": SecretOf(d.one("x", "y")), "iterations": d.text()}
		}
		if r.ID.Kind == "Job" && d.IntN(2) == 0 {
			r.Claims = []ID{d.id()}
		}
		byID[r.ID] = r
	}
	return Seal([]byte("test key"), slices.Collect(maps.Values(byID)))
}

func (d dice) have() []Live {
	byID := map[ID]Live{}
	for range d.IntN(12) {
		l := Live{ID: d.id(), Fields: d.fields(5, d.text), Whole: d.IntN(6) > 0, UID: d.one("", "u1", "u2"), Done: d.IntN(2) == 0}
		if l.ID.Kind == "ScramCredential" {
			l.Fields = map[string]Value{"password": WriteOnlyValue(), "iterations": d.text()}
		}
		byID[l.ID] = l
	}
	return slices.Collect(maps.Values(byID))
}

func (d dice) fate() (f Fate) {
	switch d.IntN(8) {
	case 0:
		f.Held = "h"
	case 1:
		f.Refused = "r"
	case 2:
		f.Waiting = "w"
	}
	return f
}

func (d dice) change() Change {
	c := Change{ID: d.id(), Action: Action(d.one("create", "update", "delete", "note")), Cluster: "cluster-1", UID: d.one("", "u1", "u2"), Why: Reason(d.one("", "drifted"))}
	for name, v := range d.fields(4, d.value) {
		c.Fields = append(c.Fields, FieldChange{Name: name, From: d.value(), To: v, Why: Reason(d.one("declared", "drifted", "adopted")), Fate: d.fate()})
	}
	zero := time.Time{}
	c.Notes = Notes{
		Adopt: d.IntN(3) == 0, Begin: d.IntN(9) == 0, TakenFrom: d.one("", "", "main", "b", "nowhere"), Release: d.one("", "", "", "gone"),
		Settled: d.fields(3, d.value), Alone: d.fields(3, d.text), Resolved: d.IntN(3) == 0,
		Seen: Digest(d.one("", "s")), Carried: Digest(d.one("", "", "c")), Finished: d.IntN(3) == 0,
	}
	if d.IntN(3) == 0 {
		c.Notes.Forget = []string{"config.a"}
	}
	if d.IntN(4) == 0 {
		c.Notes.Missing, c.Notes.Marks = &zero, &Marks{Keep: d.IntN(2) == 0}
	}
	if d.IntN(4) == 0 {
		c.Claims, c.OneShot, c.Confirmed = []ID{d.id()}, "s", "d1"
	}
	return c
}

func (d dice) entry(at time.Time) Entry {
	e := Entry{Time: at, Sync: d.one("main", "main", "b", ""), Revision: "r"}
	switch d.IntN(8) {
	case 0:
		e.Bind = &Binding{Cluster: d.one("cluster-1", "cluster-2")}
	case 1:
		e.Confirm = []Digest{"d1", "d2"}
	case 2, 3, 4:
		e.Outcomes = []Outcome{{ID: d.id(), UID: d.one("", "u1"), Failed: d.one("", "", "x"), Unsure: d.IntN(5) == 0, Fields: []string{"config.a", "nothing"}[:d.IntN(3)]}}
	case 5, 6:
		e.Intent = []Change{d.change(), d.change()}
	}
	return e
}

func (d dice) state() *State {
	s := NewState()
	for i := range d.IntN(40) {
		s.Fold(d.entry(noon.Add(time.Duration(i-40) * time.Minute)))
	}
	return s
}

func (d dice) input() Input {
	in := Input{Sync: "main", Revision: "r", Now: noon, Binding: Binding{Cluster: "cluster-1"}, Scope: Scope{Full: true}, Want: d.want(), Have: d.have(), State: d.state(), Rules: testRules()}
	if d.IntN(4) == 0 {
		in.Scope = Scope{Name: []ID{d.id(), d.id()}}
	}
	if d.IntN(4) == 0 {
		in.Unknown = []Unobserved{{d.id(), "x"}, {ID{Kind: d.one("Topic", "AclSet")}, "y"}}[:1+d.IntN(2)]
	}
	if d.IntN(3) == 0 {
		in.Others = map[string]Claimant{"b": {Known: d.IntN(3) > 0, IDs: map[ID]bool{d.id(): true}}}
	}
	return in
}

func forMany(t *testing.T, prove func(*testing.T, dice)) {
	for seed := range uint64(800) {
		prove(t, dice{rand.New(rand.NewPCG(seed, 1))})
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestOrderOfInputNeverMattersAndInputIsNeverChanged(t *testing.T) {
	forMany(t, func(t *testing.T, d dice) {
		in := d.input()
		before, first := asJSON(t, in.State), asJSON(t, Diff(in))
		d.Shuffle(len(in.Want), func(i, j int) { in.Want[i], in.Want[j] = in.Want[j], in.Want[i] })
		d.Shuffle(len(in.Have), func(i, j int) { in.Have[i], in.Have[j] = in.Have[j], in.Have[i] })
		slices.Reverse(in.Unknown)
		mustEqual(t, "the plan", asJSON(t, Diff(in)), first)
		mustEqual(t, "the state", asJSON(t, in.State), before)
	})
}

func TestNothingUnownedIsEverDeletedOrUnset(t *testing.T) {
	forMany(t, func(t *testing.T, d dice) {
		in := d.input()
		section, other := in.State.Section("main"), in.State.Section("b")
		for _, c := range Diff(in).Changes {
			own := section.Owned[c.ID]
			_, asked := section.Pending[c.ID]
			if c.Notes.TakenFrom != "" {
				own = other.Owned[c.ID]
				_, asked = other.Pending[c.ID]
			}
			if c.Action == Delete && own == nil {
				t.Errorf("%s is deleted", c.ID)
			}
			for _, f := range c.Fields {
				if own == nil && !asked && f.To.Is(Unset) && !c.Notes.Adopt {
					t.Errorf("%s %s is unset", c.ID, f.Name)
				}
				if own != nil && f.To.Is(Unset) && own.Alone[f.Name].Same(f.From) && own.Cluster == in.Binding.Cluster && own.Last[f.Name].Is(Absent) && !asked {
					t.Errorf("%s %s was left alone and is unset", c.ID, f.Name)
				}
			}
		}
	})
}

func TestAPlanSpeaksOfNothingOutsideItsScopeNorOfWhatIsUnknown(t *testing.T) {
	forMany(t, func(t *testing.T, d dice) {
		in := d.input()
		for _, c := range Diff(in).Changes {
			if !in.Scope.Full && !slices.Contains(in.Scope.Name, c.ID) && c.ID.Kind != BindingKind {
				t.Errorf("%s is out of scope", c.ID)
			}
			for _, u := range in.Unknown {
				if (u.ID == c.ID || u.ID == ID{Kind: c.ID.Kind}) && c.Action != Note {
					t.Errorf("%s is unknown", c.ID)
				}
			}
		}
	})
}

func TestNothingThatIsKeptIsEverInABatch(t *testing.T) {
	forMany(t, func(t *testing.T, d dice) {
		p := Plan{Changes: []Change{d.change(), d.change(), d.change()}}
		p = p.Guarded(Wipe(limits), Deletions(map[string]bool{"Topic": d.IntN(2) == 0}))
		for _, batch := range p.Batches([]string{"Topic"}, 2) {
			for _, c := range batch {
				if c.Action != Note && (!c.Fate.Clear() || slices.ContainsFunc(c.Fields, func(f FieldChange) bool { return !f.Fate.Clear() })) {
					t.Errorf("%s is kept and goes ahead", c.ID)
				}
			}
		}
	})
}

func TestFoldIsTotalAndAStateMeansTheSameAsJSON(t *testing.T) {
	forMany(t, func(t *testing.T, d dice) {
		in := d.input()
		first := asJSON(t, Diff(in))
		var back State
		if err := json.Unmarshal([]byte(asJSON(t, in.State)), &back); err != nil {
			t.Fatal(err)
		}
		in.State = &back
		mustEqual(t, "the plan", asJSON(t, Diff(in)), first)
		e := d.entry(noon)
		back.Fold(e)
		first = asJSON(t, Diff(in))
		var again State
		if err := json.Unmarshal([]byte(asJSON(t, &back)), &again); err != nil {
			t.Fatal(err)
		}
		in.State = &again
		mustEqual(t, "the plan after another entry", asJSON(t, Diff(in)), first)
	})
}

// From any cluster and any revision one round leads to what is wanted: the
// next has nothing to do, and what nobody declared is as it was.
func TestApplyingADiffGivesWhatIsWanted(t *testing.T) {
	forMany(t, func(t *testing.T, d dice) {
		m := &model{t: t, things: map[ID]*Live{}, rules: losslessRules(), created: map[ID]int{}, now: noon}
		for _, l := range d.have() {
			l.Whole = true
			m.things[l.ID] = &l
		}
		before, declared := m.live(), map[ID]map[string]bool{}
		for range 2 + d.IntN(2) {
			w := d.want()
			for i := range w {
				w[i].Skip, w[i].Drift, w[i].Claims = "", "", nil
			}
			w = slices.DeleteFunc(w, func(r Resource) bool { return r.ID.Kind == "Job" })
			in := Input{Sync: "main", Now: noon, Binding: home, Scope: Scope{Full: true}, Want: w, Have: m.live(), State: m.state(), Rules: m.rules}
			for _, f := range []func(){func() {}, func() { in.Have, in.State = m.live(), m.state() }} {
				f()
				if _, err := m.runner().Run(t.Context(), Diff(in)); err != nil {
					t.Fatal(err)
				}
			}
			m.agrees(w)
			in.Have, in.State = m.live(), m.state()
			if p := Diff(in); len(p.batched()) > 0 {
				t.Errorf("still to do: %v", p.batched())
			}
			for _, r := range w {
				if declared[r.ID] == nil {
					declared[r.ID] = map[string]bool{}
				}
				for name := range r.Fields {
					declared[r.ID][name] = true
				}
			}
			m.untouched(before, declared)
		}
	})
}

// losslessRules let everything go ahead.
func losslessRules() map[string]Rules {
	rules := testRules()
	for kind, r := range rules {
		r.Recreate = true
		if kind != "ScramCredential" {
			r.Field = func(string) Rule { return Rule{Reset: true} }
		}
		rules[kind] = r
	}
	return rules
}

func (m *model) agrees(want []Resource) {
	for _, r := range want {
		for name, v := range r.Fields {
			if got := m.field(r.ID.String(), name); v.Is(Text) && !got.Same(v) {
				m.t.Errorf("%s %s is %v, want %v", r.ID, name, got, v)
			}
		}
	}
}

// untouched: what never was declared is as it was.
func (m *model) untouched(before []Live, declared map[ID]map[string]bool) {
	for _, l := range before {
		for name, v := range l.Fields {
			if got := m.field(l.ID.String(), name); !declared[l.ID][name] && !got.Same(v) {
				m.t.Errorf("%s %s was %v, is %v, and was never declared", l.ID, name, v, got)
			}
		}
		if !m.rules[l.ID.Kind].Bag && m.things[l.ID] == nil {
			m.t.Errorf("%s was not made by us and is gone", l.ID)
		}
	}
}
