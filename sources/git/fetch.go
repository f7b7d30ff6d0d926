package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/ottla-io/ottla/sources"
)

// maxPacks is how many transfers a clone collects before a new, small one
// takes over. Every pack is one more index to look into.
const maxPacks = 100

// answerAll fetches several refs in one conversation, or as few as it takes.
func (r *Repository) answerAll(ctx context.Context, refs map[Ref]struct{}) map[Ref]answer {
	ctx, cancel := context.WithTimeout(ctx, r.opts.Timeout)
	defer cancel()
	answers, err := r.fetchAll(ctx, refs)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx) // whatever broke first, this is why
		}
		answers = map[Ref]answer{}
		for ref := range refs {
			answers[ref] = answer{err: explain(err)}
		}
	}
	return answers
}

func (r *Repository) fetchAll(ctx context.Context, refs map[Ref]struct{}) (map[Ref]answer, error) {
	release, err := r.take(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := r.clones.open(ctx); err != nil {
		return nil, err
	}
	if st := r.clones.current; st != nil && !st.damaged.Load() && st.packCount() < r.packs {
		answers, err := r.update(ctx, Poll, st, refs)
		if !errors.Is(err, errIncomplete) && !st.damaged.Load() {
			return answers, err
		}
	}
	return r.cloneAfresh(ctx, refs)
}

// cloneAfresh builds a clone beside the old one, which stays where it is if
// this fails.
func (r *Repository) cloneAfresh(ctx context.Context, refs map[Ref]struct{}) (map[Ref]answer, error) {
	st, err := r.clones.create()
	if err != nil {
		return nil, err
	}
	answers, err := r.update(ctx, Clone, st, refs)
	if err == nil {
		err = anyGood(answers)
	}
	if err != nil {
		return answers, errors.Join(err, st.discard())
	}
	return answers, r.clones.adoptNew(st)
}

// anyGood is nil if at least one ref was found: otherwise there is nothing to
// keep.
func anyGood(answers map[Ref]answer) error {
	var errs []error
	for _, a := range answers {
		if a.err == nil {
			return nil
		}
		errs = append(errs, a.err)
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// errIncomplete says that after a transfer something is still missing.
var errIncomplete = errors.New("the kept clone lacks objects after a fetch")

// update brings the refs into a clone and reads them. An error is of the
// whole; what concerns one ref is in its answer.
func (r *Repository) update(ctx context.Context, op Operation, st *store, refs map[Ref]struct{}) (map[Ref]answer, error) {
	answers := map[Ref]answer{}
	named := map[Ref]found{}
	for ref := range refs {
		if ref.Commit != "" {
			answers[ref] = r.pin(ctx, op, st, ref)
		} else {
			named[ref] = found{}
		}
	}
	if len(named) == 0 {
		return answers, nil
	}
	if op == Poll {
		same, err := r.unchanged(ctx, st, named)
		if err != nil || same != nil {
			maps.Copy(answers, same)
			return answers, err
		}
	}
	err := r.converse(ctx, op, func(c conn) error {
		has, err := c.list(ctx)
		if err != nil {
			return err
		}
		for ref := range named {
			if named[ref], err = ref.lookUp(has.refs); err != nil {
				answers[ref] = answer{err: err}
				delete(named, ref)
			}
		}
		return r.bring(ctx, op, c, st, named)
	})
	if err != nil {
		return nil, err
	}
	for ref, at := range named {
		s, err := r.read(st, ref, at)
		if err != nil {
			return nil, err
		}
		answers[ref] = answer{snapshot: s}
	}
	return answers, nil
}

// pin answers for one commit. Once it is here the remote is not asked again: a
// hash never means anything else.
func (r *Repository) pin(ctx context.Context, op Operation, st *store, ref Ref) answer {
	at := found{hash: plumbing.NewHash(ref.Commit), name: ref.String()}
	if !st.has(at.hash) {
		err := r.converse(ctx, op, func(c conn) error {
			has, err := c.list(ctx)
			if err != nil {
				return err
			}
			wants, depth := has.reach(at.hash, 1)
			return r.transfer(ctx, c, st, wants, depth)
		})
		if err != nil {
			return answer{err: explain(err)}
		}
	}
	if !st.has(at.hash) {
		return answer{err: hint(fmt.Errorf("%s: %w", ref, ErrRefNotFound),
			"it is in the history of no branch or tag: push one that holds it")}
	}
	s, err := r.read(st, ref, at)
	return answer{snapshot: s, err: err}
}

// reach says what to ask for to get a commit: the commit itself where the
// remote gives it out, else all that its refs lead to.
func (a advert) reach(h plumbing.Hash, depth int) ([]plumbing.Hash, int) {
	if a.anyHash {
		return []plumbing.Hash{h}, depth
	}
	all := make([]plumbing.Hash, 0, len(a.refs))
	for name, at := range a.refs {
		if at == h {
			return []plumbing.Hash{h}, depth
		}
		if strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/") {
			all = append(all, at)
		}
	}
	return all, everything
}

// converse opens a conversation, counts it and ends it.
func (r *Repository) converse(ctx context.Context, op Operation, talk func(conn) error) (err error) {
	var received atomic.Int64
	defer func() { r.meter.add(op, err != nil, received.Load()) }()
	c, err := r.dial(ctx, &received)
	if err != nil {
		return err
	}
	err = talk(c)
	if cerr := c.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("end the conversation: %w", cerr)
	}
	return err
}

// bring transfers what is missing. A ref that is followed for the first time
// comes without history, one that was seen before with all that is new, so
// that its ancestry is known without asking again.
func (r *Repository) bring(ctx context.Context, op Operation, c conn, st *store, where map[Ref]found) error {
	var first, more []plumbing.Hash
	for ref, at := range where {
		switch {
		case st.has(at.hash):
		case st.tip(ref.key()).IsZero():
			first = append(first, at.hash)
		default:
			more = append(more, at.hash)
		}
	}
	if len(first) == 0 {
		return r.transfer(ctx, c, st, more, 0)
	}
	if err := r.transfer(ctx, c, st, first, 1); err != nil || len(more) == 0 {
		return err
	}
	return r.converse(ctx, op, func(again conn) error { // one carries one transfer
		if _, err := again.list(ctx); err != nil {
			return err
		}
		return r.transfer(ctx, again, st, more, 0)
	})
}

func (r *Repository) transfer(ctx context.Context, c conn, st *store, wants []plumbing.Hash, depth int) error {
	if len(wants) == 0 {
		return nil
	}
	haves, err := st.haves()
	if err != nil {
		return fmt.Errorf("read the kept clone: %w", err)
	}
	boundary, err := st.boundary()
	if err != nil {
		return fmt.Errorf("read the kept clone: %w", err)
	}
	slices.SortFunc(wants, func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
	t, err := c.fetch(ctx, request{wants: slices.Compact(wants), haves: haves, boundary: boundary, depth: depth})
	if err != nil {
		return err
	}
	return r.receive(st, t)
}

// read looks a ref's commit up, whole, remembers it and makes a snapshot.
func (r *Repository) read(st *store, ref Ref, at found) (sources.Snapshot, error) {
	c, err := st.whole(at.hash)
	if err != nil {
		return sources.Snapshot{}, fmt.Errorf("%w: %w", errIncomplete, err)
	}
	if err := st.setTip(ref.key(), c.Hash); err != nil {
		return sources.Snapshot{}, fmt.Errorf("remember the tip: %w", err)
	}
	return sources.Snapshot{
		Revision: c.Hash.String(), Ref: at.name,
		Author:  printable(fmt.Sprintf("%s <%s>", c.Author.Name, c.Author.Email), 200),
		Subject: subject(c), Time: c.Committer.When,
		Tree: newTree(st, c.TreeHash, r.opts.MaxFile),
	}, nil
}

func subject(c *object.Commit) string {
	first, _, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	return printable(first, 200)
}

// key is a name for the ref that any file system takes.
func (r Ref) key() string {
	sum := sha256.Sum256([]byte(r.String()))
	return hex.EncodeToString(sum[:8])
}

func (s *store) has(h plumbing.Hash) bool {
	_, err := s.commit(h)
	return err == nil
}

// haves are the tips we surely have and some of their ancestors, for the case
// that the remote has forgotten a tip.
func (s *store) haves() ([]plumbing.Hash, error) {
	tips, err := s.tips()
	if err != nil {
		return nil, err
	}
	w, err := s.walk(tips, plumbing.ZeroHash, 256)
	return w.seen, err
}
