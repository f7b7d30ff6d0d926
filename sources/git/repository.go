package git

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/ottla-io/ottla/sources"
)

// Repository is a remote repository and its kept clone, shared by all that
// follow one of its refs. It is safe for concurrent use; one conversation with
// the remote is held at a time.
type Repository struct {
	opts  Options
	addr  address
	meter meter

	turn   chan struct{} // held while clones is used to fetch or deepen
	clones clones
	speaks protocol // guarded by turn
	packs  int      // how many a clone collects

	mu      sync.Mutex // guards what follows
	running bool
	next    *flight
	closed  bool
}

// Open checks the options and returns the repository. The remote and the
// directory are first touched by a Fetch, which takes the directory's lock;
// Close gives it back.
func Open(o Options) (*Repository, error) {
	a, err := parseAddress(o.URL)
	if err != nil {
		return nil, err
	}
	if err := o.check(a); err != nil {
		return nil, fmt.Errorf("repository %s: %w", a, err)
	}
	return &Repository{
		opts: o.withDefaults(), addr: a, turn: make(chan struct{}, 1), packs: maxPacks,
		clones: clones{dir: filepath.Join(o.Dir, a.dirName())},
	}, nil
}

// String is the repository's URL without user information.
func (r *Repository) String() string { return r.addr.String() }

// GoString keeps the options, and the functions in them, out of %#v.
func (r *Repository) GoString() string { return "git.Repository(" + r.addr.String() + ")" }

// Stats counts the conversations with the remote since Open: every operation
// and outcome, in a fixed order.
func (r *Repository) Stats() []Traffic { return r.meter.all() }

// Close waits for a conversation in flight, closes the clone and gives its
// lock back. Trees of former snapshots cannot be read after it.
func (r *Repository) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.turn <- struct{}{}
	defer func() { <-r.turn }()
	return r.clones.close()
}

// Follow returns a source for one ref. A Ref that is not valid is an error of
// every Fetch.
func (r *Repository) Follow(ref Ref) sources.Source { return &follower{repo: r, ref: ref} }

type follower struct {
	repo *Repository
	ref  Ref
}

// Fetch implements sources.Source.
func (f *follower) Fetch(ctx context.Context) (sources.Snapshot, error) {
	if err := f.ref.Validate(); err != nil {
		return sources.Snapshot{}, fmt.Errorf("follow %s of %s: %w", f.ref, f.repo, err)
	}
	s, err := f.repo.join(ctx, f.ref)
	if err != nil {
		return sources.Snapshot{}, fmt.Errorf("fetch %s of %s: %w", f.ref, f.repo, err)
	}
	return s, nil
}

// Descends implements sources.Source.
func (f *follower) Descends(ctx context.Context, newer, older string) (bool, error) {
	ok, err := f.repo.descends(ctx, f.ref, newer, older)
	if err != nil {
		return false, fmt.Errorf("does %.12s descend from %.12s in %s: %w", newer, older, f.repo, err)
	}
	return ok, nil
}

// take waits for the turn to use the clone.
func (r *Repository) take(ctx context.Context) (release func(), err error) {
	select {
	case r.turn <- struct{}{}:
		release = func() { <-r.turn }
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		release()
		return nil, errClosed
	}
	return release, nil
}

var errClosed = errors.New("the repository is closed")

// flight is one conversation that answers all who asked before it began.
type flight struct {
	ctx     context.Context
	cancel  context.CancelFunc
	waiting int
	refs    map[Ref]struct{}
	done    chan struct{}
	answers map[Ref]answer
}

type answer struct {
	snapshot sources.Snapshot
	err      error
}

// join waits for an answer that was asked of the remote after the call: of the
// flight that starts next, for one that is under way may have listed the refs
// already. A flight is given up when nobody waits for it any more.
func (r *Repository) join(ctx context.Context, ref Ref) (sources.Snapshot, error) {
	f, err := r.board(ctx, ref)
	if err != nil {
		return sources.Snapshot{}, err
	}
	defer r.leave(f)
	select {
	case <-f.done:
		a := f.answers[ref]
		return a.snapshot, a.err
	case <-ctx.Done():
		return sources.Snapshot{}, explain(context.Cause(ctx))
	}
}

func (r *Repository) board(ctx context.Context, ref Ref) (*flight, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errClosed
	}
	if r.next == nil {
		f := &flight{refs: map[Ref]struct{}{}, done: make(chan struct{})}
		f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
		r.next = f
	}
	f := r.next
	f.refs[ref] = struct{}{}
	f.waiting++
	if !r.running {
		r.running = true
		go r.fly()
	}
	return f, nil
}

func (r *Repository) leave(f *flight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.waiting--
	if f.waiting > 0 {
		return
	}
	f.cancel()
	if r.next == f {
		r.next = nil // nobody should board a flight that is cancelled
	}
}

// fly carries out flights until nobody waits.
func (r *Repository) fly() {
	for {
		r.mu.Lock()
		f := r.next
		r.next = nil
		r.running = f != nil
		r.mu.Unlock()
		if f == nil {
			return
		}
		f.answers = r.answerAll(f.ctx, f.refs)
		close(f.done)
	}
}
