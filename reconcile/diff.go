package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	// Doubt says why what it declares may be out of date: a deletion waits, for
	// the thing may have moved there.
	Doubt string
	IDs   map[ID]bool
}

// Diff compares what is wanted with what lives and says what is to be done. It
// is pure: it reads no clock and does no I/O, its output is sorted and does not
// depend on the order of its input, and it speaks of nothing outside the scope.
func Diff(in Input) Plan {
	d := newDiffer(in)
	ids := d.ids()
	plan := Plan{Sync: in.Sync, Revision: in.Revision, Binding: in.Binding, Newborn: d.newborn && in.Scope.Full, Unknown: d.allUnknown(ids), Counts: d.counts()}
	if c, differs := d.rebind(); differs {
		plan.Changes = append(plan.Changes, c)
	}
	for _, id := range ids {
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
	others  []string      // names of the other syncs, sorted
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
		scope: map[ID]bool{}, claims: map[ID]ID{}, owners: map[ID]string{}, others: sortedNames(in.Others),
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
	for _, sync := range sortedNames(d.State.Sections) {
		sec := d.State.Sections[sync]
		for claimed, job := range sec.Claims {
			d.claim(claimed, job)
		}
		if sync == d.Sync {
			continue
		}
		for id := range sec.Owned {
			d.owners[id] = sync
		}
	}
	for _, l := range d.live {
		for _, claimed := range l.Claims {
			d.claim(claimed, l.ID)
		}
	}
}

// claim remembers a job's claim until the job is seen finished. Of two claims
// on one thing the answer is the same in whatever order they come.
func (d *differ) claim(claimed, job ID) {
	if d.live[job].Done {
		return
	}
	if other, ok := d.claims[claimed]; !ok || CompareID(job, other) < 0 {
		d.claims[claimed] = job
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
	for _, job := range d.section.Claims {
		set[job] = true
	}
	for id := range set {
		if !d.inScope(id) {
			delete(set, id)
		}
	}
	return slices.SortedFunc(maps.Keys(set), CompareID)
}

func (d *differ) inScope(id ID) bool { return d.Scope.Full || d.scope[id] }

// one plans one live thing. It is false when there is nothing to say.
func (d *differ) one(id ID) (Change, bool) {
	if _, known := d.Rules[id.Kind]; !known {
		return Change{}, false
	}
	if d.isUnknown(id) {
		return d.unseen(id)
	}
	s := d.subject(id)
	switch {
	case s.declared && s.want.Skip != "":
		s.skipped()
	case s.declared && s.foreignRefuses():
	case s.declared && s.rules.OneShot:
		s.once()
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

// allUnknown is what could not be observed, and what is declared or owned and
// has no kind here that could observe it.
func (d *differ) allUnknown(ids []ID) []Unobserved {
	out := slices.Clone(d.Unknown)
	for _, id := range ids {
		if _, ok := d.Rules[id.Kind]; !ok {
			out = append(out, Unobserved{id, "no kind " + id.Kind + " is known here"})
		}
	}
	slices.SortFunc(out, func(a, b Unobserved) int {
		return cmp.Or(CompareID(a.ID, b.ID), strings.Compare(a.Reason, b.Reason))
	})
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
		tally(id.Kind, func(c *Count) { d.countOwned(c, id, own) })
	}
	for _, gone := range d.section.Deleted {
		if d.Now.Sub(gone.Time) <= deletedFor {
			tally(gone.ID.Kind, func(c *Count) { d.countGone(c, gone) })
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

// countOwned counts from the ledger what a guard has to know also where the
// look is scoped: what is ours, and what of it is on its way out.
func (d *differ) countOwned(c *Count, id ID, own *Owned) {
	c.Owned++
	want, declared := d.want[id]
	stays := declared || own.Marks.Keep || d.declaredElsewhere(id) != ""
	_, lives := d.live[id]
	bag := d.Rules[id.Kind].Bag
	if !stays && !bag && (lives || !d.inScope(id)) {
		c.Leaving++
	}
	if !bag {
		return
	}
	c.Fields += len(own.Last)
	for name := range own.Last {
		if _, named := want.Fields[name]; !named && want.Skip == "" && !want.Ignore[name] && (declared || !stays) {
			c.FieldsLeaving++
		}
	}
}

func (d *differ) countGone(c *Count, gone Deleted) {
	switch {
	case gone.Fields == 0:
		c.Deleted++
	case d.Rules[gone.ID.Kind].Bag:
		c.FieldsUnset += gone.Fields
	}
}

// declaredElsewhere names the other sync that declares a thing, "" if none does.
func (d *differ) declaredElsewhere(id ID) string {
	for _, sync := range d.others {
		if d.Others[sync].IDs[id] {
			return sync
		}
	}
	return ""
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
