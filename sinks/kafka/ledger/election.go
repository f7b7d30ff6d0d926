package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Elect begins to take part in the election, until Close.
func (l *Ledger) Elect() {
	l.begin.Do(func() {
		ended := make(chan struct{})
		l.mu.Lock()
		l.ended = ended
		l.mu.Unlock()
		go func() {
			defer close(ended)
			l.elections(l.working)
		}()
	})
}

// elections takes part again and again: what went wrong may pass by, and
// meanwhile another agent may be luckier.
func (l *Ledger) elections(ctx context.Context) {
	for ctx.Err() == nil {
		err := l.stand(ctx)
		if ctx.Err() != nil {
			return
		}
		l.set(func() { l.fault = err })
		pause(ctx, l.o.Pause)
	}
}

// stand is a member of the group until something goes wrong.
func (l *Ledger) stand(ctx context.Context) error {
	// The last words to the group come after ctx has ended.
	client, err := l.o.Dial(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	defer client.Close()
	m := &member{client: client, o: l.o}
	defer l.resign(ctx, m)
	for {
		won, err := m.join(ctx)
		if err != nil {
			return err
		}
		l.set(func() { l.fault = nil })
		if err := l.serve(ctx, m, won); !errors.Is(err, errElection) {
			return err
		}
	}
}

func (l *Ledger) resign(ctx context.Context, m *member) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.o.Session)
	defer cancel()
	m.leave(last)
}

// serve does what an election decided until the group elects anew. A leader
// stays one over an election that confirms it.
func (l *Ledger) serve(ctx context.Context, m *member, won bool) error {
	if !won {
		return l.lookOn(ctx, m)
	}
	t := l.rule(ctx, m)
	for {
		err := l.next(ctx, m, t)
		if errors.Is(err, errElection) {
			err = l.confirmed(ctx, m)
		}
		if err != nil {
			m.leading = false
			t.depose(err)
			return err
		}
	}
}

// confirmed joins the election that somebody else brought about, as the one
// who leads.
func (l *Ledger) confirmed(ctx context.Context, m *member) error {
	bounded, cancel := context.WithTimeout(ctx, 2*l.o.Session)
	defer cancel()
	won, err := m.join(bounded)
	if err == nil && !won {
		err = errElection
	}
	return err
}

// next waits until the next heartbeat is due, and beats.
func (l *Ledger) next(ctx context.Context, m *member, t *term) error {
	timer := time.NewTimer(l.o.Session / 4)
	defer timer.Stop()
	select {
	case <-t.over:
		return t.err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
	}
	if r := l.reigning(); r != nil {
		r.touch(ctx)
	}
	return m.beat(ctx)
}

// lookOn keeps a standby warm until the group elects anew: it follows the topic
// where there is one.
func (l *Ledger) lookOn(ctx context.Context, m *member) error {
	for {
		l.glance(ctx, m.client)
		if !pause(ctx, l.o.Session/4) {
			return context.Cause(ctx)
		}
		if err := m.beat(ctx); err != nil {
			return err
		}
	}
}

func (l *Ledger) glance(ctx context.Context, client *kgo.Client) {
	bounded, cancel := context.WithTimeout(ctx, l.o.Session/4)
	defer cancel()
	if p, err := look(bounded, client, l.o.Topic); err == nil && p.id != "" {
		_, _ = l.tailOf(bounded, p.id) // it is tried again with the next heartbeat
	}
}

// term is what follows from an election that was won: taking over, and a reign.
type term struct {
	cancel context.CancelCauseFunc
	over   chan struct{} // closed when nobody works under it any more
	err    error
}

func (t *term) depose(why error) {
	t.cancel(why)
	<-t.over
}

// rule takes over and leads, beside the heartbeats.
func (l *Ledger) rule(ctx context.Context, m *member) *term {
	m.leading = true
	ctx, cancel := context.WithCancelCause(ctx)
	t := &term{cancel: cancel, over: make(chan struct{})}
	go func() {
		defer close(t.over)
		defer cancel(nil)
		r, err := l.takeOver(ctx, m.client)
		if err != nil {
			t.err = err
			return
		}
		l.set(func() { l.reign = r })
		select {
		case <-r.ctx.Done():
		case <-ctx.Done():
		}
		t.err = l.finish(ctx, r)
	}()
	return t
}

// finish ends a reign: at once where the group gave it to another one. Where we
// are to stop, those who work under it come to their end, and the lease is given
// up. Nothing new is begun.
func (l *Ledger) finish(ctx context.Context, r *reign) error {
	l.set(func() { l.reign = nil })
	if l.working.Err() == nil {
		r.end(context.Cause(ctx)) // the first cause counts
	}
	r.used.Wait()
	if r.ctx.Err() == nil {
		r.abdicate(context.WithoutCancel(ctx))
		r.end(ErrClosed)
	}
	r.writer.close()
	return context.Cause(r.ctx)
}

// Lead calls do whenever this agent leads, with a context that ends with the
// reign, until ctx ends. It takes part in the election from then on.
func (l *Ledger) Lead(ctx context.Context, do func(context.Context)) {
	l.Elect()
	for {
		changed := l.Changed()
		if r := l.engage(); r != nil {
			l.under(ctx, r, do)
		}
		select {
		case <-ctx.Done():
			return
		case <-l.working.Done():
			return
		case <-changed:
		}
	}
}

// engage is the reign there is, which does not end before it is told that we
// are done.
func (l *Ledger) engage() *reign {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.current()
	if r != nil {
		r.used.Add(1)
	}
	return r
}

func (l *Ledger) under(ctx context.Context, r *reign, do func(context.Context)) {
	defer r.used.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.ctx, func() { cancel(context.Cause(r.ctx)) })()
	defer context.AfterFunc(l.working, func() { cancel(ErrClosed) })()
	do(ctx)
}

// Claim has this agent lead, or says who does. Where it takes part in no
// election yet, and nobody leads, it waits until it was elected.
func (l *Ledger) Claim(ctx context.Context) error {
	if l.reigning() != nil {
		return nil
	}
	l.mu.Lock()
	standing := l.ended != nil
	l.mu.Unlock()
	if standing {
		return l.notLeading()
	}
	if err := l.vacant(ctx); err != nil {
		return err
	}
	l.Elect()
	return l.elected(ctx)
}

// vacant is an error where another agent leads.
func (l *Ledger) vacant(ctx context.Context) error {
	agents, err := l.Agents(ctx)
	if err != nil {
		return err
	}
	for _, a := range agents {
		if a.Leads {
			return fmt.Errorf("%w: agent %s on %s does", ErrNotLeading, a.Agent, a.Host)
		}
	}
	return nil
}

// elected waits until we lead: for the group, and for what a former leader may
// still do.
func (l *Ledger) elected(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 4*l.o.Session+2*(l.o.Hold+l.o.Request))
	defer cancel()
	for {
		changed := l.Changed()
		s := l.Standing()
		var lasting *Error
		switch {
		case s.Leading:
			return nil
		case errors.As(s.Fault, &lasting):
			return s.Fault // what is no such error may pass by
		}
		select {
		case <-changed:
		case <-l.working.Done():
			return ErrClosed
		case <-ctx.Done():
			return errors.Join(l.vacant(context.WithoutCancel(ctx)), l.notLeading())
		}
	}
}
