// Package agent is the daemon, made of interfaces: it looks at what is
// declared and at what lives, carries out what differs, and tells people.
// Round is the whole story. It knows Git, Kafka and Slack only as a
// sources.Source, a set of reconcile.Kinds and sinks.Notifiers; cmd puts the
// real ones in.
package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

// Options are what an agent is made of.
type Options struct {
	Clusters []*Cluster
	Log      *zap.Logger
	// Told gets every report; it must not block. It may be nil.
	Told func(Report)
	// Stood gets what is declared on clusters that another agent leads, and Led
	// hears when this agent begins and ceases to lead one. They must not block,
	// and may be nil.
	Stood func(Report)
	Led   func(cluster string, leads bool)

	Name, Host string // who we are, for people
}

// Agent keeps clusters as their syncs declare. Its methods are safe for
// concurrent use: one round runs on a cluster at a time.
type Agent struct {
	Options
	wakes []chan struct{} // by cluster
	order []sync.Mutex    // by cluster: rounds are told in the order they ran
	began atomic.Pointer[time.Time]
}

// New returns an agent that has not begun.
func New(o Options) *Agent {
	a := &Agent{Options: o, wakes: make([]chan struct{}, len(o.Clusters)), order: make([]sync.Mutex, len(o.Clusters))}
	for i := range a.wakes {
		a.wakes[i] = make(chan struct{}, 1)
	}
	return a
}

// Run runs rounds on every cluster until the context ends. The round in flight
// then stops between two requests, with its ledger written.
func (a *Agent) Run(ctx context.Context) {
	now := time.Now()
	a.began.Store(&now)
	var all sync.WaitGroup
	for _, f := range a.feeds() {
		f.begin()
		all.Go(func() { f.run(ctx, a.Poke) })
	}
	for i := range a.Clusters {
		all.Go(func() { a.attend(ctx, i) })
	}
	all.Wait()
}

// serve runs a cluster's rounds, and what goes on beside them.
func (a *Agent) serve(ctx context.Context, at int) {
	var all sync.WaitGroup
	all.Go(func() { a.keep(ctx, at) })
	if work := a.Clusters[at].Work; work != nil {
		all.Go(func() { work.Run(ctx) })
	}
	all.Wait()
}

// feeds are the feeds of all syncs, each once.
func (a *Agent) feeds() []*Feed {
	var out []*Feed
	for _, c := range a.Clusters {
		for _, s := range c.Syncs {
			if !slices.Contains(out, s.Feed) {
				out = append(out, s.Feed)
			}
		}
	}
	return out
}

// Poke asks for a round at once. Many pokes are one round.
func (a *Agent) Poke() {
	for _, w := range a.wakes {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// keep runs a cluster's rounds: at its interval, when woken, and after a
// failure with growing pauses.
func (a *Agent) keep(ctx context.Context, at int) {
	pause := newPause(a.Clusters[at].Interval)
	for {
		report := a.round(ctx, at, nil)
		if ctx.Err() != nil {
			return
		}
		timer := time.NewTimer(pause.after(report))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-a.wakes[at]:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// round runs a round on a cluster and tells of it.
func (a *Agent) round(ctx context.Context, at int, agreed Agreement) Report {
	a.order[at].Lock()
	defer a.order[at].Unlock()
	r := a.Clusters[at].RoundAsAgreed(ctx, reconcile.Scope{Full: true}, agreed)
	a.tell(ctx, r)
	return r
}

// tell says what a round did. Of one that was stopped only what it did is
// logged: what it could no longer see is no news.
func (a *Agent) tell(ctx context.Context, r Report) {
	stopped := ctx.Err() != nil || a.deposed(r.Cluster)
	a.log(r, stopped)
	if a.Told != nil && !stopped {
		a.Told(r)
	}
}

// Sync asks every repository and runs one round on every cluster. A round that
// is stopped with the context is made up for by the next.
func (a *Agent) Sync(ctx context.Context) ([]View, error) { return a.Apply(ctx, nil) }

// Apply is Sync that carries out only the plans that were agreed to.
func (a *Agent) Apply(ctx context.Context, agreed Agreement) ([]View, error) {
	not, err := a.claimed(ctx)
	if err != nil {
		return nil, err
	}
	a.refresh(ctx)
	views := a.each(func(at int) Report {
		if not[at] != nil {
			return Report{Cluster: a.Clusters[at].Name, Err: not[at]}
		}
		return a.round(ctx, at, agreed)
	})
	if err := ctx.Err(); err != nil {
		a.Poke()
		return views, err
	}
	return views, nil
}

func (a *Agent) deposed(cluster string) bool {
	return slices.ContainsFunc(a.Clusters, func(c *Cluster) bool { return c.Name == cluster && c.deposed() })
}

// each asks all clusters at once: one that is down keeps no other waiting.
func (a *Agent) each(do func(at int) Report) []View {
	views := make([]View, len(a.Clusters))
	var all sync.WaitGroup
	for i := range a.Clusters {
		all.Go(func() { views[i] = do(i).View() })
	}
	all.Wait()
	return views
}

// refresh asks every repository that is asked beside the rounds, and is true if
// one has something new; one that is not is asked by the round itself.
func (a *Agent) refresh(ctx context.Context) bool {
	var changed atomic.Bool
	var all sync.WaitGroup
	for _, f := range a.feeds() {
		if f.aside() == nil {
			continue
		}
		all.Go(func() {
			if f.refresh(ctx) {
				changed.Store(true)
			}
		})
	}
	all.Wait()
	return changed.Load()
}

// Plan says what a round would do now, without doing it. What it learnt of the
// repositories wakes the rounds.
func (a *Agent) Plan(ctx context.Context) ([]View, error) {
	if a.refresh(ctx) {
		defer a.Poke()
	}
	views := a.each(func(at int) Report { return a.Clusters[at].Plan(ctx, reconcile.Scope{Full: true}) })
	return views, ctx.Err()
}

// ErrNoSuchHold says that no held change has that digest.
var ErrNoSuchHold = errors.New("nothing that is held has this digest")

// Confirm journals a person's word on held changes, and wakes the round that
// carries them out. Every digest must be one that is held now, or nothing is
// journaled. A cluster that cannot be asked only matters if it may hold what
// none of the others does.
func (a *Agent) Confirm(ctx context.Context, digests []reconcile.Digest) ([]reconcile.Hold, error) {
	var found []held
	var failed []error
	for _, c := range a.Clusters {
		missing := slices.DeleteFunc(slices.Clone(digests), func(d reconcile.Digest) bool {
			return slices.ContainsFunc(found, func(h held) bool { return h.hold.Digest == d })
		})
		if len(missing) == 0 {
			break
		}
		some, err := c.held(ctx, missing)
		found, failed = append(found, some...), append(failed, err)
	}
	if err := unfound(digests, found, failed); err != nil {
		return nil, err
	}
	var holds []reconcile.Hold
	for _, h := range found {
		if err := h.confirm(ctx); err != nil {
			return holds, err
		}
		holds = append(holds, h.hold)
	}
	a.Poke()
	return holds, nil
}

// unfound is the error of digests that nobody holds.
func unfound(digests []reconcile.Digest, found []held, failed []error) error {
	for _, d := range digests {
		if slices.ContainsFunc(found, func(h held) bool { return h.hold.Digest == d }) {
			continue
		}
		if err := errors.Join(failed...); err != nil {
			return fmt.Errorf("find what %s stands for: %w", d, err)
		}
		return &sources.HintError{
			Err:  fmt.Errorf("%s: %w", d, ErrNoSuchHold),
			Hint: "ottla plan lists what is held, with its digests",
		}
	}
	return nil
}

// ErrNotOwned says that the ledger does not own that id.
var ErrNotOwned = errors.New("the ledger does not own it")

// Release gives a thing up without touching it. It returns the sync that
// owned it. A document that still declares it adopts it again.
func (a *Agent) Release(ctx context.Context, id reconcile.ID) (string, error) {
	var failed []error
	for _, c := range a.Clusters {
		sync, err := c.release(ctx, id)
		switch {
		case err == nil:
			return sync, nil
		case !errors.Is(err, ErrNotOwned):
			failed = append(failed, err)
		}
	}
	if err := errors.Join(failed...); err != nil {
		return "", err
	}
	return "", fmt.Errorf("%s: %w", id, ErrNotOwned)
}

// log says what a round did: a line for each change and for each failure. The
// failures of a round that was stopped are its end, and no failures.
func (a *Agent) log(r Report, stopped bool) {
	log := a.Log
	if log == nil {
		return
	}
	if r.Err != nil && !stopped {
		log.Error("round failed", zap.String("cluster", r.Cluster), zap.Error(r.Err))
	}
	for _, s := range r.Syncs {
		s.log(log, stopped)
	}
}

func (s SyncReport) log(log *zap.Logger, stopped bool) {
	log = log.With(zap.String("round", s.Sync), zap.String("revision", s.Revision()))
	if !stopped {
		for _, err := range s.Errors() {
			log.Error("sync has a problem", zap.Error(err))
		}
	}
	for _, o := range s.Outcomes {
		resource := zap.Stringer("resource", o.ID)
		switch {
		case o.Unsure:
			log.Warn("change has no answer", resource, zap.String("error", o.Failed))
		case o.Failed != "":
			log.Error("change failed", resource, zap.String("error", o.Failed))
		default:
			log.Info("change applied", resource, zap.Strings("fields", o.Fields))
		}
	}
	log.Debug("round done", zap.Int("changes", len(s.Plan.Changes)), zap.Duration("took", s.Took))
}
