package capture

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// eat deletes packs, as a lifecycle rule of the bucket does.
func (w *world) eat(packs ...string) {
	w.Helper()
	for _, name := range packs {
		if err := w.bucket.Delete(w.Context(), name); err != nil {
			w.Fatal(err)
		}
	}
}

func wantBad(t *testing.T, r Report, parts ...string) {
	t.Helper()
	if len(r.Alerts) != 1 || r.Alerts[0].Kind != sinks.TroubleBad {
		t.Fatalf("the alerts are %+v", r.Alerts)
	}
	for _, part := range parts {
		if !strings.Contains(r.Alerts[0].Words, part) {
			t.Errorf("%q does not say %q", r.Alerts[0].Words, part)
		}
	}
}

func TestPointsThatLostAPackAreToldByTheRunThatPassesThemOverAndOnce(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 5)...)
	w.run(w.options("orders"))
	first := w.packs()
	w.produce("orders", 0, values(5, 5)...)
	w.run(w.options("orders"))
	w.run(w.options("orders"))
	for _, pack := range w.packs() {
		if pack != first[0] {
			w.eat(pack)
		}
	}
	again := w.run(w.options("orders"))
	wantBad(t, again, "point 3 is no good: pack ", "is missing", "(and 1 more, down to point 2)", "this run stands on point 1")
	w.same(again.Point, "orders", 0)
	if next := w.run(w.options("orders")); len(next.Alerts) > 0 || next.Point.Parent != 4 {
		t.Errorf("after it: %+v", next)
	}
	w.eat(w.packs()...)
	anew := w.run(w.options("orders"))
	wantBad(t, anew, "point 5 is no good", "everything is copied anew")
	if anew.Records != 10 || anew.Point.Parent != 0 {
		t.Errorf("%d records, on point %d", anew.Records, anew.Point.Parent)
	}
	if next := w.run(w.options("orders")); len(next.Alerts) > 0 {
		t.Errorf("after all were lost: %+v", next.Alerts)
	}
}

func TestAContinuousBackupLooksNowAndThenWhetherWhatItStandsOnIsStillThere(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 5)...)
	o := w.options("orders")
	later := time.Duration(0)
	o.Now = func() time.Time { return time.Now().Add(later) }
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var found Report
	err := Follow(ctx, o, Window{Interval: time.Millisecond}, func(_ *repository.Lease, report Report, err error) bool {
		if err != nil {
			t.Error(err)
		}
		if later == 0 {
			w.eat(w.packs()...)
			later = 2 * lookAgain
			return true
		}
		found = report
		cancel()
		return true
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	wantBad(t, found, "point 1 is no good", "everything is copied anew")
}
