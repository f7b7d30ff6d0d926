package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"
)

// model is a cluster in memory and a journal beside it. It can be killed
// between any two things that happen.
type model struct {
	t       testing.TB
	things  map[ID]*Live
	rules   map[string]Rules
	journal [][]byte
	uids    int
	created map[ID]int // how often
	killAt  int        // the event that is the last; 0 is never
	events  int
	broken  error // what the journal answers
	now     time.Time
}

// killed is the panic of a process that dies.
type killed struct{}

func newModel(t testing.TB, have string) *model {
	m := &model{t: t, things: map[ID]*Live{}, rules: testRules(), created: map[ID]int{}, now: noon}
	for _, l := range living(t, have) {
		m.things[l.ID] = &l
	}
	return m
}

func (m *model) event(string) {
	m.events++
	if m.events == m.killAt {
		panic(killed{})
	}
}

// Replay folds the journal as it was written down.
func (m *model) Replay(context.Context) (*State, error) {
	state := NewState()
	for _, line := range m.journal {
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, err
		}
		state.Fold(e)
	}
	return state, nil
}

// Append dies before or after the entry is durable.
func (m *model) Append(_ context.Context, e Entry) error {
	m.event("before append")
	if m.broken != nil {
		return m.broken
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	m.journal = append(m.journal, line)
	m.event("after append")
	return nil
}

func (m *model) state() *State {
	m.t.Helper()
	state, err := m.Replay(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	return state
}

// memory is one kind of the model.
type memory struct {
	*model
	kind string
}

func (k memory) Name() string { return k.kind }
func (k memory) Rules() Rules { return k.rules[k.kind] }

func (k memory) Observe(context.Context, Scope) ([]Live, []Unobserved, error) {
	return nil, nil, errors.New("the model is looked at as a whole")
}

func (k memory) Apply(ctx context.Context, changes []Change, report func(...Outcome)) {
	for _, c := range changes {
		if ctx.Err() != nil {
			return
		}
		k.event("before apply")
		uid := k.apply(c)
		k.event("after apply")
		report(Outcome{ID: c.ID, UID: uid})
	}
}

func (m *model) apply(c Change) string {
	if c.Action == Delete {
		delete(m.things, c.ID)
		return ""
	}
	thing := m.things[c.ID]
	if thing == nil {
		m.uids++
		thing = &Live{ID: c.ID, Whole: true, Fields: map[string]Value{}, UID: fmt.Sprintf("new-%d", m.uids)}
		if m.rules[c.ID.Kind].Bag {
			thing.UID = ""
		}
		m.things[c.ID] = thing
		m.created[c.ID]++
	} else if c.Action == Create {
		m.t.Errorf("%s is created although it is there", c.ID)
	}
	for _, f := range c.Fields {
		m.set(thing, f)
	}
	if m.rules[c.ID.Kind].Bag && len(thing.Fields) == 0 {
		delete(m.things, c.ID)
	}
	return thing.UID
}

func (m *model) set(thing *Live, f FieldChange) {
	switch {
	case f.To.Is(Unset):
		delete(thing.Fields, f.Name)
	case f.To.Is(Secret):
		if _, ok := f.To.Plaintext(); !ok {
			m.t.Errorf("%s is set to a secret without its plaintext", thing.ID)
		}
		thing.Fields[f.Name] = WriteOnlyValue()
	default:
		thing.Fields[f.Name] = f.To
	}
}

func (m *model) live() []Live {
	out := make([]Live, 0, len(m.things))
	for _, l := range m.things {
		c := *l
		c.Fields = maps.Clone(l.Fields)
		out = append(out, c)
	}
	return out
}

func (m *model) diff(want string) Plan {
	m.t.Helper()
	w := world{want: want, state: m.state(), now: m.now, rules: m.rules}
	in := w.input(m.t)
	in.Have = m.live()
	return Diff(in).Confirmed(in.State.Confirmed("main", m.now))
}

func (m *model) runner() Runner {
	r := Runner{Size: 2, Kinds: map[string]Kind{}, Ledger: m, Now: func() time.Time { return m.now }, Step: m.event}
	for _, kind := range []string{"Topic", "ScramCredential", "AclSet", "QuotaEntity", "Job"} {
		r.Order, r.Kinds[kind] = append(r.Order, kind), memory{m, kind}
	}
	return r
}

// round is one round of the agent. It is false if it was killed.
func (m *model) round(want string) (lived bool) {
	m.t.Helper()
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(killed); !ok {
				panic(r)
			}
		}
	}()
	if _, err := m.runner().Run(m.t.Context(), m.diff(want)); err != nil {
		m.t.Fatalf("run: %v", err)
	}
	return true
}

// settled fails the test if another round would do anything, or the one after
// it would even write something down.
func (m *model) settled(want string) {
	m.t.Helper()
	p := m.diff(want)
	if todo := p.batched(); len(todo) > 0 {
		m.t.Errorf("still to do: %q", todo)
	}
	m.round(want)
	if p = m.diff(want); len(p.Batches(nil, 100)) > 0 {
		data, _ := json.MarshalIndent(p.Changes, "", " ")
		m.t.Errorf("not settled:\n%s\n%s", p.dump(), data)
	}
}

func (m *model) field(name, field string) Value {
	m.t.Helper()
	thing, ok := m.things[id(m.t, name)]
	if !ok {
		return Value{}
	}
	return thing.Field(field)
}
