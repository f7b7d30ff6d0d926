package agent

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/ottla-io/ottla/reconcile"
)

// Preparer does what must have succeeded before something is taken away for
// good: the final backup of a topic. It is safe for concurrent use.
type Preparer interface {
	// Prepare says, in words, what changes that would go ahead still wait for.
	// With begin it starts what that takes, beside the rounds.
	Prepare(ctx context.Context, changes []reconcile.Change, begin bool) map[reconcile.ID]string
	// Assure looks for the last time, right before a change is carried out; an
	// error stops it. The note is for people, once it is done; a change that takes
	// something away always has one, and is carried out before the next is looked at.
	Assure(ctx context.Context, change reconcile.Change) (note string, err error)
}

// prepared makes what would go ahead wait for what must be done before.
func (c *Cluster) prepared(ctx context.Context, plan reconcile.Plan, begin bool) reconcile.Plan {
	if c.Preparer == nil {
		return plan
	}
	var ahead []reconcile.Change
	for _, change := range plan.Changes {
		if e, some := change.Effective(); some && e.Action != reconcile.Note {
			ahead = append(ahead, e)
		}
	}
	return plan.Guarded(reconcile.Await(c.Preparer.Prepare(ctx, ahead, begin)))
}

// assured is a kind whose changes are looked at for the last time before they
// are carried out.
type assured struct {
	reconcile.Kind
	preparer Preparer
}

// Apply implements reconcile.Kind. What takes something away is carried out by
// itself: in a batch the last look at it would be as old as all looks take.
func (k assured) Apply(ctx context.Context, changes []reconcile.Change, report func(...reconcile.Outcome)) {
	var rest []reconcile.Change
	for _, c := range changes {
		note, err := k.preparer.Assure(ctx, c)
		switch {
		case err != nil:
			report(reconcile.Outcome{ID: c.ID, Failed: err.Error()})
		case note == "":
			rest = append(rest, c)
		default:
			k.Kind.Apply(ctx, []reconcile.Change{c}, noted(note, report))
		}
	}
	if len(rest) > 0 {
		k.Kind.Apply(ctx, rest, report)
	}
}

// noted adds a note to what succeeded.
func noted(note string, report func(...reconcile.Outcome)) func(...reconcile.Outcome) {
	return func(outcomes ...reconcile.Outcome) {
		for i, o := range outcomes {
			if o.Failed == "" {
				outcomes[i].Note = cmp.Or(o.Note, note)
			}
		}
		report(outcomes...)
	}
}

// brief tells the kinds that ask for it what is declared, and what was last
// applied.
func (c *Cluster) brief(s *scene) {
	for _, k := range s.target.Kinds() {
		if b, asks := k.(reconcile.Briefed); asks {
			b.Brief(c.briefs(s, k.Name()))
		}
	}
}

func (c *Cluster) briefs(s *scene, kind string) []reconcile.Brief {
	all := map[reconcile.ID]reconcile.Brief{}
	for name, section := range s.state.Sections {
		for id, own := range section.Owned {
			if id.Kind != kind {
				continue
			}
			last := own.Last
			if last == nil {
				last = map[string]reconcile.Value{}
			}
			all[id] = reconcile.Brief{ID: id, Last: last, Declared: c.unknown(name)}
		}
	}
	for _, sync := range c.Syncs {
		for _, r := range sync.want() {
			if r.ID.Kind == kind {
				b := all[r.ID]
				b.ID, b.Want, b.Declared = r.ID, r, true
				all[r.ID] = b
			}
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b reconcile.Brief) int { return reconcile.CompareID(a.ID, b.ID) })
}

// unknown tells a sync of which it is not known what it declares: it has no
// good revision yet.
func (c *Cluster) unknown(name string) bool {
	return slices.ContainsFunc(c.Syncs, func(s *Sync) bool { return s.Name == name && s.good == nil })
}
