package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/reconcile"
)

// Ledger is a cluster's ledger in its own topic. It is safe for concurrent use;
// the State that Replay returns while we lead changes with each Append.
type Ledger struct {
	o       Options
	working context.Context //nolint:containedctx // of all that is begun here; Close ends it
	stop    context.CancelFunc
	begin   sync.Once
	ended   chan struct{} // the election; nil where it was never begun

	reading sync.Mutex // one reader at a time is made

	mu      sync.Mutex // guards what follows
	tail    *tail
	reign   *reign
	fault   error
	changed chan struct{} // closed and made anew with every change
}

var _ reconcile.Ledger = (*Ledger)(nil)

// New returns a ledger that nobody was asked for yet: without Elect it can be
// read. What it begins ends with Close, or with ctx.
func New(ctx context.Context, o Options) *Ledger {
	l := &Ledger{o: o.filled(), changed: make(chan struct{})}
	l.working, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	return l
}

// Close gives the lead up, and ends all that was begun.
func (l *Ledger) Close() error {
	l.stop()
	l.mu.Lock()
	ended := l.ended
	l.mu.Unlock()
	if ended != nil {
		<-ended
	}
	l.reading.Lock()
	defer l.reading.Unlock()
	if t := l.following(); t != nil {
		t.close()
	}
	return nil
}

// Replay returns the state. While we lead it is the one that Append keeps up to
// date; otherwise it is what stands in the topic now.
func (l *Ledger) Replay(ctx context.Context) (*reconcile.State, error) {
	if r := l.reigning(); r != nil {
		return r.f.state, nil
	}
	f, err := l.read(ctx)
	return f.state, err
}

// Append writes the entry in a transaction of its own and folds it into the
// state. After an error nobody here leads any more.
func (l *Ledger) Append(ctx context.Context, e reconcile.Entry) error {
	r := l.reigning()
	if r == nil {
		return l.notLeading()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.append(ctx, e)
}

// read is what stands in the topic now; nothing, where there is none and never
// was one.
func (l *Ledger) read(ctx context.Context) (folded, error) {
	if l.working.Err() != nil {
		return folded{}, ErrClosed
	}
	client, err := l.o.Dial(ctx)
	if err != nil {
		return folded{}, err
	}
	defer client.Close()
	p, err := look(ctx, client, l.o.Topic)
	if err != nil {
		return folded{}, err
	}
	if p.id == "" {
		return folded{state: reconcile.NewState()}, l.lost(p)
	}
	t, err := l.tailOf(ctx, p.id)
	if err != nil {
		return folded{}, err
	}
	if err := t.catchUp(ctx); err != nil {
		return folded{}, err
	}
	stands, _ := t.view()
	return l.fold(stands, p)
}

// fold takes what stands in the topic, if it is the one this machine knew.
func (l *Ledger) fold(stands table, p place) (folded, error) {
	f, err := stands.fold(p.cluster)
	if err != nil {
		return f, damaged(l.o.Topic, err)
	}
	known, err := l.o.Known()
	switch {
	case err != nil:
		return f, err
	case f.header == nil && known == p.id:
		return f, damaged(l.o.Topic, errors.New("it is empty, and it was not"))
	case f.header != nil && f.header.Moved != "":
		if l.o.Import {
			return f, nil
		}
		return f, &Error{&MovedError{l.o.Topic, f.header.Moved}, "set ledger: file on that agent and stop the others; or move it back there with: ottla ledger move --to kafka"}
	case f.header != nil && known != "" && f.header.Replaces == known:
		return f, nil
	}
	return f, l.lost(p)
}

// tailOf follows the topic of that id. One of another id is a topic that is no
// longer there.
func (l *Ledger) tailOf(ctx context.Context, id string) (*tail, error) {
	l.reading.Lock()
	defer l.reading.Unlock()
	if l.working.Err() != nil {
		return nil, ErrClosed
	}
	old := l.following()
	if old != nil && old.id == id {
		return old, nil
	}
	if old != nil {
		old.close()
	}
	t, err := l.follow(ctx, id)
	if err != nil {
		return nil, err
	}
	l.set(func() { l.tail = t })
	return t, nil
}

func (l *Ledger) following() *tail {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tail
}

func (l *Ledger) reigning() *reign {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current()
}

// current is nil as soon as a reign has ended. The caller holds the lock.
func (l *Ledger) current() *reign {
	if l.reign == nil || l.reign.ctx.Err() != nil {
		return nil
	}
	return l.reign
}

// set changes what others wait for.
func (l *Ledger) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	close(l.changed)
	l.changed = make(chan struct{})
}

// Standing is how this agent stands to the ledger.
type Standing struct {
	Leading bool
	Leader  *Lease // who led last, as far as is known
	Fault   error  // why this agent neither leads nor could
}

// Standing says who leads.
func (l *Ledger) Standing() Standing {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Standing{Fault: l.fault}
	switch r := l.current(); {
	case r != nil:
		s.Leading = true
		lease := r.lease
		s.Leader = &lease
	case l.tail != nil:
		s.Leader = l.tail.leader()
	}
	return s
}

// OtherKey tells that we lead, and that whoever led before sealed secrets with
// another key.
func (l *Ledger) OtherKey() bool {
	r := l.reigning()
	return r != nil && r.f.lease != nil && l.SealedOtherwise(r.f.lease)
}

// SealedOtherwise tells that a leader sealed secrets with another key than ours.
func (l *Ledger) SealedOtherwise(lease *Lease) bool { return lease.Key != l.o.Key }

// Changed is closed when the standing changes.
func (l *Ledger) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// notLeading is ErrNotLeading, with who does.
func (l *Ledger) notLeading() error {
	if l.working.Err() != nil {
		return ErrClosed
	}
	s := l.Standing()
	switch {
	case s.Fault != nil:
		return fmt.Errorf("%w: %w", ErrNotLeading, s.Fault)
	case s.Leader != nil && !s.Leader.Released:
		return fmt.Errorf("%w: agent %s on %s does, since %s", ErrNotLeading, s.Leader.Agent, s.Leader.Host, s.Leader.Since.Format(time.RFC3339))
	default:
		return ErrNotLeading
	}
}

// Note is what was kept under a name, nil for nothing.
func (l *Ledger) Note(name string) []byte { return slices.Clone(l.notes()[name]) }

// Notes are the names under which something is kept, sorted.
func (l *Ledger) Notes() []string { return slices.Sorted(maps.Keys(l.notes())) }

// notes are those of our own reign, or those that we read while another agent
// leads.
func (l *Ledger) notes() map[string][]byte {
	if r := l.reigning(); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		return maps.Clone(r.f.notes)
	}
	t := l.following()
	if t == nil {
		return nil
	}
	stands, _ := t.view()
	all, err := stands.whole()
	if err != nil {
		return nil // whoever reads the ledger is told
	}
	out := map[string][]byte{}
	for key, data := range all {
		if name, ok := strings.CutPrefix(key, keyNote); ok {
			out[name] = data
		}
	}
	return out
}

// Keep is SetNote for those who have no context: it ends with the ledger.
func (l *Ledger) Keep(name string, data []byte) error { return l.SetNote(l.working, name, data) }

// Lease is who leads, or led last, as the topic says; nil where nobody ever did.
func (l *Ledger) Lease(ctx context.Context) (*Lease, error) {
	if s := l.Standing(); s.Leading {
		return s.Leader, nil
	}
	f, err := l.read(ctx)
	return f.lease, err
}

// SetNote keeps something for whoever leads next; nil keeps nothing.
func (l *Ledger) SetNote(ctx context.Context, name string, data []byte) error {
	r := l.reigning()
	if r == nil {
		return l.notLeading()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.write(ctx, item{keyNote + name, data}); err != nil {
		return err
	}
	if data == nil {
		delete(r.f.notes, name)
	} else {
		r.f.notes[name] = slices.Clone(data)
	}
	return nil
}

// dialed lets a function ask the cluster.
func (l *Ledger) dialed(ctx context.Context, do func(*kgo.Client) error) error {
	client, err := l.o.Dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	return do(client)
}
