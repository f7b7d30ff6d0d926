package reconcile

import (
	"fmt"
	"slices"
	"time"
)

// present compares a wanted thing that lives.
func (s *subject) present() {
	if s.live.Internal != "" {
		s.plan(Update, Fate{Refused: s.live.Internal})
		return
	}
	if s.hist == nil && !s.live.Whole {
		s.say("it has to be looked at whole before it is adopted")
		return
	}
	if s.hist == nil {
		s.adopt()
	}
	s.change.Action = Update
	for name, to := range s.want.Fields { // the result is sorted
		if !s.want.Ignore[name] {
			s.wanted(name, to)
		}
	}
	s.left()
	s.extra()
	s.marks()
}

// adopt begins ownership of something that was there. It takes nothing away:
// what is set and not declared is left alone.
func (s *subject) adopt() {
	if s.rules.Bag && len(s.live.Fields) == 0 {
		s.change.Notes.Begin = true
		return
	}
	s.change.Notes.Adopt = true
	if s.own != nil {
		s.say("what the ledger knew of %s was another one of that name: adopted anew", s.id)
	}
	for name, v := range s.live.Fields {
		_, declared := s.want.Fields[name]
		_, ours := s.intended[name]
		if !declared && !ours && s.rules.Field(name).Reset && set(v) {
			s.leaveAlone(name, v)
		}
	}
}

// set tells a field that somebody set explicitly.
func set(v Value) bool { return v.Is(Text) || v.Is(Secret) || v.Is(WriteOnly) }

// wanted compares one declared field.
func (s *subject) wanted(name string, to Value) {
	cur, rule := s.live.Field(name), s.rules.Field(name)
	if to.Is(Unmanaged) {
		s.unmanaged(name, cur)
		return
	}
	if cur.Is(Absent) || cur.Is(Unknown) {
		return
	}
	last := s.last(name)
	if s.agrees(name, rule, to, cur, last) {
		if s.hist == nil || !s.hist.Last[name].Same(to) {
			s.settle(name, to)
		}
		return
	}
	why := s.why(name, last, cur, to)
	if why == Adopted && s.change.Notes.Adopt {
		s.settle(name, UnknownValue())
	}
	s.step(name, rule, cur, to, why)
}

// unmanaged is a declared null: what is there is left alone, also after the
// null has left Git.
func (s *subject) unmanaged(name string, cur Value) {
	if s.hist == nil {
		if set(cur) {
			s.leaveAlone(name, cur)
		}
		return
	}
	if _, ours := s.hist.Last[name]; ours && cur.Is(Unset) {
		s.forget(name)
	}
	if set(cur) && !s.hist.Alone[name].Same(cur) {
		s.leaveAlone(name, cur)
	}
}

// last is what this field was when we last had our hands on it.
func (s *subject) last(name string) Value {
	if v, ok := s.intended[name]; ok {
		return v
	}
	if s.hist == nil {
		return UnknownValue()
	}
	if v, ok := s.hist.Last[name]; ok {
		return v
	}
	if v, ok := s.hist.Alone[name]; ok {
		return v
	}
	if s.rules.Field(name).Reset {
		return UnsetValue() // nobody ever declared it, and it was not there at adoption
	}
	return UnknownValue()
}

// agrees compares by meaning: a declared default that is not set live is no
// difference, and a secret that cannot be read back is compared by its print.
func (s *subject) agrees(name string, rule Rule, to, cur, last Value) bool {
	switch {
	case cur.Same(to):
		return true
	case cur.Is(WriteOnly):
		return last.Same(to)
	case cur.Is(Unset) && !rule.Pin:
		byDefault, ok := s.live.Defaults[name]
		return ok && byDefault.Same(to)
	default:
		return false
	}
}

// why classifies a difference; the order of the questions matters.
func (s *subject) why(name string, last, cur, to Value) Reason {
	switch {
	case s.hist == nil && s.rules.Bag && cur.Is(Unset):
		return Declared // nothing is there whose history could matter
	case last.Is(Unknown):
		return Adopted
	case last.Same(to):
		return Drifted
	case s.agrees(name, Rule{}, last, cur, last):
		return Declared
	default:
		return Conflict
	}
}

// step plans one field and says what keeps it.
func (s *subject) step(name string, rule Rule, from, to Value, why Reason) {
	f := FieldChange{Name: name, From: from, To: to, Why: why, Origins: s.want.Origin(name)}
	if why == Drifted && !s.driftFate(&f) {
		return
	}
	s.judge(&f, rule)
	if s.along[name] {
		s.dropField(name)
	}
	s.change.Fields = append(s.change.Fields, f)
	s.takeAlong(rule, f)
}

func (s *subject) dropField(name string) {
	s.change.Fields = slices.DeleteFunc(s.change.Fields, func(f FieldChange) bool { return f.Name == name })
}

// judge asks the rules of a field about a step.
func (s *subject) judge(f *FieldChange, rule Rule) {
	if rule.Check != nil {
		f.Fate.Refused = rule.Check(f.From, f.To)
	}
	if rule.Disrupts != nil {
		f.Risk = rule.Disrupts(f.From, f.To)
	}
	if rule.Loses == nil {
		return
	}
	loss := rule.Loses(s.filled(f.Name, f.From), s.filled(f.Name, f.To))
	if loss == "" {
		return
	}
	f.Risk, f.Irreversible = loss, true
	switch {
	case f.Why != Declared:
		f.Fate.Held = fmt.Sprintf("%s: %s", heldBecause(f.Why), loss)
	case f.To.Is(Unset):
		f.Fate.Held = "a line left out declares nothing: " + loss
	case s.unbound() != "":
		f.Fate.Held = s.unbound()
	}
}

func heldBecause(r Reason) string {
	switch r {
	case Drifted:
		return "somebody changed it by hand, perhaps on purpose"
	case Conflict:
		return "both Git and the live side moved"
	default:
		return "its history is unknown"
	}
}

// filled puts the default in place of Unset, for rules that compare sizes.
func (s *subject) filled(name string, v Value) Value {
	if byDefault, ok := s.live.Defaults[name]; ok && v.Is(Unset) {
		return byDefault
	}
	return v
}

// takeAlong adds the fields that have to be sent with this one.
func (s *subject) takeAlong(rule Rule, f FieldChange) {
	at := len(s.change.Fields) - 1
	for _, name := range rule.With {
		if slices.ContainsFunc(s.change.Fields, func(c FieldChange) bool { return c.Name == name }) {
			continue
		}
		with := s.companion(name)
		if _, have := with.Plaintext(); s.rules.Field(name).Needed != "" && !have {
			s.change.Fields[at].Fate.Refused = fmt.Sprintf("the %s is not known to us, and Kafka wants it for this change", name)
			return
		}
		if with.Is(Text) || with.Is(Secret) {
			if s.along == nil {
				s.along = map[string]bool{}
			}
			s.along[name] = true
			s.change.Fields = append(s.change.Fields, FieldChange{
				Name: name, From: s.live.Field(name), To: with, Why: f.Why, Fate: f.Fate, Origins: s.want.Origin(name),
			})
		}
	}
}

// companion is the value to send along: as declared, else as it was, else as
// it is.
func (s *subject) companion(name string) Value {
	if v, ok := s.want.Fields[name]; ok {
		return v
	}
	if s.hist != nil && set(s.hist.Last[name]) {
		return s.hist.Last[name]
	}
	return s.live.Field(name)
}

// driftFate applies the drift mode and fight detection. It is false where
// drift is not even looked at.
func (s *subject) driftFate(f *FieldChange) bool {
	switch s.driftMode() {
	case DriftOff:
		return false
	case DriftReport:
		f.Fate.Reported = "drift is only reported here"
	default:
		f.Fate.Waiting = s.fight(f.Name, f.From, f.To)
	}
	return true
}

// left deals with fields we applied and Git no longer declares.
func (s *subject) left() {
	last := s.intended
	if s.hist != nil {
		last = s.hist.Last
	}
	for name, v := range last {
		if _, declared := s.want.Fields[name]; !declared && !s.want.Ignore[name] {
			s.leftGit(name, v)
		}
	}
}

func (s *subject) leftGit(name string, last Value) {
	rule, cur := s.rules.Field(name), s.live.Field(name)
	switch {
	case cur.Is(Absent) || cur.Is(Unknown):
	case rule.Watch:
		s.watched(name, rule, last, cur)
	case !rule.Reset || cur.Is(Unset):
		s.forget(name)
	case last.Is(Unknown):
		s.leaveAlone(name, cur) // it was adopted with another value, and never ours
	case s.agrees(name, Rule{}, last, cur, last):
		s.step(name, rule, cur, UnsetValue(), Declared)
	default:
		s.step(name, rule, cur, UnsetValue(), Conflict)
	}
}

func (s *subject) watched(name string, rule Rule, last, cur Value) {
	if !cur.Same(last) && !last.Is(Unknown) {
		s.step(name, rule, cur, last, Drifted)
	}
}

// extra deals with what is set live and was never declared: on a thing we own
// it is drift, unless it was left alone at adoption.
func (s *subject) extra() {
	if s.hist == nil {
		return
	}
	for name, cur := range s.live.Fields {
		_, declared := s.want.Fields[name]
		_, ours := s.hist.Last[name]
		if !declared && !ours && !s.want.Ignore[name] {
			s.extraField(name, cur)
		}
	}
	for name := range s.hist.Alone {
		if _, declared := s.want.Fields[name]; !declared && s.live.Field(name).Is(Unset) {
			s.forget(name)
		}
	}
}

func (s *subject) extraField(name string, cur Value) {
	rule := s.rules.Field(name)
	alone, left := s.hist.Alone[name]
	switch {
	case !set(cur):
	case rule.Watch:
		s.settle(name, cur)
	case !rule.Reset:
	case left && !alone.Same(cur):
		s.leaveAlone(name, cur)
	case !left:
		s.step(name, rule, cur, UnsetValue(), Drifted)
	}
}

const (
	fightHeals = 5                // within an hour make a fight
	fightPause = 15 * time.Minute // before the next try, doubled with every further heal
	fightMost  = 4 * time.Hour
)

// fight tells another writer from plain drift: the same field healed five times
// within an hour. It returns words while the pause before the next try lasts.
func (s *subject) fight(field string, live, declared Value) string {
	if s.hist == nil {
		return ""
	}
	heals := s.hist.Heals[field]
	if !fought(heals) {
		return ""
	}
	pause := min(fightPause<<min(len(heals)-fightHeals, 6), fightMost)
	again := heals[len(heals)-1].Add(pause)
	if !s.Now.Before(again) {
		return ""
	}
	return fmt.Sprintf("another writer sets %v, Git says %v: healed %d times, trying again at %s",
		live, declared, len(heals), again.UTC().Format("15:04 MST"))
}

func fought(heals []time.Time) bool {
	for i := fightHeals - 1; i < len(heals); i++ {
		if heals[i].Sub(heals[i-fightHeals+1]) <= time.Hour {
			return true
		}
	}
	return false
}
