package agent

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ottla-io/ottla/sources"
)

const (
	// lookMost is the longest time between two calls of Newest: a source that
	// wants to be asked again soon, after an error say, is not kept waiting.
	lookMost = time.Second
	// firstAnswer is how long the rounds wait, counted from the start, for a
	// source that has not answered yet. Without an answer they go on with the
	// last good revision.
	firstAnswer = 10 * time.Second
	// refreshMost is how long somebody who asks for a round waits for a source.
	refreshMost = 30 * time.Second
)

// Feed is what of one repository is followed; syncs share it. While an agent
// runs, the feed is asked beside the rounds, so that a slow or hanging
// repository never keeps drift from being healed.
type Feed struct {
	// Newest asks the source if a poll is due, and otherwise says what it said last.
	Newest func(context.Context) (sources.Snapshot, error)
	// Poke makes the next Newest ask at once. It may be nil.
	Poke func()
	// Wake receives when somebody poked. It may be nil.
	Wake <-chan struct{}
	// Look is how often Newest is called, a second at most. How often the source
	// is asked is its own affair.
	Look time.Duration

	mu     sync.Mutex // guards what follows
	turn   chan struct{}
	beside *beside // nil where the rounds ask for themselves
}

// beside is what is known of a feed that is asked beside the rounds.
type beside struct {
	began    time.Time
	answered chan struct{} // closed by the first answer
	latest   *fetched
	missed   bool // a round went on without an answer
}

// fetched is what the source said last.
type fetched struct {
	snapshot sources.Snapshot
	err      error
}

// begin makes the rounds use what is learnt beside them, until end.
func (f *Feed) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.beside = &beside{began: time.Now(), answered: make(chan struct{})}
}

func (f *Feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.beside = nil
}

// aside is nil where the rounds ask for themselves.
func (f *Feed) aside() *beside {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.beside
}

// newest is what the source said last where it is asked beside the rounds, and
// asks it where it is not.
func (f *Feed) newest(ctx context.Context) fetched {
	b := f.aside()
	if b == nil {
		snapshot, err := f.Newest(ctx)
		return fetched{snapshot, err}
	}
	timer := time.NewTimer(time.Until(b.began.Add(firstAnswer)))
	defer timer.Stop()
	select {
	case <-b.answered:
	case <-timer.C:
	case <-ctx.Done():
	}
	return f.said(b)
}

func (f *Feed) said(b *beside) fetched {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b.latest == nil {
		b.missed = true
		return fetched{err: fmt.Errorf("it has not answered yet, for %s", time.Since(b.began).Round(time.Second))}
	}
	return *b.latest
}

// refresh asks the source now, whatever is due, and is true if it says
// something else than before. A source that does not answer in time counts as
// failed until it does.
func (f *Feed) refresh(ctx context.Context) bool {
	if f.Poke != nil {
		f.Poke()
	}
	patient, cancel := context.WithTimeout(ctx, refreshMost)
	defer cancel()
	changed := f.ask(patient)
	if patient.Err() != nil && ctx.Err() == nil {
		return f.learn(fetched{err: fmt.Errorf("it did not answer within %s", refreshMost)})
	}
	return changed
}

// ask asks the source, and is true if it says something else than before. One
// ask at a time: an older answer never takes the place of a newer one.
func (f *Feed) ask(ctx context.Context) bool {
	turn := f.turns()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return false
	}
	snapshot, err := f.Newest(ctx)
	if ctx.Err() != nil {
		return false
	}
	return f.learn(fetched{snapshot, err})
}

func (f *Feed) turns() chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.turn == nil {
		f.turn = make(chan struct{}, 1)
	}
	return f.turn
}

// learn takes an answer. The first is no news to rounds that waited for it.
func (f *Feed) learn(now fetched) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.beside
	if b == nil {
		return false
	}
	last := b.latest
	b.latest = &now
	if last == nil {
		close(b.answered)
		return b.missed
	}
	return last.snapshot.Revision != now.snapshot.Revision || (last.err == nil) != (now.err == nil)
}

// run asks the source until the context ends, and wakes the rounds when it has
// something new. It comes after begin.
func (f *Feed) run(ctx context.Context, wake func()) {
	defer f.end()
	ticker := time.NewTicker(min(cmp.Or(f.Look, lookMost), lookMost))
	defer ticker.Stop()
	for {
		if f.ask(ctx) {
			wake()
		}
		select {
		case <-ctx.Done():
			return
		case <-f.Wake:
		case <-ticker.C:
		}
	}
}
