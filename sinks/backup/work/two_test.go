package work

import (
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks/backup"
)

func TestTwoAgentsMakeOnePointOfOneFiring(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", "a")
	of := policyRun{id: policyOf("nightly"), spec: w.spec(backup.FieldSchedule, "0 0 1 1 *")}
	at := time.Now().AddDate(-1, 0, 0) // a firing was missed since
	keepers := make([]*keeper, 2)
	for i := range keepers {
		k := newKeeper(of, time.Now, func() {})
		k.newest, k.run = w.newestOf, w.runPolicy
		k.state.newest, k.state.since, k.state.known = at, at, true // looked at before the firing
		keepers[i] = k
	}
	for _, k := range keepers {
		due, ok := k.due(t.Context(), of)
		if !ok || due.After(time.Now()) {
			t.Fatalf("due %s, %v", due, ok)
		}
		if k.stillDue(t.Context(), of) {
			k.once(t.Context(), of)
		}
		if s := k.snapshot(); s.failed != nil {
			t.Fatal(s.failed)
		}
	}
	equal(t, "points", len(w.kept("nightly", of.spec)), 1)
}
