package agent

import (
	"context"
	"maps"
	"slices"
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
	// proofMost is how long all logins of a round may take together.
	proofMost = 10 * time.Second
	// proofPause is the time between two looks at a password we own.
	proofPause = 10 * time.Second
	// proofKeeps is how long an answer, or that there was none, counts for a
	// password that is not ours yet: where nothing is adopted, because a sync
	// only observes, each round would try it again.
	proofKeeps = 10 * time.Minute
)

// changedByHand stands for a live password that is not the declared one.
const changedByHand = "(changed by hand)"

// prover remembers whose turn it is, and what was learnt.
type prover struct {
	last  time.Time
	turn  int
	known map[proofOf]proof
}

type proofOf struct {
	id    reconcile.ID
	field string
}

type proof struct {
	value reconcile.Value
	same  bool
	at    time.Time
}

// prove tries declared passwords where they matter: each one whose history is
// unknown, and of those we own one now and then. What was proven counts as
// observed.
func (c *Cluster) prove(ctx context.Context, s *scene) {
	ctx, cancel := context.WithTimeout(ctx, proofMost)
	defer cancel()
	for _, k := range s.target.Kinds() {
		p, can := k.(Prover)
		if !can || !p.Proves() {
			continue
		}
		unproven, owned := c.secrets(s, k.Name())
		c.proveUnowned(ctx, s, p, unproven)
		if len(owned) == 0 || c.Now().Sub(c.proofs.last) < proofPause {
			continue
		}
		c.proofs.last = c.Now()
		c.proofs.turn++
		w := owned[c.proofs.turn%len(owned)]
		if same, err := p.Prove(ctx, w.id, w.value); err == nil {
			s.seen.proven(w, same, true)
		}
	}
}

// proveUnowned tries what is about to be adopted.
func (c *Cluster) proveUnowned(ctx context.Context, s *scene, p Prover, unproven []secretField) {
	now := c.Now()
	maps.DeleteFunc(c.proofs.known, func(_ proofOf, k proof) bool { return now.Sub(k.at) >= proofKeeps })
	if c.proofs.known == nil {
		c.proofs.known = map[proofOf]proof{}
	}
	tries := 0
	for _, w := range unproven {
		of := proofOf{w.id, w.field}
		known, fresh := c.proofs.known[of]
		if !fresh || known.value != w.value {
			if tries == proofsARound || ctx.Err() != nil {
				continue
			}
			tries++
			same, err := p.Prove(ctx, w.id, w.value)
			known = proof{w.value, same && err == nil, now}
			c.proofs.known[of] = known
		}
		s.seen.proven(w, known.same, false)
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
			for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
				v := r.Fields[name]
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

// proven replaces what could not be read by what was learned. A password that
// was never ours and is another one says nothing new.
func (s *seen) proven(f secretField, same, ours bool) {
	switch {
	case same:
		s.byID[f.id].Fields[f.field] = f.value
	case ours:
		s.byID[f.id].Fields[f.field] = reconcile.TextOf(changedByHand)
	}
}
