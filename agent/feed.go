package agent

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/ottla-io/ottla/sources"
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
	// Look is how often Newest is called; how often the source is asked is its own affair.
	Look time.Duration

	latest atomic.Pointer[fetched]
}

// fetched is what the source said last.
type fetched struct {
	snapshot sources.Snapshot
	err      error
}

// newest is what the source said last where it is asked beside the rounds, and
// asks it where it is not.
func (f *Feed) newest(ctx context.Context) (sources.Snapshot, error) {
	if last := f.latest.Load(); last != nil {
		return last.snapshot, last.err
	}
	return f.Newest(ctx)
}

// refresh asks the source now, whatever is due.
func (f *Feed) refresh(ctx context.Context) {
	if f.Poke != nil {
		f.Poke()
	}
	f.ask(ctx)
}

// ask asks the source, and is true if it says something else than before.
func (f *Feed) ask(ctx context.Context) bool {
	snapshot, err := f.Newest(ctx)
	if ctx.Err() != nil {
		return false
	}
	last := f.latest.Swap(&fetched{snapshot, err})
	return last == nil || last.snapshot.Revision != snapshot.Revision || (last.err == nil) != (err == nil)
}

// run asks the source until the context ends, and wakes the rounds when it has
// something new.
func (f *Feed) run(ctx context.Context, wake func()) {
	ticker := time.NewTicker(max(f.Look, time.Second))
	defer ticker.Stop()
	defer f.latest.Store(nil)
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
