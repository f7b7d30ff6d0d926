package repository

import (
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/retention"
)

func TestAHostWhoseClockIsFarAheadDropsNoPointThatAgeKeeps(t *testing.T) {
	const ahead = 400 * 24 * time.Hour
	f := newFixture(t, Options{})
	f.commit(manifest(0, pack(f.pack(stretch{0, 0, 10})), span(0, 0, 0, 10)))
	f.commit(manifest(1, pack(f.pack(stretch{0, 10, 20})), span(0, 0, 10, 20)))
	if err := f.lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := f.o
	o.Now = func() time.Time { return time.Now().Add(ahead) }
	other := newFixture(t, o)
	decisions, err := other.Decide(t.Context(), retention.Policy{Within: 30 * 24 * time.Hour, Last: 1})
	if err != nil {
		t.Fatal(err)
	}
	if drop := Dropped(decisions); len(drop) != 0 || len(decisions) != 2 {
		t.Errorf("of %d points it would drop %v", len(decisions), drop)
	}
}

func TestWhatADropFreesIsOnlyWhatNoKeptPointHolds(t *testing.T) {
	f := newFixture(t, Options{})
	f.commit(manifest(0, pack(f.pack(stretch{0, 0, 10}, stretch{1, 0, 10})), span(0, 0, 0, 10), span(1, 0, 0, 10)))
	p := f.commit(manifest(1, pack(f.pack(stretch{0, 10, 20})), span(0, 5, 10, 20), span(1, 10, 10, 10)))
	if len(p.Refs("orders", 1)) != 0 {
		t.Fatalf("the second point has %+v of partition 1", p.Refs("orders", 1))
	}
	decisions, err := f.Decide(t.Context(), retention.Policy{Last: 1})
	if err != nil {
		t.Fatal(err)
	}
	freed, err := f.Freed(t.Context(), decisions)
	first, err2 := f.Point(t.Context(), 1)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	if want := first.Refs("orders", 1)[0].Length; freed != want || want == 0 {
		t.Errorf("dropping %v frees %d bytes, want %d", Dropped(decisions), freed, want)
	}
}
