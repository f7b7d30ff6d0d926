package reconcile

import "fmt"

// Guard judges a plan and returns it with some changes held or refused. It
// never lets go of anything. Guards are pure.
type Guard func(Plan) Plan

// Guarded runs the guards in order.
func (p Plan) Guarded(guards ...Guard) Plan {
	for _, g := range guards {
		p = g(p)
	}
	return p
}

// Judged takes the verdicts of a system that checked the plan.
func (p Plan) Judged(verdicts []Verdict) Plan {
	byID := map[ID][]Verdict{}
	for _, v := range verdicts {
		byID[v.ID] = append(byID[v.ID], v)
	}
	return p.each(func(c *Change) {
		for _, v := range byID[c.ID] {
			c.judge(v)
		}
	})
}

func (c *Change) judge(v Verdict) {
	for i := range c.Fields {
		if f := &c.Fields[i]; f.Name == v.Field {
			f.Fate = join(f.Fate, Fate{Refused: v.Refused})
			f.Risk = firstOf(f.Risk, v.Risk)
			return
		}
	}
	c.Fate = join(c.Fate, Fate{Refused: v.Refused})
	c.Risk = firstOf(c.Risk, v.Risk)
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Deletions refuses to delete what the agent's configuration does not allow to
// be deleted, by kind.
func Deletions(allowed map[string]bool) Guard {
	return func(p Plan) Plan {
		return p.each(func(c *Change) {
			if c.Action == Delete && !allowed[c.ID.Kind] {
				c.Fate = join(c.Fate, Fate{Refused: fmt.Sprintf("the agent's configuration does not allow deleting a %s (clusters[].allowDeletion)", c.ID.Kind)})
			}
		})
	}
}

// Postpone makes every change of a kind wait: what it rests on could not be
// had this time.
func Postpone(kind, words string) Guard {
	return func(p Plan) Plan {
		return p.each(func(c *Change) {
			if c.ID.Kind == kind && c.Action != Note {
				c.Fate = join(c.Fate, Fate{Waiting: words})
			}
		})
	}
}

// Await makes changes wait for what must have succeeded first, in the words it
// is given: the final backup of a topic.
func Await(words map[ID]string) Guard {
	return func(p Plan) Plan {
		return p.each(func(c *Change) {
			if w := words[c.ID]; w != "" {
				c.Fate = join(c.Fate, Fate{Waiting: w})
			}
		})
	}
}

// Confirming holds every change that it has words for until a person confirms it.
func Confirming(words func(Change) string) Guard {
	return func(p Plan) Plan {
		return p.each(func(c *Change) {
			if w := words(*c); w != "" && c.Action != Note {
				c.Fate = join(c.Fate, Fate{Held: w})
			}
		})
	}
}

// Protect refuses every change to what it has words for: the principals that
// must never lose anything.
func Protect(words func(ID) string) Guard {
	return func(p Plan) Plan {
		return p.each(func(c *Change) {
			if w := words(c.ID); w != "" && c.Action != Note {
				c.Fate = join(c.Fate, Fate{Refused: w})
			}
		})
	}
}

// Preserve refuses deletion, and every step that loses data, of what it has
// words for: internal topics and protected patterns.
func Preserve(words func(ID) string) Guard {
	return func(p Plan) Plan {
		return p.each(func(c *Change) {
			w := words(c.ID)
			if w == "" {
				return
			}
			if c.Action == Delete {
				c.Fate = join(c.Fate, Fate{Refused: w})
			}
			for i := range c.Fields {
				if c.Fields[i].Irreversible {
					c.Fields[i].Fate = join(c.Fields[i].Fate, Fate{Refused: w})
				}
			}
		})
	}
}

// ConfirmIrreversible holds what cannot be undone also where a commit declares
// it.
func ConfirmIrreversible(p Plan) Plan {
	const words = "it cannot be undone, and the configuration wants it confirmed (confirm: irreversible)"
	return p.each(func(c *Change) {
		if c.Action == Delete {
			c.Fate = join(c.Fate, Fate{Held: words})
		}
		for i := range c.Fields {
			if c.Fields[i].Irreversible {
				c.Fields[i].Fate = join(c.Fields[i].Fate, Fate{Held: words})
			}
		}
	})
}

// WipeLimits say how much may leave at once, counted over all deletions
// pending or done within the last hour.
type WipeLimits struct {
	Topics  int // more topic deletions than this are held
	Percent int // more than this share of what we own of a kind is held
	// TopicKind is the kind that Topics counts.
	TopicKind string
}

const (
	// oneIsNoWipe: a single thing that leaves is an edit, whatever its share of a
	// small repository.
	oneIsNoWipe = 1
	// someFieldsAreNoWipe: as many ACLs or quota keys as one user holds.
	someFieldsAreNoWipe = 10
)

// Wipe holds all deletions of a kind when too many come at once, and all
// deletions of a revision that declares nothing at all.
func Wipe(limits WipeLimits) Guard {
	return func(p Plan) Plan {
		tolls := p.tolls()
		empty := p.declaresNothing()
		return p.each(func(c *Change) {
			toll := tolls[c.ID.Kind]
			words := toll.exceeds(c.ID.Kind, limits)
			if empty && toll.any() {
				words = "this revision declares nothing at all"
			}
			if words == "" || !c.takesAway() {
				return
			}
			c.hold(words, "wipe "+c.ID.Kind)
		})
	}
}

func (p Plan) declaresNothing() bool {
	for _, n := range p.Counts {
		if n.Declared > 0 {
			return false
		}
	}
	return true
}

// toll is how much of a kind would go or has gone. Fields are those of bags.
type toll struct{ things, fields, owned, ownedFields int }

func (t toll) any() bool { return t.things+t.fields > 0 }

func (p Plan) tolls() map[string]toll {
	planned := map[string]toll{}
	for _, c := range p.Changes {
		t := planned[c.ID.Kind]
		if c.Action == Delete {
			t.things++
		}
		for _, f := range c.Fields {
			if f.takesAway() {
				t.fields++
			}
		}
		planned[c.ID.Kind] = t
	}
	tolls := map[string]toll{}
	for kind, n := range p.Counts {
		t := toll{owned: n.Owned + n.Deleted, ownedFields: n.Fields + n.FieldsUnset}
		t.things = max(planned[kind].things, n.Leaving) + n.Deleted
		if t.ownedFields > 0 {
			t.fields = max(planned[kind].fields, n.FieldsLeaving) + n.FieldsUnset
		}
		tolls[kind] = t
	}
	return tolls
}

// takesAway tells a field that Git no longer has; drift that is put back is
// not a loss.
func (f FieldChange) takesAway() bool { return f.To.Is(Unset) && f.Why != Drifted }

func (c Change) takesAway() bool {
	if c.Action == Delete {
		return true
	}
	for _, f := range c.Fields {
		if f.takesAway() {
			return true
		}
	}
	return false
}

// hold holds a deletion, or the fields that would be taken away.
func (c *Change) hold(words, together string) {
	c.Fate.Together = together
	if c.Action == Delete {
		c.Fate = join(c.Fate, Fate{Held: words})
		return
	}
	for i := range c.Fields {
		if c.Fields[i].takesAway() {
			c.Fields[i].Fate = join(c.Fields[i].Fate, Fate{Held: words})
		}
	}
}

func (t toll) exceeds(kind string, l WipeLimits) string {
	switch {
	case kind == l.TopicKind && t.things > l.Topics:
		return fmt.Sprintf("%d topics would go within an hour, more than the %d that may (wipeGuard.topics)", t.things, l.Topics)
	case t.things > oneIsNoWipe && t.things*100 > t.owned*l.Percent:
		return fmt.Sprintf("%d of %d %ss would go within an hour, more than %d %% (wipeGuard.percent)", t.things, t.owned, kind, l.Percent)
	case t.fields > someFieldsAreNoWipe && t.fields*100 > t.ownedFields*l.Percent:
		return fmt.Sprintf("%d of %d entries of %ss would go, more than %d %% (wipeGuard.percent)", t.fields, t.ownedFields, kind, l.Percent)
	default:
		return ""
	}
}
