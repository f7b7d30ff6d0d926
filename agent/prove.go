package agent

import (
	"context"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

// Prover is a Kind that can tell whether a secret that cannot be read back is
// the declared one: by logging in with it.
type Prover interface {
	// Prove is true when the declared secret is the live one. An error means that
	// it could not be told.
	Prove(context.Context, reconcile.ID, reconcile.Value) (bool, error)
	// Proves tells whether it can at all: whether there is somewhere to log in.
	Proves() bool
}

const (
	// proofsARound bounds the logins of one round at adoption.
	proofsARound = 50
	// proofPause is the time between two looks at a password we own.
	proofPause = 10 * time.Second
)

// changedByHand stands for a live password that is not the declared one.
const changedByHand = "(changed by hand)"

// prover remembers whose turn it is.
type prover struct {
	last time.Time
	turn int
}

// prove tries declared passwords where they matter: each one whose history is
// unknown, and of those we own one now and then. What was proven counts as
// observed.
func (c *Cluster) prove(ctx context.Context, s *scene) {
	for _, k := range s.target.Kinds() {
		p, can := k.(Prover)
		if !can || !p.Proves() {
			continue
		}
		unproven, owned := c.secrets(s, k.Name())
		for _, w := range unproven[:min(len(unproven), proofsARound)] {
			s.seen.proven(ctx, p, w, false)
		}
		if len(owned) == 0 || c.Now().Sub(c.proofs.last) < proofPause {
			continue
		}
		c.proofs.last = c.Now()
		c.proofs.turn++
		s.seen.proven(ctx, p, owned[c.proofs.turn%len(owned)], true)
	}
}

// secretField is a declared secret of a live thing that hides it.
type secretField struct {
	id    reconcile.ID
	field string
	value reconcile.Value
}

// secrets parts the declared secrets of a kind into those whose history is
// unknown and those that the ledger says are as applied.
func (c *Cluster) secrets(s *scene, kind string) (unproven, owned []secretField) {
	for _, sync := range c.Syncs {
		for _, r := range sync.want() {
			if r.ID.Kind != kind || r.Skip != "" {
				continue
			}
			for name, v := range r.Fields {
				if !v.Is(reconcile.Secret) || !s.seen.byID[r.ID].Field(name).Is(reconcile.WriteOnly) {
					continue
				}
				f := secretField{r.ID, name, v}
				switch own := ownedOf(s.state, r.ID); {
				case own == nil:
					unproven = append(unproven, f)
				case own.Last[name].Same(v):
					owned = append(owned, f)
				}
			}
		}
	}
	return unproven, owned
}

// proven replaces what could not be read by what was learned. When nothing
// could be learned, nothing is replaced.
func (s *seen) proven(ctx context.Context, p Prover, f secretField, ours bool) {
	same, err := p.Prove(ctx, f.id, f.value)
	if err != nil || !same && !ours {
		return
	}
	learned := f.value
	if !same {
		learned = reconcile.TextOf(changedByHand)
	}
	s.byID[f.id].Fields[f.field] = learned
}
