package reconcile

// once plans a thing that is carried out once under its name.
func (s *subject) once() {
	digest := s.shotDigest()
	done, known := s.shot()
	switch {
	case s.seen && !s.another(known, done, digest):
		s.going(known, digest)
	case known && done.Digest == digest && !done.Seen:
		s.freeClaims()
	case known && !done.Seen:
		s.shoot(digest, Fate{Held: "the same name was carried out with another text: give it another name"})
	case known || s.newborn:
		s.shoot(digest, Fate{Held: "it was in Git when the ledger was born: seen, not carried out"})
		if !known {
			s.change.Notes.Seen = digest
		}
	default:
		s.shoot(digest, Fate{Held: s.unbound()})
	}
	s.marks()
}

// another tells a job that has ended, and whose record stays, from the one that
// is declared under its name now.
func (s *subject) another(known bool, done OneShot, digest Digest) bool {
	return s.live.Done && known && !done.Seen && done.Digest != digest
}

// shot is what is known of the name, also by a sync that declared it before.
func (s *subject) shot() (OneShot, bool) {
	if done, known := s.section.OneShots[s.id]; known {
		return done, true
	}
	for _, sync := range sortedNames(s.State.Sections) {
		if done, known := s.State.Sections[sync].OneShots[s.id]; known {
			return done, true
		}
	}
	return OneShot{}, false
}

// going is a job that runs or has ended. From where its data is we learn what
// a crash or a lost ledger forgot: that it was carried out.
func (s *subject) going(known bool, digest Digest) {
	s.freeClaims()
	if known {
		return
	}
	s.change.Notes.Adopt, s.change.Notes.Carried = s.own == nil, digest
	if s.live.Done {
		s.say("already carried out")
	}
}

// unseen is what could not be observed: it is not planned.
func (d *differ) unseen(id ID) (Change, bool) {
	s := &subject{differ: d, id: id, rules: d.Rules[id.Kind], change: Change{ID: id, Action: Note}}
	s.want, s.declared = d.want[id]
	s.bornUnseen()
	return s.result()
}

// bornUnseen remembers a one-shot that cannot be looked at while its ledger is
// born: it too was already there.
func (s *subject) bornUnseen() {
	if _, known := s.section.OneShots[s.id]; s.newborn && s.declared && s.rules.OneShot && !known {
		s.change.Notes.Seen = s.shotDigest()
	}
}

func (s *subject) shoot(digest Digest, fate Fate) {
	s.change.OneShot, s.change.Why, s.change.Claims = digest, Declared, s.want.Claims
	s.plan(Create, fate)
	for _, name := range sortedNames(s.want.Fields) {
		s.createField(name, s.want.Fields[name])
	}
}

func (s *subject) shotDigest() Digest {
	d := newDigester()
	for _, name := range sortedNames(s.want.Fields) {
		d.add(name)
		d.value(s.want.Fields[name])
	}
	return d.sum()
}
