package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// compactEntries is how many entries may follow the snapshot.
	compactEntries = 500
	// compactBytes is how long they may be, or as long as the snapshot.
	compactBytes = 4 << 20
)

// reign is a time in which this process leads.
type reign struct {
	l      *Ledger
	lease  Lease
	writer *writer
	ctx    context.Context //nolint:containedctx // it is the reign: what is done under it ends with it
	end    context.CancelCauseFunc
	used   sync.WaitGroup // by those who work under it

	mu    sync.Mutex // one transaction at a time; guards what follows
	table table
	f     folded

	heldMu sync.Mutex
	held   time.Time // when the last write that succeeded began
}

// takeOver fences whoever led before, reads to the end, claims the lease, and
// waits until nothing of the predecessor can still arrive.
func (l *Ledger) takeOver(ctx context.Context, client *kgo.Client) (*reign, error) {
	p, err := l.ensure(ctx, client)
	if err != nil {
		return nil, err
	}
	t, err := l.tailOf(ctx, p.id)
	if err != nil {
		return nil, err
	}
	w, err := l.newWriter(ctx)
	if err != nil {
		return nil, err
	}
	r := &reign{l: l, writer: w, lease: Lease{
		Agent: l.o.Agent, Host: l.o.Host, Since: time.Now().UTC(), Session: rand.Text(), Wait: l.o.Hold + l.o.Request, Key: l.o.Key,
	}}
	r.ctx, r.end = context.WithCancelCause(context.WithoutCancel(ctx))
	if err := r.begin(ctx, t, p); err != nil {
		r.end(err)
		w.close()
		return nil, err
	}
	return r, nil
}

func (r *reign) begin(ctx context.Context, t *tail, p place) error {
	if err := t.catchUp(ctx); err != nil {
		return err
	}
	var before mark
	var err error
	r.table, before = t.view()
	if r.f, err = r.l.fold(r.table, p); err != nil {
		return err
	}
	former := r.f.lease
	if err := r.claim(ctx, p); err != nil {
		return err
	}
	if err := r.l.o.Know(p.id); err != nil {
		return err
	}
	mine := func() bool { return t.lease != nil && t.lease.Session == r.lease.Session }
	if err := t.until(ctx, "see our own lease", mine); err != nil {
		return err
	}
	_, claimed := t.view()
	return waitOut(ctx, former, before, claimed)
}

// claim writes who leads now, and what the topic is where it is new.
func (r *reign) claim(ctx context.Context, p place) error {
	var items []item
	if r.f.header == nil {
		r.f.header = &header{Format: formatName, Version: Version, Cluster: p.cluster}
		i, err := itemOf(keyHeader, r.f.header)
		if err != nil {
			return err
		}
		items = append(items, i)
	}
	return r.write(ctx, append(items, r.leaseItem())...)
}

func (r *reign) leaseItem() item {
	i, err := itemOf(keyLease, r.lease)
	if err != nil {
		panic(err) // a Lease is plain text and numbers
	}
	return i
}

// waitOut waits until what the former leader had checked has arrived or never
// will. One that gave up the lease by itself has nothing on its way.
func waitOut(ctx context.Context, former *Lease, before, claimed mark) error {
	if former == nil || former.Released {
		return nil
	}
	left := former.Wait - before.since(claimed, time.Now())
	if left > 0 && !pause(ctx, left) {
		return context.Cause(ctx)
	}
	return nil
}

// write commits items in one transaction. An error ends the reign.
func (r *reign) write(ctx context.Context, items ...item) error {
	if err := context.Cause(r.ctx); err != nil {
		return notLeading(err)
	}
	ctx, cancel := context.WithTimeout(ctx, r.l.o.Request)
	defer cancel()
	began := time.Now()
	records := r.table.records(items...)
	if err := r.writer.commit(ctx, records); err != nil {
		r.end(fmt.Errorf("the lease is lost: %w", err))
		return notLeading(err)
	}
	r.heldMu.Lock()
	r.held = began
	r.heldMu.Unlock()
	for key, value := range records {
		r.table.put(key, value)
	}
	return nil
}

func notLeading(err error) error {
	if errors.Is(err, ErrNotLeading) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrNotLeading, err)
}

// append writes an entry and folds it into the state.
func (r *reign) append(ctx context.Context, e reconcile.Entry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Seq = r.f.seq + 1
	i, err := itemOf(entryKey(e.Seq), e)
	if err != nil {
		return fmt.Errorf("encode ledger entry: %w", err)
	}
	if err := r.write(ctx, i); err != nil {
		return err
	}
	r.f.seq = e.Seq
	r.f.state.Fold(e)
	r.f.entries++
	r.f.bytes += len(i.data)
	if r.f.entries >= compactEntries || r.f.bytes >= max(compactBytes, r.f.base) {
		return r.shorten(ctx)
	}
	return nil
}

// shorten puts a snapshot in the place of all entries. The entry that led here
// is safe already, so that a failure is not the caller's: the next write finds
// that the reign has ended.
func (r *reign) shorten(ctx context.Context) error {
	items, base, err := r.whole()
	if err != nil {
		return err
	}
	if r.write(ctx, items...) == nil {
		r.f.entries, r.f.bytes, r.f.base = 0, 0, base
	}
	return nil
}

// whole is the state as a snapshot, and the removal of what it replaces.
func (r *reign) whole() ([]item, int, error) {
	s, err := itemOf(snapshotKey(r.f.seq), snapshot{r.f.seq, r.f.state})
	if err != nil {
		return nil, 0, fmt.Errorf("encode the ledger: %w", err)
	}
	return append(r.table.journal(s.key), s), len(s.data), nil
}

// journal is the removal of all entries and snapshots but one.
func (t table) journal(but string) []item {
	gone := map[string]bool{}
	for full := range t {
		key, _, _, err := splitKey(full)
		if err == nil && key != but && isJournal(key) {
			gone[key] = true
		}
	}
	var items []item
	for key := range maps.Keys(gone) {
		items = append(items, item{key: key})
	}
	return items
}
