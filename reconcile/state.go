package reconcile

import (
	"maps"
	"slices"
	"time"
)

const (
	// confirmFor is how long a confirmation holds.
	confirmFor = 24 * time.Hour
	// deletedFor is how long a deletion counts for the wipe guard.
	deletedFor = time.Hour
	// healedFor is how long a heal counts for a fight.
	healedFor = 24 * time.Hour
)

// NewState is the state of an empty journal.
func NewState() *State { return &State{Sections: map[string]*Section{}} }

// Whole tells a state that was read from a snapshot without nulls where Fold
// expects things.
func (s *State) Whole() bool {
	if s == nil {
		return false
	}
	for _, section := range s.Sections {
		if section == nil {
			return false
		}
		for _, owned := range section.Owned {
			if owned == nil {
				return false
			}
		}
	}
	return true
}

// Section returns the section of a sync, making it if needed.
func (s *State) Section(sync string) *Section {
	if s.Sections == nil {
		s.Sections = map[string]*Section{}
	}
	sec, ok := s.Sections[sync]
	if !ok {
		sec = &Section{}
		s.Sections[sync] = sec
	}
	sec.fill()
	return sec
}

// fill makes the maps that JSON left out.
func (s *Section) fill() {
	if s.Owned == nil {
		s.Owned = map[ID]*Owned{}
	}
	if s.Pending == nil {
		s.Pending = map[ID]Change{}
	}
	if s.OneShots == nil {
		s.OneShots = map[ID]OneShot{}
	}
	if s.Claims == nil {
		s.Claims = map[ID]ID{}
	}
	if s.Confirms == nil {
		s.Confirms = map[Digest]time.Time{}
	}
}

// Owner returns the sync that owns a thing, "" if none does.
func (s *State) Owner(id ID) string {
	for sync, sec := range s.Sections {
		if _, ok := sec.Owned[id]; ok {
			return sync
		}
	}
	return ""
}

// Confirmed returns the confirmations of a sync that still hold at now.
func (s *State) Confirmed(sync string, now time.Time) map[Digest]bool {
	out := map[Digest]bool{}
	for d, at := range s.Section(sync).Confirms {
		if now.Sub(at) < confirmFor {
			out[d] = true
		}
	}
	return out
}

// Fold takes one entry of the journal into the state. Folding is total: an
// entry that names what is not there changes nothing.
func (s *State) Fold(e Entry) {
	sec := s.Section(e.Sync)
	switch {
	case e.Accepted != "":
		sec.Accepted = e.Accepted
	case e.Bind != nil:
		if was := sec.Binding; was != (Binding{}) && (was.Repository != e.Bind.Repository || was.Ref != e.Bind.Ref) {
			sec.Accepted = "" // it is no revision of what is followed now
		}
		sec.Binding = *e.Bind
		clear(sec.Confirms) // they were given for what was bound before
	case e.Intent != nil:
		for _, c := range e.Intent {
			s.intend(sec, c, e.Time)
		}
	case e.Outcomes != nil:
		for _, o := range e.Outcomes {
			sec.conclude(o, e.Time)
		}
	case e.Confirm != nil:
		for _, d := range e.Confirm {
			sec.Confirms[d] = e.Time
		}
	}
	sec.forgetOld(e.Time)
}

// intend takes the notes of a change, and remembers what is about to be done.
func (s *State) intend(sec *Section, c Change, now time.Time) {
	s.note(sec, c, now)
	if c.Action == Note {
		return
	}
	for _, claimed := range c.Claims {
		sec.Claims[claimed] = c.ID
	}
	sec.Pending[c.ID] = c
}

func (s *State) note(sec *Section, c Change, now time.Time) {
	n := c.Notes
	if n.Resolved {
		if sec.Pending[c.ID].Action == Delete && n.Release != "" {
			sec.Deleted = append(sec.Deleted, Deleted{ID: c.ID, Time: now})
		}
		delete(sec.Pending, c.ID)
	}
	if n.TakenFrom != "" {
		s.handOver(sec, s.Section(n.TakenFrom), c.ID)
	}
	if n.Adopt || n.Begin {
		sec.Owned[c.ID] = &Owned{Created: n.Begin, Cluster: c.Cluster, UID: c.UID}
	}
	if n.Release != "" {
		delete(sec.Owned, c.ID)
	}
	if n.Seen != "" {
		sec.OneShots[c.ID] = OneShot{Digest: n.Seen, Seen: true}
	}
	if n.Carried != "" {
		sec.OneShots[c.ID] = OneShot{Digest: n.Carried}
	}
	if n.Finished {
		maps.DeleteFunc(sec.Claims, func(_, job ID) bool { return job == c.ID })
	}
	if own := sec.Owned[c.ID]; own != nil {
		own.note(n)
	}
}

// handOver moves ownership with its whole history between sections.
func (s *State) handOver(to, from *Section, id ID) {
	if own, ok := from.Owned[id]; ok && from != to {
		to.Owned[id] = own
		delete(from.Owned, id)
		delete(from.Pending, id)
	}
	if done, ok := from.OneShots[id]; ok && from != to {
		to.OneShots[id] = done
		delete(from.OneShots, id)
	}
	maps.DeleteFunc(from.Claims, func(claimed, job ID) bool {
		if job == id {
			to.Claims[claimed] = job
		}
		return job == id && from != to
	})
}

func (o *Owned) note(n Notes) {
	for name, v := range n.Settled {
		o.setLast(name, v)
		delete(o.Alone, name)
	}
	for _, name := range n.Forget {
		delete(o.Last, name)
		delete(o.Alone, name)
	}
	for name, v := range n.Alone {
		if o.Alone == nil {
			o.Alone = map[string]Value{}
		}
		o.Alone[name] = v
		delete(o.Last, name)
	}
	if n.Missing != nil {
		o.Missing = *n.Missing
	}
	if n.Marks != nil {
		o.Marks = *n.Marks
	}
}

func (o *Owned) setLast(name string, v Value) {
	if o.Last == nil {
		o.Last = map[string]Value{}
	}
	v.plain = nil // the print is all a ledger knows of a secret
	o.Last[name] = v
}

// conclude takes what came of an intent, or of some of its fields.
func (s *Section) conclude(o Outcome, now time.Time) {
	c, ok := s.Pending[o.ID]
	if !ok {
		return
	}
	if c.Confirmed != "" {
		delete(s.Confirms, c.Confirmed)
	}
	if o.Unsure {
		return
	}
	done, left := split(c.Fields, o.Fields)
	if o.Failed == "" {
		s.succeed(c, o, done, now)
	}
	if len(left) == 0 {
		delete(s.Pending, o.ID)
		return
	}
	if c.Action == Create && o.Failed == "" {
		c.Action = Update // it exists now
	}
	c.Fields = left
	s.Pending[o.ID] = c
}

// split parts the fields an outcome speaks of from the rest; no names mean all.
func split(fields []FieldChange, names []string) (done, left []FieldChange) {
	if len(names) == 0 {
		return fields, nil
	}
	for _, f := range fields {
		if slices.Contains(names, f.Name) {
			done = append(done, f)
		} else {
			left = append(left, f)
		}
	}
	return done, left
}

func (s *Section) succeed(c Change, o Outcome, done []FieldChange, now time.Time) {
	if c.Action == Delete {
		delete(s.Owned, c.ID)
		s.Deleted = append(s.Deleted, Deleted{ID: c.ID, Time: now})
		return
	}
	own := s.Owned[c.ID]
	if c.Action == Create {
		own = s.born(c, o, own, now)
	}
	if own == nil {
		return
	}
	unset := 0
	for _, f := range done {
		own.applied(f, now)
		if f.takesAway() {
			unset++
		}
	}
	if unset > 0 {
		s.Deleted = append(s.Deleted, Deleted{ID: c.ID, Time: now, Fields: unset})
	}
}

// born records what we created. A thing put back after somebody deleted it
// keeps its record of heals, or a fight would never be seen.
func (s *Section) born(c Change, o Outcome, old *Owned, now time.Time) *Owned {
	own := &Owned{Created: true, Cluster: c.Cluster, UID: o.UID}
	if old != nil {
		own.Heals, own.Marks = old.Heals, old.Marks
	}
	if c.Notes.Marks != nil {
		own.Marks = *c.Notes.Marks
	}
	if c.Why == Drifted {
		own.healed("", now)
	}
	if c.Notes.Seen == "" && c.OneShot != "" {
		s.OneShots[c.ID] = OneShot{Digest: c.OneShot}
	}
	s.Owned[c.ID] = own
	return own
}

func (o *Owned) applied(f FieldChange, now time.Time) {
	delete(o.Alone, f.Name)
	if f.To.Is(Unset) {
		delete(o.Last, f.Name)
	} else {
		o.setLast(f.Name, f.To)
	}
	if f.Why == Drifted {
		o.healed(f.Name, now)
	}
}

func (o *Owned) healed(field string, now time.Time) {
	if o.Heals == nil {
		o.Heals = map[string][]time.Time{}
	}
	recent := slices.DeleteFunc(o.Heals[field], func(t time.Time) bool { return now.Sub(t) > healedFor })
	o.Heals[field] = append(recent, now)
}

func (s *Section) forgetOld(now time.Time) {
	maps.DeleteFunc(s.Confirms, func(_ Digest, at time.Time) bool { return now.Sub(at) >= confirmFor })
	s.Deleted = slices.DeleteFunc(s.Deleted, func(d Deleted) bool { return now.Sub(d.Time) > deletedFor })
}
