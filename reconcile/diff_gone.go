package reconcile

import (
	"fmt"
	"time"
)

// absent plans a wanted thing that does not live.
func (s *subject) absent() {
	s.change.Action, s.change.Why = Create, Declared
	switch {
	case s.deletedByUs():
		s.change.Notes.Release = "deleted by us"
	case s.hist != nil:
		s.lost()
	}
	for _, name := range sortedNames(s.want.Fields) {
		s.createField(name, s.want.Fields[name])
	}
	s.needed()
	s.marks()
	if s.driftMode() == DriftOff && s.change.Why == Drifted {
		s.change.Action, s.change.Why, s.change.Fate, s.change.Fields = Note, "", Fate{}, nil
	}
}

// deletedByUs: a delete whose outcome was never written, and which happened.
func (s *subject) deletedByUs() bool { return s.pending != nil && s.pending.Action == Delete }

// lost is a thing we own that somebody deleted.
func (s *subject) lost() {
	s.change.Why = Drifted
	if s.driftMode() == DriftReport {
		s.plan(Create, Fate{Reported: "drift is only reported here"})
	}
	if words := s.fight("", UnsetValue(), TextOf("present")); words != "" {
		s.plan(Create, Fate{Waiting: words})
	}
	if !s.rules.Recreate {
		s.plan(Create, Fate{Held: "deleted by hand: what is created now is empty (set recreate: true on the sync to allow it always)"})
	}
}

func (s *subject) createField(name string, to Value) {
	if to.Is(Unmanaged) || s.want.Ignore[name] {
		return
	}
	s.change.Fields = append(s.change.Fields, FieldChange{
		Name: name, From: UnsetValue(), To: to, Why: s.change.Why, Origins: s.want.Origin(name),
	})
}

// needed refuses a create that lacks a field it cannot do without.
func (s *subject) needed() {
	for _, name := range sortedNames(s.want.Fields) {
		if words := s.rules.Field(name).Needed; words != "" && !s.want.Fields[name].Is(Secret) && !s.want.Fields[name].Is(Text) {
			s.plan(Create, Fate{Refused: words})
		}
	}
}

// skipped is declared and not touched. What its annotations say is remembered,
// for the day its document is gone.
func (s *subject) skipped() {
	s.say("%s", s.want.Skip)
	s.bornUnseen()
	if s.want.Skip == SkipUnmanaged {
		if s.own != nil {
			s.change.Notes.Release = SkipUnmanaged
		}
		return
	}
	if s.own != nil {
		s.marks()
	}
}

// undeclared is owned, or was intended, and Git does not have it.
func (s *subject) undeclared() {
	switch elsewhere := s.declaredElsewhere(s.id); {
	case s.own == nil && s.pending == nil:
		s.freeClaims()
	case elsewhere != "" && s.own == nil: // an intent of ours, and theirs to find
		s.change.Notes.Settled, s.change.Notes.Forget = nil, nil
	case elsewhere != "":
		s.say("sync %s declares it now, and takes it over", elsewhere)
	case s.own == nil:
		s.strayIntent()
	case s.own.Marks.Keep:
		s.change.Notes.Release = "it left Git with ottla.io/prune: disabled: kept, and no longer ours"
	case !s.seen && !s.rules.Bag:
		s.change.Notes.Release = "gone"
		s.freeClaims()
	case s.hist == nil:
		s.change.Notes.Release = "another one of that name lives, and it is not ours"
	case s.rules.Bag:
		s.empty()
	case s.rules.OneShot && s.live.Done:
		s.change.Notes.Release = "carried out"
		s.freeClaims()
	default:
		s.remove()
	}
}

// strayIntent is a create whose outcome is unknown and whose document is gone:
// what is found is recorded as adopted, so that it can be seen and removed.
func (s *subject) strayIntent() {
	s.freeClaims()
	if s.pending.Action == Delete || s.owners[s.id] != "" || !s.seen && !s.rules.Bag {
		return
	}
	s.change.Notes.Adopt = !s.rules.Bag || len(s.change.Notes.Settled) > 0
	if s.change.Notes.Adopt && s.rules.OneShot {
		s.change.Notes.Carried = s.pending.OneShot
	}
}

// freeClaims lets go of what a job worked on, once it has ended or was never
// begun.
func (s *subject) freeClaims() {
	if s.rules.OneShot && (!s.seen || s.live.Done) && s.claiming() {
		s.change.Notes.Finished = true
	}
}

func (s *subject) claiming() bool {
	for _, job := range s.section.Claims {
		if job == s.id {
			return true
		}
	}
	return false
}

// goneFate is what keeps anything from being taken away because Git no longer
// has it.
func (s *subject) goneFate() Fate {
	fate := Fate{Waiting: s.grace(), Held: s.unbound()}
	for _, name := range s.others {
		if !s.Others[name].Known {
			fate.Waiting = fmt.Sprintf("sync %s has no good revision yet, and may declare it", name)
		} else if doubt := s.Others[name].Doubt; doubt != "" {
			fate.Waiting = fmt.Sprintf("it may have moved to sync %s, whose %s", name, doubt)
		}
	}
	if s.own.Marks.Skip != "" {
		fate = join(fate, Fate{Held: "its document left Git while it was " + s.own.Marks.Skip})
	}
	return fate
}

// grace starts the clock of a thing that left Git, and says while it runs.
func (s *subject) grace() string {
	since := s.own.Missing
	if since.IsZero() {
		since = s.Now
		s.change.Notes.Missing = &since
	}
	until := since.Add(s.rules.Grace)
	if !s.Now.Before(until) {
		return ""
	}
	return fmt.Sprintf("it left Git; deleted after %s", until.UTC().Format(time.RFC3339))
}

// remove plans the deletion of a thing that we own and nobody declares.
func (s *subject) remove() {
	s.change.Why = Declared
	s.plan(Delete, s.goneFate())
	if !s.own.Created && !s.rules.OneShot {
		s.plan(Delete, Fate{Held: "it was adopted, not created by us"})
	}
	if s.live.Internal != "" {
		s.plan(Delete, Fate{Refused: s.live.Internal})
	}
}

// empty takes back what we put into a bag, and leaves alone what we did not.
func (s *subject) empty() {
	fate := s.goneFate()
	s.change.Action = Update
	ours := 0
	for _, name := range s.putInto() {
		if cur := s.live.Field(name); set(cur) {
			ours++
			s.step(name, s.rules.Field(name), cur, UnsetValue(), Declared)
		}
	}
	for i := range s.change.Fields {
		s.change.Fields[i].Fate = join(s.change.Fields[i].Fate, fate)
	}
	if ours == 0 {
		s.change.Notes = Notes{Release: "nothing of ours is left in it"}
	}
}

// putInto lists what we put into a bag.
func (s *subject) putInto() []string {
	ours := map[string]bool{}
	for name, v := range s.hist.Last {
		if !v.Is(Unknown) {
			ours[name] = true
		}
	}
	return sortedNames(ours)
}
