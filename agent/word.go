package agent

import (
	"context"
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

// held is a change that waits for a person's word.
type held struct {
	cluster        *Cluster
	sync, revision string
	hold           reconcile.Hold
}

// held lists which of the digests are held on this cluster now.
func (c *Cluster) held(ctx context.Context, digests []reconcile.Digest) ([]held, error) {
	report := c.Plan(ctx, reconcile.Scope{Full: true})
	if report.Err != nil {
		return nil, report.Err
	}
	var out []held
	for _, s := range report.Syncs {
		for _, h := range s.Holds {
			if !slices.Contains(digests, h.Digest) {
				continue
			}
			if s.Mode == Observe {
				return nil, &sources.HintError{
					Err:  fmt.Errorf("sync %s only observes: nothing that is confirmed would be carried out", s.Sync),
					Hint: "set mode: apply on the sync first",
				}
			}
			out = append(out, held{c, s.Sync, s.Revision(), h})
			digests = slices.DeleteFunc(slices.Clone(digests), func(d reconcile.Digest) bool { return d == h.Digest })
		}
	}
	return out, nil
}

// confirm journals the word. Should the change have gone meanwhile, it frees
// nothing else, and lapses.
func (h held) confirm(ctx context.Context) error {
	if err := h.cluster.leads(ctx); err != nil {
		return err
	}
	h.cluster.mu.Lock()
	defer h.cluster.mu.Unlock()
	return h.cluster.append(ctx, reconcile.Entry{Sync: h.sync, Revision: h.revision, Confirm: []reconcile.Digest{h.hold.Digest}})
}

// release gives up ownership, if this cluster's ledger has it.
func (c *Cluster) release(ctx context.Context, id reconcile.ID) (string, error) {
	if err := c.leads(ctx); err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	state, err := c.Ledger.Replay(ctx)
	if err != nil {
		return "", fmt.Errorf("read the ledger of cluster %s: %w", c.Name, err)
	}
	owner := state.Owner(id)
	if owner == "" {
		return "", ErrNotOwned
	}
	note := reconcile.Change{ID: id, Action: reconcile.Note, Notes: reconcile.Notes{Release: "released by hand"}}
	return owner, c.append(ctx, reconcile.Entry{Sync: owner, Intent: []reconcile.Change{note}})
}

func (c *Cluster) append(ctx context.Context, e reconcile.Entry) error {
	e.Time = c.Now()
	if err := c.Ledger.Append(ctx, e); err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	return nil
}
