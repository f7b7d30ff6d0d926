package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

// broker is an outside system in memory: things with fields, and its faults.
type broker struct {
	mu        sync.Mutex
	id        string
	things    map[reconcile.ID]map[string]string
	uids      map[reconcile.ID]string
	born      int
	down      error                   // it cannot be reached
	blind     map[string]error        // kinds that cannot be observed
	unseen    map[reconcile.ID]string // things that cannot
	refuses   map[reconcile.ID]string
	never     map[string]bool // fields that are acknowledged and never show
	late      time.Duration   // until an acknowledged change shows
	writes    []string
	whenAsked func()           // called before each write
	checkErr  map[string]error // by kind
	passwords map[reconcile.ID]string
	loginErr  error
	logins    int
}

func newBroker() *broker {
	return &broker{
		id: "cluster-1", things: map[reconcile.ID]map[string]string{}, uids: map[reconcile.ID]string{}, blind: map[string]error{},
		unseen: map[reconcile.ID]string{}, refuses: map[reconcile.ID]string{}, never: map[string]bool{}, passwords: map[reconcile.ID]string{},
	}
}

func (b *broker) Close() {}
func (b *broker) ID(context.Context) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.id, b.down
}
func (b *broker) Kinds() []reconcile.Kind {
	return []reconcile.Kind{&kind{b, "Topic"}, &logins{kind{b, "Credential"}}}
}

// set changes a thing by hand.
func (b *broker) set(id string, fields ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(thing(id), fields...)
}

func (b *broker) put(id reconcile.ID, fields ...string) {
	if b.things[id] == nil {
		b.born++
		b.things[id], b.uids[id] = map[string]string{}, fmt.Sprint("uid-", b.born)
	}
	for i := 0; i < len(fields); i += 2 {
		b.things[id][fields[i]] = fields[i+1]
	}
}

func (b *broker) drop(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.things, thing(id))
}

func (b *broker) get(id, field string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.things[thing(id)][field]
}

func (b *broker) written() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.writes)
}

// fault changes how the broker behaves.
func (b *broker) fault(f func()) { b.mu.Lock(); defer b.mu.Unlock(); f() }

type kind struct {
	*broker
	name string
}

func (k *kind) Name() string { return k.name }
func (k *kind) Rules() reconcile.Rules {
	return reconcile.Rules{Recreate: true, Field: func(string) reconcile.Rule { return reconcile.Rule{Reset: true} }}
}

func (k *kind) Observe(ctx context.Context, s reconcile.Scope) (lives []reconcile.Live, unseen []reconcile.Unobserved, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := errors.Join(k.blind[k.name], ctx.Err()); err != nil {
		return nil, nil, err
	}
	for id, words := range k.unseen {
		if id.Kind == k.name && (s.Full || slices.Contains(s.Name, id)) {
			unseen = append(unseen, reconcile.Unobserved{ID: id, Reason: words})
		}
	}
	for id, fields := range k.things {
		if id.Kind != k.name || !s.Full && !slices.Contains(s.Name, id) || k.unseen[id] != "" {
			continue
		}
		live := reconcile.Live{ID: id, Whole: true, UID: k.uids[id], Fields: map[string]reconcile.Value{}}
		for name, text := range fields {
			live.Fields[name] = reconcile.TextOf(text)
			if name == "password" {
				live.Fields[name] = reconcile.WriteOnlyValue()
			}
		}
		lives = append(lives, live)
	}
	return lives, unseen, nil
}

func (k *kind) Check(context.Context, []reconcile.Change) ([]reconcile.Verdict, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return nil, k.checkErr[k.name]
}

func (k *kind) Apply(_ context.Context, changes []reconcile.Change, report func(...reconcile.Outcome)) {
	for _, c := range changes {
		if k.whenAsked != nil {
			k.whenAsked()
		}
		k.mu.Lock()
		k.writes = append(k.writes, fmt.Sprintf("%s %s", c.Action, c.ID))
		words := k.refuses[c.ID]
		if words == "" && k.late > 0 {
			time.AfterFunc(k.late, func() { k.mu.Lock(); defer k.mu.Unlock(); k.carry(c) })
		} else if words == "" {
			k.carry(c)
		}
		uid := k.uids[c.ID]
		k.mu.Unlock()
		report(reconcile.Outcome{ID: c.ID, UID: uid, Failed: words})
	}
}

func (k *kind) carry(c reconcile.Change) {
	if c.Action == reconcile.Delete {
		delete(k.things, c.ID)
		return
	}
	k.put(c.ID)
	for _, f := range c.Fields {
		text := f.To.Text()
		if secret, ok := f.To.Plaintext(); ok {
			k.passwords[c.ID], text = secret, "set"
		}
		switch {
		case k.never[f.Name]:
		case f.To.Is(reconcile.Unset):
			delete(k.things[c.ID], f.Name)
		default:
			k.things[c.ID][f.Name] = text
		}
	}
}

// logins is a kind whose secrets can be proven.
type logins struct{ kind }

func (k *logins) Proves() bool { return true }
func (k *logins) Prove(_ context.Context, id reconcile.ID, v reconcile.Value) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.logins++
	plain, _ := v.Plaintext()
	return k.passwords[id] == plain, k.loginErr
}

// journaled is a ledger in memory.
type journaled struct {
	mu      sync.Mutex
	state   *reconcile.State
	entries []reconcile.Entry
	fails   error
}

func (l *journaled) Replay(ctx context.Context) (*reconcile.State, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, ctx.Err()
}

func (l *journaled) Append(ctx context.Context, e reconcile.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(l.fails, ctx.Err()); err != nil {
		return err
	}
	l.entries = append(l.entries, e)
	l.state.Fold(e)
	return nil
}

// repository is a Git repository in memory: what a revision declares, by path.
type repository struct {
	mu      sync.Mutex
	newest  string
	err     error
	tree    map[string][]reconcile.Resource // "revision/path"; nothing is a revision that does not decode
	forks   map[string]bool                 // revisions that descend from nothing
	lost    error                           // nobody can say how revisions are related
	reads   int
	instead func(context.Context) (sources.Snapshot, error) // of an answer
}

func (r *repository) push(revision string, paths map[string][]reconcile.Resource) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.newest = revision
	for path, declared := range paths {
		r.tree[revision+"/"+path] = declared
	}
}

func (r *repository) fetch(ctx context.Context) (sources.Snapshot, error) {
	r.mu.Lock()
	instead := r.instead
	r.mu.Unlock()
	if instead != nil {
		return instead(ctx)
	}
	return r.answer()
}

func (r *repository) answer() (sources.Snapshot, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return sources.Snapshot{}, r.err
	}
	return sources.Snapshot{Revision: r.newest}, nil
}

func (r *repository) fault(f func()) { r.mu.Lock(); defer r.mu.Unlock(); f() }

func (r *repository) read(path string) func(context.Context, sources.Snapshot) (reconcile.Declarations, error) {
	return func(ctx context.Context, s sources.Snapshot) (reconcile.Declarations, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reads++
		declared, ok := r.tree[s.Revision+"/"+path]
		if !ok {
			return reconcile.Declarations{}, errors.Join(errors.New("topics.yaml:3: no such field"), ctx.Err())
		}
		return reconcile.Declarations{Resources: declared}, nil
	}
}

func (r *repository) descends(_ context.Context, newer, _ string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.forks[newer], r.lost
}

// house is one cluster with its syncs, as a process has it.
type house struct {
	t      *testing.T
	broker *broker
	ledger *journaled
	repo   *repository
	stood  func(Report)
	*Cluster
}

func newHouse(t *testing.T, paths ...string) *house {
	h := &house{t: t, broker: newBroker(), ledger: &journaled{state: reconcile.NewState()}, repo: &repository{tree: map[string][]reconcile.Resource{}, forks: map[string]bool{}}}
	h.start(paths...)
	return h
}

// start is a start of the process: nothing is known but what the ledger says.
func (h *house) start(paths ...string) {
	h.Cluster = &Cluster{
		Name: "main", Interval: 30 * time.Second, Settle: 10 * time.Second, Ledger: h.ledger, Key: []byte("key"), Now: time.Now,
		Connect: func(ctx context.Context) (Target, error) {
			_, err := h.broker.ID(ctx)
			return h.broker, err
		},
	}
	feed := &Feed{Newest: h.repo.fetch}
	for _, path := range paths {
		h.Syncs = append(h.Syncs, &Sync{
			Name: path, Mode: Apply, Binding: reconcile.Binding{Repository: "repo", Path: path, Ref: "main"}, Feed: feed, Read: h.repo.read(path),
			At: func(_ context.Context, revision string) (sources.Snapshot, error) {
				return sources.Snapshot{Revision: revision}, nil
			},
			Descends: h.repo.descends,
		})
	}
}

// round runs one, which must reach the cluster.
func (h *house) round() Report {
	h.t.Helper()
	r := h.Round(h.t.Context(), reconcile.Scope{Full: true})
	if r.Err != nil {
		h.t.Fatal(r.Err)
	}
	return r
}

// wrote tells what was written outside since it was last asked.
func (h *house) wrote(want ...string) {
	h.t.Helper()
	h.broker.mu.Lock()
	defer h.broker.mu.Unlock()
	slices.Sort(h.broker.writes)
	if !slices.Equal(h.broker.writes, want) {
		h.t.Errorf("written %q, want %q", h.broker.writes, want)
	}
	h.broker.writes = nil
}

func (h *house) accepted(sync string) string { return h.ledger.state.Section(sync).Accepted }

func thing(id string) reconcile.ID {
	out, err := reconcile.ParseID(id)
	if err != nil {
		panic(err)
	}
	return out
}

// declare is a wanted thing; a password is a secret.
func declare(id string, fields ...string) reconcile.Resource {
	r := reconcile.Resource{ID: thing(id), Fields: map[string]reconcile.Value{}}
	for i := 0; i < len(fields); i += 2 {
		r.Fields[fields[i]] = reconcile.TextOf(fields[i+1])
		if fields[i] == "password" {
			r.Fields[fields[i]] = reconcile.SecretOf(fields[i+1])
		}
	}
	return r
}

// pass lets time go by, on the clock of a test's bubble, until all wait.
func pass(d time.Duration) { <-time.After(d); synctest.Wait() }

func all(rs ...reconcile.Resource) []reconcile.Resource { return rs }
