package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/ottla-io/ottla/sinks"
)

const (
	// tellTimeout is how long a notifier may take for one message.
	tellTimeout = 30 * time.Second
	// flood is how many new incidents are told one by one; more at once become
	// one message.
	flood = 20
	// floodTitles is how many of them that message names.
	floodTitles = 40
)

// AtLeast is a notifier that is told only of incidents of this severity or a
// louder one.
func AtLeast(least sinks.Severity, n sinks.Notifier) sinks.Notifier { return atLeast{n, least} }

type atLeast struct {
	sinks.Notifier
	least sinks.Severity
}

// Notify passes on what is loud enough.
func (a atLeast) Notify(ctx context.Context, e sinks.Event) (string, error) {
	if rank(e.Incident.Severity) < rank(a.least) {
		return e.Thread, nil
	}
	return a.Notifier.Notify(ctx, e)
}

// teller tells one notifier, one message at a time: a second apart (Slack's
// limit for a channel), with growing pauses after an error.
type teller struct {
	alerts *Alerts
	to     sinks.Notifier
	pace   *rate.Limiter
	pause  *backoff.ExponentialBackOff
}

func newTeller(a *Alerts, n sinks.Notifier) *teller {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = time.Second, 5*time.Minute
	return &teller{alerts: a, to: n, pace: rate.NewLimiter(rate.Every(time.Second), 5), pause: pause}
}

func (t *teller) run(ctx context.Context) {
	for {
		wait, more := t.next(ctx)
		if ctx.Err() != nil {
			t.drain(ctx)
			return
		}
		if more && wait == 0 {
			continue
		}
		t.idle(ctx, wait)
	}
}

// idle waits for something new, or, after an error, for the time to try again.
func (t *teller) idle(ctx context.Context, wait time.Duration) {
	if wait == 0 {
		select {
		case <-ctx.Done():
		case <-t.alerts.wakes[t.to.Name()]:
		}
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// drain tells what is left, until the deadline or the first error.
func (t *teller) drain(ctx context.Context) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.alerts.o.Drain)
	defer cancel()
	for {
		wait, more := t.next(last)
		if !more || wait > 0 || last.Err() != nil {
			return
		}
	}
}

// next tells the oldest that is pending. It returns how long to wait after an
// error, and whether there was anything.
func (t *teller) next(ctx context.Context) (wait time.Duration, more bool) {
	batch := t.alerts.pending(t.to.Name())
	if len(batch) == 0 {
		return 0, false
	}
	if err := t.pace.Wait(ctx); err != nil {
		return 0, true
	}
	bounded, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	thread, err := t.to.Notify(bounded, event(batch))
	if ctx.Err() != nil && err != nil {
		return 0, true // interrupted, not refused: it stays pending
	}
	if t.alerts.o.Told != nil {
		t.alerts.o.Told(t.to.Name(), err)
	}
	if err != nil {
		wait = t.after(err)
		t.alerts.o.Log.Warn("notifier failed, trying again", zap.String("notifier", t.to.Name()), zap.Duration("in", wait), zap.Error(err))
		return wait, true
	}
	t.pause.Reset()
	t.alerts.told(t.to.Name(), batch, thread)
	return 0, true
}

// after is the pause the notifier asks for, or a growing one.
func (t *teller) after(err error) time.Duration {
	var later *sinks.RetryAfter
	if errors.As(err, &later) && later.After > 0 {
		return later.After
	}
	return max(t.pause.NextBackOff(), time.Millisecond)
}

// telling is a message to be sent, as it was when it was looked at.
type telling struct {
	key   string
	event sinks.Event
	turn  int
	seq   int
}

// pending is what to tell next: the oldest, or all that is new where it is a
// flood.
func (a *Alerts) pending(notifier string) []telling {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all, fresh []telling
	for key, al := range a.open {
		h := al.By[notifier]
		if h == nil || !h.Pending {
			continue
		}
		one := telling{key, sinks.Event{Incident: al.Incident, Thread: h.Thread}, h.turn, al.Seq}
		all = append(all, one)
		if h.Thread == "" {
			fresh = append(fresh, one)
		}
	}
	bySeq := func(x, y telling) int { return x.seq - y.seq }
	slices.SortFunc(all, bySeq)
	slices.SortFunc(fresh, bySeq)
	if len(fresh) > flood {
		return fresh
	}
	return all[:min(1, len(all))]
}

// event is the one message for a batch.
func event(batch []telling) sinks.Event {
	if len(batch) == 1 {
		return batch[0].event
	}
	sum := sinks.Incident{Key: "summary", Severity: sinks.Info, Since: batch[0].event.Incident.Since}
	resolved := 0
	for n, one := range batch {
		i := one.event.Incident
		if rank(i.Severity) > rank(sum.Severity) {
			sum.Severity = i.Severity
		}
		title := i.Title
		if !i.Resolved.IsZero() {
			resolved++
			title += " (resolved)"
		}
		if n < floodTitles {
			sum.Lines = append(sum.Lines, title)
		}
	}
	sum.Title = fmt.Sprintf("%d incidents at once, %d of them over", len(batch), resolved)
	if left := len(batch) - floodTitles; left > 0 {
		sum.Lines = append(sum.Lines, fmt.Sprintf("… and %d more: ottla get, or /api/v1/status", left))
	}
	return sinks.Event{Incident: sum}
}

// told takes note of what a notifier knows now. What changed while it was
// being told stays pending.
func (a *Alerts) told(notifier string, batch []telling, thread string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range batch {
		al, ok := a.open[one.key]
		if !ok || al.By[notifier] == nil {
			continue
		}
		h := al.By[notifier]
		h.Loudest = one.event.Incident.Severity
		if len(batch) == 1 {
			h.Thread = thread
		}
		if h.turn == one.turn {
			h.Pending = false
		}
		a.forget(al)
	}
	poke(a.dirty)
}
