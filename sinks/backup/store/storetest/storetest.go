// Package storetest lets the calls to an object store fail, one at a time or
// from one on, for the tests of whatever stands on a store.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/store/through"
)

// ErrInjected is behind every error that a Faults made.
var ErrInjected = errors.New("injected fault")

// When says what a failed call has done.
type When string

// Before: nothing. After: all it should, but the caller is told that it failed,
// like a response that was lost.
const (
	Before When = "before"
	After  When = "after"
)

// Call is one call that came.
type Call struct {
	Op  through.Op
	Key string
}

// Faults counts the calls to the buckets that it wraps, and lets some fail. The
// zero value lets none fail. It is safe for concurrent use.
type Faults struct {
	mu    sync.Mutex
	calls []Call
	plan  []plan
}

type plan struct {
	left  int // matching calls until it fails
	when  When
	ops   []through.Op
	stays bool
}

// Wrap returns b with faults. Closing it closes b.
func (f *Faults) Wrap(b *blob.Bucket) *blob.Bucket { return through.Bucket(b, f.hook) }

// Fail lets the nth call from now fail, counted among the given operations, or
// among all if none is given. It may be called several times.
func (f *Faults) Fail(n int, when When, ops ...through.Op) { f.add(plan{n, when, ops, false}) }

// Die lets the nth call from now fail and every one after it, like a process or
// a network that is gone. Of the calls after it none has an effect.
func (f *Faults) Die(n int, when When, ops ...through.Op) { f.add(plan{n, when, ops, true}) }

// Heal forgets all faults that have not come yet.
func (f *Faults) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan = nil
}

func (f *Faults) add(p plan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan = append(f.plan, p)
}

// Calls are the calls so far, of the given operations or of all.
func (f *Faults) Calls(ops ...through.Op) (calls []Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if len(ops) == 0 || slices.Contains(ops, c.Op) {
			calls = append(calls, c)
		}
	}
	return calls
}

// Reset forgets the calls so far.
func (f *Faults) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = nil
}

func (f *Faults) hook(_ context.Context, op through.Op, key string, do func() error) error {
	when, fail := f.next(op, key)
	if !fail {
		return do()
	}
	injected := &fault{fmt.Errorf("%w %s %s %s", ErrInjected, when, op, key)}
	if when == After {
		if err := do(); err != nil {
			return err
		}
	}
	return injected
}

// next counts a call and says whether it fails.
func (f *Faults) next(op through.Op, key string) (when When, fail bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, Call{op, key})
	for i := range f.plan {
		p := &f.plan[i]
		if len(p.ops) > 0 && !slices.Contains(p.ops, op) {
			continue
		}
		p.left--
		switch {
		case p.left == 0:
			return p.when, true
		case p.left < 0 && p.stays:
			return Before, true
		}
	}
	return "", false
}

// fault is what an SDK returns when nobody knows what happened.
type fault struct{ error }

// Unwrap makes errors.Is find ErrInjected.
func (f *fault) Unwrap() error { return f.error }

// Code implements through.Coder.
func (f *fault) Code() gcerrors.ErrorCode { return gcerrors.Unknown }

// Every runs a scenario once without faults to count its calls of the given
// operations (all if none), and then once for each call and each When, with that
// call failing. The scenario makes its own bucket and wraps it with f; whether
// a fault is planned is f.Planned.
func Every(t *testing.T, scenario func(t *testing.T, f *Faults), ops ...through.Op) {
	t.Helper()
	clean := &Faults{}
	if !t.Run("clean", func(t *testing.T) { scenario(t, clean) }) {
		return
	}
	for n, call := range clean.Calls(ops...) {
		for _, when := range []When{Before, After} {
			t.Run(fmt.Sprintf("%s-%d-%s", when, n+1, call.Op), func(t *testing.T) {
				f := &Faults{}
				f.Fail(n+1, when, ops...)
				scenario(t, f)
			})
		}
	}
}

// Planned tells whether faults were planned that have not come yet.
func (f *Faults) Planned() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.plan, func(p plan) bool { return p.left > 0 || p.stays })
}
