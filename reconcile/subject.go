package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// subject is one live thing on its way through a diff.
type subject struct {
	*differ
	id       ID
	want     Resource
	declared bool
	live     Live
	seen     bool
	rules    Rules
	own      *Owned // what we remember of it; nil if it is not ours
	hist     *Owned // own, where it is still the same thing on the same cluster
	pending  *Change
	intended map[string]Value // of an intent without an outcome, what live shows
	along    map[string]bool  // fields that only came along with another
	change   Change
}

func (d *differ) subject(id ID) *subject {
	s := &subject{differ: d, id: id, rules: d.Rules[id.Kind], own: d.section.Owned[id]}
	s.want, s.declared = d.want[id]
	s.live, s.seen = d.live[id]
	if s.rules.Bag && !s.seen {
		s.live = Live{ID: id, Whole: true} // an empty bag and no bag are one thing
	}
	if p, ok := d.section.Pending[id]; ok {
		s.pending, s.intended = &p, map[string]Value{}
	}
	s.change = Change{ID: id, Action: Note, Cluster: d.Binding.Cluster, UID: s.live.UID, Needs: s.want.Needs, Origins: s.want.Origin("")}
	s.remember()
	s.recall()
	return s
}

// remember decides whether what the ledger knows is about this very thing: a
// topic's id and the cluster's id say so, its name does not.
func (s *subject) remember() {
	s.hist = nil
	if s.own != nil && s.own.Cluster == s.Binding.Cluster &&
		(s.own.UID == "" || s.live.UID == "" || s.own.UID == s.live.UID) {
		s.hist = s.own
	}
}

// recall takes an intent without an outcome for done where live shows it: that
// is what was last applied, whatever Git says by now.
func (s *subject) recall() {
	p := s.pending
	if p == nil || p.Cluster != s.Binding.Cluster || p.UID != "" && s.live.UID != "" && p.UID != s.live.UID {
		return
	}
	for _, f := range p.Fields {
		if s.shows(f) {
			s.recalled(f)
		}
	}
}

// shows tells whether live is as the intent would have made it. A secret that
// cannot be read is there only if the intent created what holds it.
func (s *subject) shows(f FieldChange) bool {
	cur := s.live.Field(f.Name)
	return f.To.Same(cur) || cur.Is(WriteOnly) && s.pending.Action == Create && f.To.Is(Secret)
}

func (s *subject) recalled(f FieldChange) {
	s.intended[f.Name] = f.To
	if s.hist != nil {
		own := *s.hist
		own.Last, own.Alone = maps.Clone(own.Last), maps.Clone(own.Alone)
		own.applied(FieldChange{Name: f.Name, To: f.To}, s.Now)
		s.hist = &own
	}
	if f.To.Is(Unset) {
		s.forget(f.Name)
	} else {
		s.settle(f.Name, f.To)
	}
}

// foreignRefuses deals with a thing that another sync owns: while that sync
// declares it, it keeps it; otherwise it is handed over with its history.
func (s *subject) foreignRefuses() bool {
	owner := s.owners[s.id]
	if owner == "" || s.own != nil {
		return false
	}
	other, configured := s.Others[owner]
	switch {
	case configured && !other.Known:
		s.plan(Update, Fate{Waiting: fmt.Sprintf("sync %s owns it and has no good revision yet", owner)})
		return true
	case configured && other.IDs[s.id]:
		s.plan(Update, Fate{Refused: fmt.Sprintf("sync %s owns and still declares it", owner)})
		return true
	}
	section := s.State.Sections[owner]
	s.own, s.change.Notes.TakenFrom = section.Owned[s.id], owner
	if p, ok := section.Pending[s.id]; ok {
		s.pending, s.intended = &p, map[string]Value{}
	}
	s.remember()
	s.recall()
	return false
}

func (s *subject) plan(action Action, fate Fate) {
	s.change.Action = action
	s.change.Fate = join(s.change.Fate, fate)
}

// join keeps the first reason of each sort, and all that a person has to weigh
// before confirming.
func join(a, b Fate) Fate {
	if a.Held != "" && b.Held != "" && !strings.Contains(a.Held, b.Held) {
		a.Held += "; " + b.Held
	}
	keep := func(a, b string) string {
		if a == "" {
			return b
		}
		return a
	}
	return Fate{keep(a.Held, b.Held), keep(a.Waiting, b.Waiting), keep(a.Refused, b.Refused), keep(a.Reported, b.Reported), keep(a.Together, b.Together)}
}

func (s *subject) say(format string, args ...any) {
	s.change.Notes.Words = append(s.change.Notes.Words, fmt.Sprintf(format, args...))
}

func (s *subject) settle(name string, v Value) {
	if s.change.Notes.Settled == nil {
		s.change.Notes.Settled = map[string]Value{}
	}
	s.change.Notes.Settled[name] = v
}

func (s *subject) forget(name string) {
	s.change.Notes.Forget = append(s.change.Notes.Forget, name)
}

func (s *subject) leaveAlone(name string, seen Value) {
	if s.change.Notes.Alone == nil {
		s.change.Notes.Alone = map[string]Value{}
	}
	s.change.Notes.Alone[name] = seen
}

func (s *subject) driftMode() DriftMode {
	switch {
	case s.want.Drift != "":
		return s.want.Drift
	case s.rules.Drift != "":
		return s.rules.Drift
	default:
		return DriftHeal
	}
}

// marks remembers what outlives the document.
func (s *subject) marks() {
	marks, was := Marks{Keep: s.want.Keep, Skip: s.want.Skip}, Marks{}
	begins := s.change.Notes.Adopt || s.change.Notes.Begin
	if s.own != nil && !begins {
		was = s.own.Marks
	}
	owned := s.own != nil || begins || s.change.Action == Create
	if owned && marks != was {
		s.change.Notes.Marks = &Marks{marks.Keep, marks.Skip}
	}
	if s.own != nil && !s.own.Missing.IsZero() {
		s.change.Notes.Missing = new(time.Time)
	}
}

// resolve closes an intent left open by a crash or a time-out: what live shows
// of it has been settled by now, the rest is planned anew.
func (s *subject) resolve() {
	s.change.Notes.Resolved = s.change.Notes.Resolved || s.pending != nil
}

// claimed makes everything wait that a running job works on.
func (s *subject) claimed() {
	if s.change.Action == Note {
		return
	}
	for _, id := range append([]ID{s.id}, s.change.Claims...) {
		if job, ok := s.claims[id]; ok && job != s.id {
			s.change.Fate = join(s.change.Fate, Fate{Waiting: fmt.Sprintf("%s works on %s", s.jobName(job), id)})
		}
	}
}

// jobName is what people call a job.
func (s *subject) jobName(job ID) string { return firstOf(s.differ.live[job].ClaimBy, job.String()) }

func (s *subject) result() (Change, bool) {
	c := s.change
	slices.SortFunc(c.Fields, func(a, b FieldChange) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(c.Notes.Forget)
	if c.Action == Update && len(c.Fields) == 0 && c.Fate.Clear() {
		c.Action = Note
	}
	if c.Action == Note && !c.Notes.durable() && len(c.Notes.Words) == 0 {
		return Change{}, false
	}
	return c, true
}

// durable tells bookkeeping that has to be written down.
func (n Notes) durable() bool {
	return n.Adopt || n.Begin || n.Resolved || n.Finished || n.TakenFrom != "" || n.Release != "" || n.Seen != "" || n.Carried != "" ||
		len(n.Settled) > 0 || len(n.Forget) > 0 || len(n.Alone) > 0 || n.Missing != nil || n.Marks != nil
}

// goesAhead tells whether anything of the change would be carried out.
func (c Change) goesAhead() bool {
	_, some := c.Effective()
	return some && c.Action != Note
}

// Effective is the part of a change that is carried out now: without the
// fields that are held, waiting, refused or only reported. A change of which
// only bookkeeping is left becomes a note. It is false when nothing is left.
func (c Change) Effective() (Change, bool) {
	asNote := func() (Change, bool) {
		if c.Action == Create {
			c.Notes.Marks = nil // of what is not ours yet
		}
		c.Action, c.Fields, c.Fate = Note, nil, Fate{}
		return c, c.Notes.durable()
	}
	if c.Action == Note || !c.Fate.Clear() {
		return asNote()
	}
	clear := make([]FieldChange, 0, len(c.Fields))
	for _, f := range c.Fields {
		if f.Fate.Clear() {
			clear = append(clear, f)
		}
	}
	refused := len(clear) < len(c.Fields)
	if c.Action == Create && refused || c.Action == Update && len(clear) == 0 {
		return asNote()
	}
	c.Fields = clear
	return c, true
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
