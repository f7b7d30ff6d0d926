package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Input is all that a diff knows.
type Input struct {
	Sync, Revision string
	Now            time.Time
	Binding        Binding // as configured now
	Scope          Scope
	Want           []Resource // merged and sealed
	Have           []Live
	Unknown        []Unobserved
	State          *State // read, never changed
	Rules          map[string]Rules
	// Others is what the other syncs of this cluster declare, by sync. Nothing
	// that one of them declares is deleted.
	Others map[string]Claimant
}

// Claimant is another sync's word on what it declares.
type Claimant struct {
	Known bool // false: it has no good revision yet, so nothing may be deleted
	IDs   map[ID]bool
}

// Diff compares what is wanted with what lives and says what is to be done. It
// is pure: it reads no clock and does no I/O, its output is sorted and does not
// depend on the order of its input, and it speaks of nothing outside the scope.
func Diff(in Input) Plan {
	d := newDiffer(in)
	plan := Plan{Sync: in.Sync, Revision: in.Revision, Binding: in.Binding, Newborn: d.newborn, Unknown: slices.Concat(in.Unknown, d.kindless()), Counts: d.counts()}
	slices.SortFunc(plan.Unknown, func(a, b Unobserved) int { return CompareID(a.ID, b.ID) })
	if c, differs := d.rebind(); differs {
		plan.Changes = append(plan.Changes, c)
	}
	for _, id := range d.ids() {
		if c, some := d.one(id); some {
			plan.Changes = append(plan.Changes, c)
		}
	}
	return plan
}

type differ struct {
	Input
	section *Section
	bound   bool // the section belongs to what is configured
	newborn bool // nothing was ever bound
	want    map[ID]Resource
	live    map[ID]Live
	unknown map[ID]string
	scope   map[ID]bool
	claims  map[ID]ID
	owners  map[ID]string // foreign owners
}

func newDiffer(in Input) *differ {
	if in.State == nil {
		in.State = NewState()
	}
	section := in.State.Sections[in.Sync]
	if section == nil {
		section = &Section{}
	}
	d := &differ{
		Input: in, section: section,
		newborn: section.Binding == Binding{}, bound: section.Binding == in.Binding,
		want: map[ID]Resource{}, live: map[ID]Live{}, unknown: map[ID]string{},
		scope: map[ID]bool{}, claims: map[ID]ID{}, owners: map[ID]string{},
	}
	for _, r := range in.Want {
		d.want[r.ID] = r
	}
	for _, l := range in.Have {
		d.live[l.ID] = l
	}
	for _, u := range in.Unknown {
		d.unknown[u.ID] = u.Reason
	}
	for _, id := range in.Scope.Name {
		d.scope[id] = true
	}
	d.readOthers()
	return d
}

// readOthers gathers who else owns what, and what running jobs claim.
func (d *differ) readOthers() {
	for sync, sec := range d.State.Sections {
		maps.Copy(d.claims, sec.Claims)
		if sync == d.Sync {
			continue
		}
		for id := range sec.Owned {
			d.owners[id] = sync
		}
	}
	for _, l := range d.Have {
		for _, claimed := range l.Claims {
			if l.Done {
				delete(d.claims, claimed)
			} else {
				d.claims[claimed] = l.ID
			}
		}
	}
}

// ids lists what the plan has to speak of, sorted.
func (d *differ) ids() []ID {
	set := map[ID]bool{}
	for id := range d.want {
		set[id] = true
	}
	for id := range d.section.Owned {
		set[id] = true
	}
	for id := range d.section.Pending {
		set[id] = true
	}
	for id := range set {
		if !d.Scope.Full && !d.scope[id] {
			delete(set, id)
		}
	}
	return slices.SortedFunc(maps.Keys(set), CompareID)
}

// one plans one live thing. It is false when there is nothing to say.
func (d *differ) one(id ID) (Change, bool) {
	s := d.subject(id)
	if _, known := d.Rules[id.Kind]; !known || d.isUnknown(id) {
		return Change{}, false
	}
	switch {
	case s.declared && s.want.Skip != "":
		s.skipped()
	case s.declared && s.rules.OneShot:
		s.once()
	case s.declared && s.foreignRefuses():
	case s.declared && !s.seen && !s.rules.Bag:
		s.absent()
	case s.declared:
		s.present()
	default:
		s.undeclared()
	}
	s.resolve()
	s.claimed()
	return s.result()
}

// kindless names what the ledger owns and this version has no kind for.
func (d *differ) kindless() []Unobserved {
	var out []Unobserved
	for id := range d.section.Owned {
		if _, ok := d.Rules[id.Kind]; !ok {
			out = append(out, Unobserved{id, "this version knows no kind " + id.Kind})
		}
	}
	return out
}

// isUnknown: what could not be observed is neither planned nor pruned.
func (d *differ) isUnknown(id ID) bool {
	if _, ok := d.unknown[ID{Kind: id.Kind}]; ok {
		return true
	}
	_, ok := d.unknown[id]
	return ok
}

// counts is what the guards judge by: from the ledger, never from the scope.
func (d *differ) counts() map[string]Count {
	counts := map[string]Count{}
	for kind := range d.Rules {
		counts[kind] = Count{}
	}
	tally := func(kind string, add func(*Count)) {
		c := counts[kind]
		add(&c)
		counts[kind] = c
	}
	for id := range d.want {
		tally(id.Kind, func(c *Count) { c.Declared++ })
	}
	for id, own := range d.section.Owned {
		tally(id.Kind, func(c *Count) { c.Owned++; c.Fields += len(own.Last) })
	}
	for _, gone := range d.section.Deleted {
		if d.Now.Sub(gone.Time) <= deletedFor {
			tally(gone.ID.Kind, func(c *Count) { c.Deleted++ })
		}
	}
	for id, l := range d.live {
		tally(id.Kind, func(c *Count) { c.Live++ })
		if l.Internal == "" && d.owners[id] == "" && d.section.Owned[id] == nil && d.Scope.Full {
			tally(id.Kind, func(c *Count) { c.Unowned++ })
		}
	}
	return counts
}

// BindingKind is the kind of the change that ties a ledger's section to another
// cluster, repository, path or ref. It is always held.
const BindingKind = "Binding"

func (d *differ) rebind() (Change, bool) {
	if d.newborn || d.bound {
		return Change{}, false
	}
	c := Change{ID: ID{BindingKind, d.Sync}, Action: Update, Fate: Fate{
		Held: "this sync was bound to something else: until confirmed, every deletion and irreversible change is held",
	}}
	was, is := d.section.Binding, d.Binding
	for _, f := range [][3]string{
		{"cluster", was.Cluster, is.Cluster}, {"path", was.Path, is.Path},
		{"ref", was.Ref, is.Ref}, {"repository", was.Repository, is.Repository},
	} {
		if f[1] != f[2] {
			c.Fields = append(c.Fields, FieldChange{Name: f[0], From: TextOf(f[1]), To: TextOf(f[2]), Why: Declared})
		}
	}
	return c, true
}

// unbound is the reason that holds what cannot be undone while the section
// belongs to something else.
func (d *differ) unbound() string {
	if d.bound || d.newborn {
		return ""
	}
	return fmt.Sprintf("the ledger is bound to another cluster, repository, path or ref (confirm %s/%s first)", BindingKind, d.Sync)
}
