package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ottla-io/ottla/reconcile"
)

// ResourceView is one live or declared thing, for `ottla get`.
type ResourceView struct {
	ID       reconcile.ID               `json:"id"`
	Cluster  string                     `json:"cluster"`
	Sync     string                     `json:"sync,omitempty"`  // that declares or owns it
	State    string                     `json:"state"`           // in-sync, differs, held, refused, waiting, missing, unknown, unowned, internal
	Owned    string                     `json:"owned,omitempty"` // created, adopted
	Live     map[string]reconcile.Value `json:"live,omitempty"`
	Alone    []string                   `json:"leftAlone,omitempty"` // set live, not declared, left alone since adoption
	Origins  []reconcile.Origin         `json:"origins,omitempty"`
	Declared bool                       `json:"declared"`
	Skip     string                     `json:"skip,omitempty"` // why it is declared and left alone: paused
}

// Resources lists all that is declared, owned or live, sorted by cluster and ID.
func (a *Agent) Resources(ctx context.Context) ([]ResourceView, error) {
	var out []ResourceView
	for _, c := range a.Clusters {
		views, err := c.resources(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, views...)
	}
	return out, nil
}

func (c *Cluster) resources(ctx context.Context) ([]ResourceView, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	report := c.propose(ctx, reconcile.Scope{Full: true})
	if report.Err != nil {
		return nil, report.Err
	}
	state, err := c.Ledger.Replay(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the ledger of cluster %s: %w", c.Name, err)
	}
	all := map[reconcile.ID]*ResourceView{}
	at := func(id reconcile.ID) *ResourceView {
		if all[id] == nil {
			all[id] = &ResourceView{ID: id, Cluster: c.Name, State: "missing"}
		}
		return all[id]
	}
	for _, kind := range report.Live {
		for _, l := range kind {
			at(l.ID).observed(l)
		}
	}
	c.addDeclared(at)
	addOwned(state, at)
	for _, s := range report.Syncs {
		addPlanned(s.Plan, all, at)
	}
	return sortedViews(all), nil
}

func (v *ResourceView) observed(l reconcile.Live) {
	v.Live, v.State = l.Fields, "unowned"
	if l.Internal != "" {
		v.State = "internal"
	}
}

func (c *Cluster) addDeclared(at func(reconcile.ID) *ResourceView) {
	for _, s := range c.Syncs {
		for _, r := range s.want() {
			v := at(r.ID)
			v.Sync, v.Declared, v.Origins, v.Skip = s.Name, true, r.Origin(""), r.Skip
			if v.State == "unowned" {
				v.State = "in-sync"
			}
		}
	}
}

func addOwned(state *reconcile.State, at func(reconcile.ID) *ResourceView) {
	for sync, section := range state.Sections {
		for id, own := range section.Owned {
			v := at(id)
			v.Sync, v.Owned, v.Alone = sync, "adopted", slices.Sorted(maps.Keys(own.Alone))
			if own.Created {
				v.Owned = "created"
			}
			if v.State == "unowned" {
				v.State = "in-sync"
			}
		}
	}
}

func addPlanned(p reconcile.Plan, all map[reconcile.ID]*ResourceView, at func(reconcile.ID) *ResourceView) {
	for _, c := range p.Changes {
		if c.Action != reconcile.Note && c.ID.Kind != reconcile.BindingKind {
			at(c.ID).State = fateWord(c)
		}
	}
	for _, u := range p.Unknown {
		if u.ID.Name != "" {
			at(u.ID).State = "unknown"
			continue
		}
		for id, v := range all {
			if id.Kind == u.ID.Kind {
				v.State = "unknown"
			}
		}
	}
}

// fateWord is the strongest of what keeps a change, or that it differs.
func fateWord(c reconcile.Change) string {
	fates := []reconcile.Fate{c.Fate}
	for _, f := range c.Fields {
		fates = append(fates, f.Fate)
	}
	for _, word := range []struct {
		of   func(reconcile.Fate) string
		word string
	}{
		{func(f reconcile.Fate) string { return f.Refused }, "refused"},
		{func(f reconcile.Fate) string { return f.Held }, "held"},
		{func(f reconcile.Fate) string { return f.Waiting }, "waiting"},
	} {
		if slices.ContainsFunc(fates, func(f reconcile.Fate) bool { return word.of(f) != "" }) {
			return word.word
		}
	}
	if c.Action == reconcile.Create {
		return "missing"
	}
	return "differs"
}

func sortedViews(all map[reconcile.ID]*ResourceView) []ResourceView {
	out := make([]ResourceView, 0, len(all))
	for _, v := range all {
		out = append(out, *v)
	}
	slices.SortFunc(out, func(a, b ResourceView) int { return reconcile.CompareID(a.ID, b.ID) })
	return out
}
