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
	changed := acknowledged(r.Outcomes)
	if len(changed) == 0 || ctx.Err() != nil {
		return
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = settleFirst, settleMost
	wait.Reset()
	deadline := c.Now().Add(c.Settle)
	for {
		r.Leftover = c.remaining(ctx, s, sync, changed)
		if len(r.Leftover) == 0 || !c.Now().Before(deadline) || ctx.Err() != nil {
			break
		}
		sleep(ctx, wait.NextBackOff())
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

// acknowledged lists what was changed without a doubt, with its fields.
func acknowledged(outcomes []reconcile.Outcome) map[reconcile.ID]map[string]bool {
	changed := map[reconcile.ID]map[string]bool{}
	for _, o := range outcomes {
		if o.Failed != "" || o.Unsure {
			continue
		}
		if changed[o.ID] == nil {
			changed[o.ID] = map[string]bool{}
		}
		for _, f := range o.Fields {
			changed[o.ID][f] = true
		}
	}
	return changed
}

// remaining observes what was changed once more, and returns what still
// differs. What was seen to settle is not looked at again.
func (c *Cluster) remaining(ctx context.Context, s *scene, sync *Sync, changed map[reconcile.ID]map[string]bool) []reconcile.Change {
	scope := changedScope(sync, changed)
	c.refresh(ctx, s, scope)
	var left []reconcile.Change
	differs := map[reconcile.ID]bool{}
	for _, change := range reconcile.Diff(c.input(s, sync, scope)).Changes {
		if e, some := stillOpen(change, changed[change.ID]); some {
			left = append(left, e)
			differs[change.ID] = true
		}
	}
	for id := range changed {
		if !differs[id] {
			delete(changed, id)
		}
	}
	return left
}

// changedScope looks at what was changed and no further: of a created thing at
// what is declared.
func changedScope(sync *Sync, changed map[reconcile.ID]map[string]bool) reconcile.Scope {
	scope := reconcile.Scope{Fields: map[reconcile.ID][]string{}}
	for id, fields := range changed {
		scope.Name = append(scope.Name, id)
		scope.Fields[id] = slices.Sorted(maps.Keys(fields))
	}
	for _, r := range sync.want() {
		if fields, ok := changed[r.ID]; ok && len(fields) == 0 {
			scope.Fields[r.ID] = slices.Sorted(maps.Keys(r.Fields))
		}
	}
	return scope
}

// refresh replaces what is known of the things in scope.
func (c *Cluster) refresh(ctx context.Context, s *scene, scope reconcile.Scope) {
	byKind := map[string][]reconcile.ID{}
	for _, id := range scope.Name {
		byKind[id.Kind] = append(byKind[id.Kind], id)
	}
	for _, k := range s.target.Kinds() {
		names := byKind[k.Name()]
		if len(names) == 0 {
			continue
		}
		fresh := seen{byID: map[reconcile.ID]reconcile.Live{}}
		fresh.read(ctx, k, reconcile.Scope{Name: names, Fields: scope.Fields})
		if len(fresh.unknown) > 0 {
			continue // what cannot be seen just now is looked at again
		}
		for _, id := range names {
			delete(s.seen.byID, id)
		}
		for id, l := range fresh.byID {
			s.seen.byID[id] = l
		}
	}
}

// stillOpen tells a change whose acknowledged fields do not show.
func stillOpen(change reconcile.Change, fields map[string]bool) (reconcile.Change, bool) {
	if change.Action == reconcile.Note || change.ID.Kind == reconcile.BindingKind {
		return change, false
	}
	if len(fields) == 0 || change.Action != reconcile.Update {
		return change, true
	}
	for _, f := range change.Fields {
		if fields[f.Name] {
			return change, true
		}
	}
	return change, false
}

// leftover is the error of changes that were acknowledged and do not show.
func (s SyncReport) leftover() error {
	if len(s.Leftover) == 0 {
		return nil
	}
	words := make([]string, 0, len(s.Leftover))
	for _, c := range s.Leftover {
		for _, f := range c.Fields {
			words = append(words, fmt.Sprintf("%s %s is %v, not %v", c.ID, f.Name, f.From, f.To))
		}
		if len(c.Fields) == 0 {
			words = append(words, fmt.Sprintf("%s: %s does not show", c.ID, c.Action))
		}
	}
	return fmt.Errorf("acknowledged by the brokers and still not so: %s", strings.Join(words, "; "))
}
