package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/ottla-io/ottla/reconcile"
)

// seen is what a round observed.
type seen struct {
	byID    map[reconcile.ID]reconcile.Live
	unknown []reconcile.Unobserved
}

func (s *seen) live() []reconcile.Live {
	out := make([]reconcile.Live, 0, len(s.byID))
	for _, l := range s.byID {
		out = append(out, l)
	}
	return out
}

// observe looks at everything the syncs declare or own, and at all there is of
// each kind. A kind that cannot be read is Unknown; the others go on.
func (c *Cluster) observe(ctx context.Context, s *scene, scope reconcile.Scope) error {
	s.seen = seen{byID: map[reconcile.ID]reconcile.Live{}}
	c.brief(s)
	c.readAll(ctx, s, scope)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("observe cluster %s: %w", c.Name, err)
	}
	c.prove(ctx, s)
	c.look.turn++
	c.step("after observe")
	s.report.Live = map[string][]reconcile.Live{}
	for id, l := range s.seen.byID {
		s.report.Live[id.Kind] = append(s.report.Live[id.Kind], l)
	}
	return nil
}

// readAll asks all kinds at once: they wait for different parts of the broker.
func (c *Cluster) readAll(ctx context.Context, s *scene, scope reconcile.Scope) {
	wanted := c.aims(s)
	kinds := s.target.Kinds()
	answers := make([]seen, len(kinds))
	var all sync.WaitGroup
	for i, k := range kinds {
		answers[i].byID = map[reconcile.ID]reconcile.Live{}
		narrowed := c.scopeOf(s, wanted[k.Name()], scope)
		all.Go(func() { answers[i].read(ctx, k, narrowed) })
	}
	all.Wait()
	for _, a := range answers {
		maps.Copy(s.seen.byID, a.byID)
		s.seen.unknown = append(s.seen.unknown, a.unknown...)
	}
}

// read takes one kind's answer. What could not be read is named.
func (s *seen) read(ctx context.Context, k reconcile.Kind, scope reconcile.Scope) {
	live, unobserved, err := k.Observe(ctx, scope)
	if err != nil {
		s.unknown = append(s.unknown, reconcile.Unobserved{ID: reconcile.ID{Kind: k.Name()}, Reason: err.Error()})
		return
	}
	s.unknown = append(s.unknown, unobserved...)
	for _, l := range live {
		s.byID[l.ID] = l
	}
}

// unknownTo is what could not be observed of what a sync declares, owns or was
// about to change: the rest is not its business.
func (s *scene) unknownTo(sync *Sync) []reconcile.Unobserved {
	ours, kinds := map[reconcile.ID]bool{}, map[string]bool{}
	add := func(id reconcile.ID) { ours[id], kinds[id.Kind] = true, true }
	for _, r := range sync.want() {
		add(r.ID)
	}
	if section := s.state.Sections[sync.Name]; section != nil {
		for id := range section.Owned {
			add(id)
		}
		for id := range section.Pending {
			add(id)
		}
		for _, job := range section.Claims {
			add(job)
		}
	}
	var out []reconcile.Unobserved
	for _, u := range s.seen.unknown {
		if ours[u.ID] || u.ID.Name == "" && kinds[u.ID.Kind] {
			out = append(out, u)
		}
	}
	return out
}

// aims lists what is declared or owned by any sync, by kind.
func (c *Cluster) aims(s *scene) map[string]map[reconcile.ID]bool {
	aims := map[string]map[reconcile.ID]bool{}
	add := func(id reconcile.ID) {
		if aims[id.Kind] == nil {
			aims[id.Kind] = map[reconcile.ID]bool{}
		}
		aims[id.Kind][id] = true
	}
	for _, sync := range c.Syncs {
		for _, r := range sync.want() {
			add(r.ID)
		}
	}
	for _, section := range s.state.Sections {
		for id := range section.Owned {
			add(id)
		}
		for id := range section.Pending {
			add(id)
		}
		for _, job := range section.Claims {
			add(job)
		}
	}
	return aims
}

// looker decides what is looked at whole. A full look at ten thousand topics
// costs a broker ten seconds, so a round looks at the declared and owned fields
// of all and at every field of a part of them, in turn.
type looker struct{ turn int }

const (
	// wholeBelow this many things of a kind, every round looks at them whole.
	wholeBelow = 500
	// turns a whole turn takes above that.
	turns = 20
)

func (c *Cluster) scopeOf(s *scene, aims map[reconcile.ID]bool, scope reconcile.Scope) reconcile.Scope {
	out := reconcile.Scope{Full: scope.Full}
	for id := range aims {
		if scope.Full || slices.Contains(scope.Name, id) {
			out.Name = append(out.Name, id)
		}
	}
	slices.SortFunc(out.Name, reconcile.CompareID)
	if len(out.Name) < wholeBelow {
		return out
	}
	out.Fields = map[reconcile.ID][]string{}
	wanted := c.wantedFields()
	for i, id := range out.Name {
		if own := ownedOf(s.state, id); own != nil && i%turns != c.look.turn%turns {
			out.Fields[id] = fieldsOf(wanted[id], own)
		}
	}
	return out
}

func (c *Cluster) wantedFields() map[reconcile.ID]reconcile.Resource {
	wanted := map[reconcile.ID]reconcile.Resource{}
	for _, sync := range c.Syncs {
		for _, r := range sync.want() {
			wanted[r.ID] = r
		}
	}
	return wanted
}

func ownedOf(state *reconcile.State, id reconcile.ID) *reconcile.Owned {
	for _, section := range state.Sections {
		if own := section.Owned[id]; own != nil {
			return own
		}
	}
	return nil
}

// fieldsOf lists what is declared, was applied or was left alone.
func fieldsOf(want reconcile.Resource, own *reconcile.Owned) []string {
	set := map[string]bool{}
	for _, fields := range []map[string]reconcile.Value{want.Fields, own.Last, own.Alone} {
		for name := range fields {
			set[name] = true
		}
	}
	out := make([]string, 0, len(set))
	for name := range set {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
