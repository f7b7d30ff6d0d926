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
	"time"

	"go.uber.org/zap"

	"github.com/ottla-io/ottla/reconcile"
)

// Options are what an agent is made of.
type Options struct {
	Clusters []*Cluster
	Log      *zap.Logger
	// Told gets every report; it must not block. It may be nil.
	Told func(Report)
}

// Agent keeps clusters as their syncs declare. Its methods are safe for
// concurrent use: one round runs on a cluster at a time.
type Agent struct {
	Options
	wakes []chan struct{} // by cluster
}

// New returns an agent that has not begun.
func New(o Options) *Agent {
	a := &Agent{Options: o, wakes: make([]chan struct{}, len(o.Clusters))}
	for i := range a.wakes {
		a.wakes[i] = make(chan struct{}, 1)
	}
	return a
}

// Run runs rounds on every cluster until the context ends. The round in flight
// then stops between two requests, with its ledger written.
func (a *Agent) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, f := range a.feeds() {
		all.Go(func() { f.run(ctx, a.Poke) })
	}
	for i, c := range a.Clusters {
		all.Go(func() { a.keep(ctx, c, a.wakes[i]) })
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
func (a *Agent) keep(ctx context.Context, c *Cluster, wake <-chan struct{}) {
	pause := newPause(c.Interval)
	for {
		report := c.Round(ctx, reconcile.Scope{Full: true})
		if ctx.Err() != nil {
			return
		}
		a.tell(report)
		timer := time.NewTimer(pause.after(report))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

func (a *Agent) tell(r Report) {
	a.log(r)
	if a.Told != nil {
		a.Told(r)
	}
}

// Sync asks every repository and runs one round on every cluster.
func (a *Agent) Sync(ctx context.Context) ([]View, error) {
	a.refresh(ctx)
	var views []View
	for _, c := range a.Clusters {
		r := c.Round(ctx, reconcile.Scope{Full: true})
		a.tell(r)
		views = append(views, r.View())
	}
	return views, ctx.Err()
}

// refresh asks every repository that is asked beside the rounds; one that is
// not is asked by the round itself.
func (a *Agent) refresh(ctx context.Context) {
	for _, f := range a.feeds() {
		if f.latest.Load() != nil {
			f.refresh(ctx)
		}
	}
}

// Plan says what a round would do now, without doing it.
func (a *Agent) Plan(ctx context.Context) ([]View, error) {
	a.refresh(ctx)
	var views []View
	for _, c := range a.Clusters {
		views = append(views, c.Plan(ctx, reconcile.Scope{Full: true}).View())
	}
	return views, ctx.Err()
}

// ErrNoSuchHold says that no held change has that digest.
var ErrNoSuchHold = errors.New("nothing that is held has this digest")

// Confirm journals a person's word on held changes, and wakes the round that
// carries them out. Every digest must be one that is held now.
func (a *Agent) Confirm(ctx context.Context, digests []reconcile.Digest) ([]reconcile.Hold, error) {
	var holds []reconcile.Hold
	for _, d := range digests {
		hold, err := a.confirm(ctx, d)
		if err != nil {
			return holds, err
		}
		holds = append(holds, hold)
	}
	a.Poke()
	return holds, nil
}

func (a *Agent) confirm(ctx context.Context, d reconcile.Digest) (reconcile.Hold, error) {
	for _, c := range a.Clusters {
		hold, err := c.confirm(ctx, d)
		if !errors.Is(err, ErrNoSuchHold) {
			return hold, err
		}
	}
	return reconcile.Hold{}, fmt.Errorf("%s: %w", d, ErrNoSuchHold)
}

// ErrNotOwned says that the ledger does not own that id.
var ErrNotOwned = errors.New("the ledger does not own it")

// Release gives a thing up without touching it. It returns the sync that
// owned it. A document that still declares it adopts it again.
func (a *Agent) Release(ctx context.Context, id reconcile.ID) (string, error) {
	for _, c := range a.Clusters {
		sync, err := c.release(ctx, id)
		if !errors.Is(err, ErrNotOwned) {
			return sync, err
		}
	}
	return "", fmt.Errorf("%s: %w", id, ErrNotOwned)
}

// log says what a round did: one line, and one for each failure.
func (a *Agent) log(r Report) {
	log := a.Log
	if log == nil {
		return
	}
	if r.Err != nil {
		log.Error("round failed", zap.String("cluster", r.Cluster), zap.Error(r.Err))
	}
	for _, s := range r.Syncs {
		s.log(log)
	}
}

func (s SyncReport) log(log *zap.Logger) {
	log = log.With(zap.String("round", s.Sync), zap.String("revision", s.Revision()))
	for _, err := range s.Errors() {
		log.Error("sync has a problem", zap.Error(err))
	}
	for _, o := range s.Outcomes {
		if o.Failed != "" {
			log.Error("change failed", zap.Stringer("resource", o.ID), zap.String("error", o.Failed))
			continue
		}
		log.Info("change applied", zap.Stringer("resource", o.ID), zap.Strings("fields", o.Fields))
	}
	log.Debug("round done", zap.Int("changes", len(s.Plan.Changes)), zap.Duration("took", s.Took))
}
