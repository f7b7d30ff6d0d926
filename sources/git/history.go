package git

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// enough is how much history is fetched at first to find an ancestor: most
// were the tip a moment ago.
const enough = 64

// descends answers from the history that is here, and fetches more until it
// is sure. It never guesses: a history that stays cut off is an error.
func (r *Repository) descends(ctx context.Context, ref Ref, newer, older string) (bool, error) {
	if !fullHash.MatchString(newer) || !fullHash.MatchString(older) {
		return false, errors.New("these are not full commit hashes")
	}
	if newer == older {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.opts.Timeout)
	defer cancel()
	release, err := r.take(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	if err := r.clones.open(ctx); err != nil {
		return false, err
	}
	st := r.clones.current
	if st == nil {
		return false, fmt.Errorf("%s was never fetched", ref)
	}
	return r.search(ctx, st, plumbing.NewHash(newer), plumbing.NewHash(older))
}

func (r *Repository) search(ctx context.Context, st *store, newer, older plumbing.Hash) (bool, error) {
	for _, depth := range []int{0, enough, everything} {
		if depth > 0 {
			if err := r.deepen(ctx, st, newer, depth); err != nil {
				return false, explain(fmt.Errorf("fetch older history: %w", err))
			}
		}
		if !st.has(newer) {
			continue
		}
		h, err := st.walk([]plumbing.Hash{newer}, older, 0)
		if err != nil {
			return false, err
		}
		if h.found || !h.cut {
			return h.found, nil
		}
	}
	return false, hint(errors.New("the remote does not have the whole history"),
		"it may be a shallow clone itself, or the commit is gone from it; if the newer commit is right, allow the rewritten history once")
}

func (r *Repository) deepen(ctx context.Context, st *store, newer plumbing.Hash, depth int) error {
	return r.converse(ctx, Deepen, func(c conn) error {
		has, err := c.list(ctx)
		if err != nil {
			return err
		}
		wants, depth := has.reach(newer, depth)
		return r.transfer(ctx, c, st, wants, depth)
	})
}

// history is what a walk saw.
type history struct {
	seen  []plumbing.Hash // newest first
	found bool
	cut   bool // it came to where our history ends and the remote's goes on
}

// walk goes through the ancestors of some commits, themselves included, until
// it meets the target or has seen the limit; 0 is no limit.
func (s *store) walk(from []plumbing.Hash, target plumbing.Hash, limit int) (history, error) {
	ends, err := s.boundary()
	if err != nil {
		return history{}, fmt.Errorf("read the boundary: %w", err)
	}
	queue := slices.Clone(from)
	queued := map[plumbing.Hash]bool{}
	var h history
	for i := 0; i < len(queue) && (limit == 0 || len(h.seen) < limit); i++ {
		at := queue[i]
		if queued[at] {
			continue
		}
		queued[at] = true
		h.seen = append(h.seen, at)
		if at == target {
			h.found = true
			return h, nil
		}
		if slices.Contains(ends, at) {
			h.cut = true
			continue
		}
		c, err := s.commit(at)
		if err != nil {
			return h, s.noted(fmt.Errorf("commit %s: %w", at, err))
		}
		queue = append(queue, c.ParentHashes...)
	}
	return h, nil
}
