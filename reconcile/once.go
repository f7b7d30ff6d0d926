package reconcile

// once plans a thing that is carried out once under its name.
func (s *subject) once() {
	digest := s.shotDigest()
	done, known := s.section.OneShots[s.id]
	s.change.Claims = s.want.Claims
	switch {
	case s.seen && s.live.Done:
		s.ended(known, digest)
	case known && done.Digest == digest && !done.Seen || s.seen:
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
}

// ended frees what a finished job claimed, and learns from where its data is
// what a lost ledger forgot.
func (s *subject) ended(known bool, digest Digest) {
	for _, job := range s.section.Claims {
		s.change.Notes.Finished = s.change.Notes.Finished || job == s.id
	}
	if !known {
		s.change.Notes.Seen = digest
		s.say("already carried out")
	}
}

func (s *subject) shoot(digest Digest, fate Fate) {
	s.change.OneShot, s.change.Why = digest, Declared
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
