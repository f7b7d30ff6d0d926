package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/ottla-io/ottla/reconcile"
)

const (
	settleFirst = 20 * time.Millisecond
	settleMost  = 2 * time.Second
)

// settle looks again at what was acknowledged until it shows. A change is
// acknowledged before every broker shows it: what is late is neither drift nor
// an error. What is left different after the deadline is one, in words.
func (c *Cluster) settle(ctx context.Context, s *scene, sync *Sync, r *SyncReport) {
	acks := r.acknowledged()
	if len(acks) == 0 || ctx.Err() != nil {
		return
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = settleFirst, settleMost
	wait.Reset()
	deadline := c.Now().Add(c.Settle)
	for {
		left, unseen := c.remaining(ctx, s, sync, acks)
		if ctx.Err() != nil {
			return // a look that was cut short says nothing
		}
		r.Leftover, r.Unseen = left, unseen
		if len(left)+len(unseen) == 0 || !c.Now().Before(deadline) {
			break
		}
		sleep(ctx, min(wait.NextBackOff(), deadline.Sub(c.Now())))
	}
	c.step("after settle")
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// ack is a change that was acknowledged, and its fields that were.
type ack struct {
	action reconcile.Action
	uid    string
	fields map[string]bool
}

// acknowledged lists what was changed without a doubt. An outcome that names no
// field speaks of all that went ahead, not of those that are held.
func (s SyncReport) acknowledged() map[reconcile.ID]ack {
	went := map[reconcile.ID]reconcile.Change{}
	for _, c := range s.Plan.Changes {
		if e, some := c.Effective(); some && e.Action != reconcile.Note {
			went[e.ID] = e
		}
	}
	acks := map[reconcile.ID]ack{}
	for _, o := range s.Outcomes {
		e, known := went[o.ID]
		if o.Failed != "" || o.Unsure || !known {
			continue
		}
		a := ackOf(e, o.Fields)
		maps.Copy(a.fields, acks[o.ID].fields)
		acks[o.ID] = a
	}
	return acks
}

// ackOf is what an outcome of a change that went ahead acknowledges; no names
// are all of its fields.
func ackOf(went reconcile.Change, names []string) ack {
	a := ack{went.Action, went.UID, map[string]bool{}}
	for _, f := range went.Fields {
		if len(names) == 0 || slices.Contains(names, f.Name) {
			a.fields[f.Name] = true
		}
	}
	return a
}

// remaining observes what was changed once more, and returns what still
// differs and what could not be seen. What was seen to settle is not looked at
// again.
func (c *Cluster) remaining(ctx context.Context, s *scene, sync *Sync, acks map[reconcile.ID]ack) ([]reconcile.Change, []reconcile.Unobserved) {
	scope := ackScope(acks)
	unseen := c.refresh(ctx, s, scope)
	differs := map[reconcile.ID]reconcile.Change{}
	for _, change := range reconcile.Diff(c.input(s, sync, scope)).Changes {
		differs[change.ID] = change
	}
	var left []reconcile.Change
	for _, id := range scope.Name {
		if slices.ContainsFunc(unseen, func(u reconcile.Unobserved) bool { return u.ID == id }) {
			continue
		}
		if change, open := acks[id].open(s, id, differs[id]); open {
			left = append(left, change)
			continue
		}
		delete(acks, id)
	}
	return left, unseen
}

// ackScope looks at what was changed and no further.
func ackScope(acks map[reconcile.ID]ack) reconcile.Scope {
	scope := reconcile.Scope{Name: slices.SortedFunc(maps.Keys(acks), reconcile.CompareID), Fields: map[reconcile.ID][]string{}}
	for id, a := range acks {
		scope.Fields[id] = slices.Sorted(maps.Keys(a.fields))
	}
	return scope
}

// refresh replaces what is known of the things in scope, and returns what could
// not be seen just now.
func (c *Cluster) refresh(ctx context.Context, s *scene, scope reconcile.Scope) []reconcile.Unobserved {
	byKind := map[string][]reconcile.ID{}
	for _, id := range scope.Name {
		byKind[id.Kind] = append(byKind[id.Kind], id)
	}
	var unseen []reconcile.Unobserved
	for _, k := range s.target.Kinds() {
		names := byKind[k.Name()]
		if len(names) == 0 {
			continue
		}
		fresh := seen{byID: map[reconcile.ID]reconcile.Live{}}
		fresh.read(ctx, k, reconcile.Scope{Name: names, Fields: scope.Fields})
		for _, id := range names {
			if u, some := fresh.unseen(id); some {
				unseen = append(unseen, u)
				continue
			}
			delete(s.seen.byID, id)
			if l, lives := fresh.byID[id]; lives {
				s.seen.byID[id] = l
			}
		}
	}
	return unseen
}

// unseen says why a thing could not be observed, alone or with its kind.
func (s *seen) unseen(id reconcile.ID) (reconcile.Unobserved, bool) {
	for _, u := range s.unknown {
		if u.ID == id || u.ID == (reconcile.ID{Kind: id.Kind}) {
			return reconcile.Unobserved{ID: id, Reason: u.Reason}, true
		}
	}
	return reconcile.Unobserved{}, false
}

// open tells what of an acknowledged change does not show. What is deleted is
// not ours any more, so that no diff speaks of it.
func (a ack) open(s *scene, id reconcile.ID, now reconcile.Change) (reconcile.Change, bool) {
	if a.action == reconcile.Delete {
		live, lives := s.seen.byID[id]
		same := a.uid == "" || live.UID == "" || a.uid == live.UID
		return reconcile.Change{ID: id, Action: reconcile.Delete}, lives && same
	}
	switch now.Action {
	case reconcile.Create:
		return reconcile.Change{ID: id, Action: reconcile.Create}, true
	case reconcile.Update:
		now.Fields = slices.DeleteFunc(slices.Clone(now.Fields), func(f reconcile.FieldChange) bool { return !a.fields[f.Name] })
		return now, len(now.Fields) > 0
	default:
		return now, false
	}
}

// leftover is the error of changes that were acknowledged and do not show.
func (s SyncReport) leftover() error {
	words := make([]string, 0, len(s.Leftover))
	for _, c := range s.Leftover {
		for _, f := range c.Fields {
			words = append(words, fmt.Sprintf("%s %s is %v, not %v", c.ID, f.Name, f.From, f.To))
		}
		if len(c.Fields) == 0 {
			words = append(words, fmt.Sprintf("%s: %s does not show", c.ID, c.Action))
		}
	}
	for _, u := range s.Unseen {
		words = append(words, fmt.Sprintf("%s could not be looked at again: %s", u.ID, u.Reason))
	}
	if len(words) == 0 {
		return nil
	}
	return fmt.Errorf("acknowledged by the brokers, and does not show: %s", strings.Join(words, "; "))
}
