// Package ledgertest holds the laws of a ledger, wherever it is kept, for tests
// of those who keep one.
package ledgertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

// Ledger is one that is open, and may be closed.
type Ledger interface {
	reconcile.Ledger
	Close() error
}

// Open opens the same ledger at each call; at the first one it is new. The one
// before was closed.
type Open func(t *testing.T) Ledger

// Run holds a ledger to its laws. fresh makes a new one for each.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	for name, law := range map[string]func(*testing.T, Open){
		"read again it is the one that was written": readAgain,
		"a long one is compacted and says the same": long,
		"an entry larger than a record comes back":  large,
		"no secret is in it":                        noSecret,
		"an ended context appends nothing":          endedContext,
		"a closed one takes nothing":                closed,
	} {
		t.Run(name, func(t *testing.T) { law(t, fresh(t)) })
	}
}

// Accepted is an entry that shows in the state.
func Accepted(n int) reconcile.Entry {
	return reconcile.Entry{Time: time.Unix(int64(n), 0).UTC(), Sync: "main", Accepted: strconv.Itoa(n)}
}

// Created is an intent and its outcome: the thing is owned afterwards.
func Created(n int) []reconcile.Entry {
	id := reconcile.ID{Kind: "Topic", Name: fmt.Sprintf("t%d", n)}
	change := reconcile.Change{ID: id, Action: reconcile.Create, Fields: []reconcile.FieldChange{{Name: "partitions", To: reconcile.TextOf("3")}}}
	at := time.Unix(int64(n), 0).UTC()
	return []reconcile.Entry{
		{Time: at, Sync: "main", Intent: []reconcile.Change{change}},
		{Time: at, Sync: "main", Outcomes: []reconcile.Outcome{{ID: id, UID: "u"}}},
	}
}

// Add appends entries, or fails.
func Add(t testing.TB, l reconcile.Ledger, entries ...reconcile.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// State is the ledger replayed, or a failure.
func State(t testing.TB, l reconcile.Ledger) *reconcile.State {
	t.Helper()
	s, err := l.Replay(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Text is a state that can be compared.
func Text(t testing.TB, s *reconcile.State) string {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// again closes a ledger and compares what is read anew.
func again(t *testing.T, l Ledger, open Open) Ledger {
	t.Helper()
	want := Text(t, State(t, l))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t)
	if got := Text(t, State(t, l)); got != want {
		t.Errorf("read again:\n%s\nwritten:\n%s", got, want)
	}
	return l
}

func readAgain(t *testing.T, open Open) {
	l := open(t)
	state := State(t, l)
	for n := range 5 {
		Add(t, l, Created(n)...)
	}
	if len(state.Section("main").Owned) != 5 {
		t.Errorf("Append did not fold into the state that Replay returned: %s", Text(t, state))
	}
	l = again(t, l, open)
	Add(t, l, Accepted(7))
	l = again(t, l, open)
	_ = l.Close()
}

func long(t *testing.T, open Open) {
	l := open(t)
	for n := range 620 {
		Add(t, l, Created(n%50)...)
	}
	l = again(t, l, open)
	Add(t, l, Accepted(1))
	l = again(t, l, open)
	_ = l.Close()
}

func large(t *testing.T, open Open) {
	l := open(t)
	var intent []reconcile.Change
	for n := range 1000 {
		intent = append(intent, reconcile.Change{
			ID: reconcile.ID{Kind: "Topic", Name: fmt.Sprintf("t%d-%s", n, strings.Repeat("x", 200))}, Action: reconcile.Create,
			Fields: []reconcile.FieldChange{{Name: "config.note", To: reconcile.TextOf(fmt.Sprintf("%d%s", n*7919, strings.Repeat("y", 2000)))}},
		})
	}
	Add(t, l, reconcile.Entry{Sync: "main", Intent: intent}, Accepted(1))
	l = again(t, l, open)
	if n := len(State(t, l).Section("main").Pending); n != 1000 {
		t.Errorf("%d are pending", n)
	}
	_ = l.Close()
}

const canary = "canary-4711"

func noSecret(t *testing.T, open Open) {
	l := open(t)
	change := reconcile.Change{
		ID: reconcile.ID{Kind: "ScramCredential", Name: "bob|SCRAM-SHA-512"}, Action: reconcile.Create,
		Fields: []reconcile.FieldChange{{Name: "password", To: reconcile.SecretOf(canary)}},
	}
	Add(t, l, reconcile.Entry{Sync: "main", Intent: []reconcile.Change{change}})
	l = again(t, l, open)
	if strings.Contains(Text(t, State(t, l)), canary) {
		t.Error("the password came back")
	}
	_ = l.Close()
}

func endedContext(t *testing.T, open Open) {
	l := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Append(ctx, Accepted(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := State(t, l).Section("main").Accepted; got != "" {
		t.Errorf("accepted %q", got)
	}
	_ = l.Close()
}

func closed(t *testing.T, open Open) {
	l := open(t)
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), Accepted(1)); err == nil {
		t.Error("it took an entry")
	}
	if _, err := l.Replay(t.Context()); err == nil {
		t.Error("it was read")
	}
}
