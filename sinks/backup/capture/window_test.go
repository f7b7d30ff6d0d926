package capture

import (
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// live is what a cluster shows of a partition, and was what the parent has.
type live struct {
	start, end, high int64
	epochs           int64 // where the log parts; -1: nobody knows
	compacted        bool
	retention        time.Duration // delete.retention.ms
	other            bool
	was              *format.Partition
	since            time.Duration // of the parent
	took             time.Duration // the parent
	archive          time.Duration
}

func planned(l live) (*run, *part) {
	t := &topic{Topic: format.Topic{Name: "orders", ID: "id", Compacted: l.compacted}, deleteRetention: l.retention, other: l.other}
	p := &part{topic: t, logStart: l.start, was: l.was, divergence: l.epochs, told: l.epochs >= 0}
	p.End, p.High = l.end, l.high
	if l.was != nil {
		t.was = &format.Topic{Name: "orders", ID: "id"}
	}
	t.parts = []*part{p}
	r := &run{session: &session{Options: Options{Archive: l.archive, FullEvery: defaultFull}, stuck: make(map[place]time.Time)}, taken: noon(), topics: []*topic{t}}
	taken := noon().Add(-l.since)
	r.parent = &repository.Point{Manifest: format.Manifest{Number: 4, Taken: taken, Ended: taken.Add(l.took)}}
	r.plan()
	return r, p
}

func TestAWindowBeginsWhereThePointEnds(t *testing.T) {
	was := func(start, end int64) *format.Partition {
		return &format.Partition{Start: start, Base: start, End: end, High: end, Epoch: 3, Full: noon().Add(-time.Hour)}
	}
	day := 24 * time.Hour
	for _, c := range []struct {
		name             string
		live             live
		start, base, end int64
		why, alert       string
	}{
		{"first", live{start: 5, end: 9, high: 9, epochs: -1}, 5, 5, 9, "", ""},
		{"idle", live{end: 9, high: 9, epochs: 9, was: was(0, 9)}, 0, 9, 9, "", ""},
		{"new data", live{end: 12, high: 13, epochs: 13, was: was(0, 9)}, 0, 9, 12, "", ""},
		{"retention within the point", live{start: 4, end: 12, high: 12, epochs: 12, was: was(0, 9)}, 4, 9, 12, "", ""},
		{"retention overtook", live{start: 20, end: 30, high: 30, epochs: 30, was: was(0, 9)}, 20, 20, 30, "", "gap"},
		{"all deleted", live{start: 20, end: 20, high: 20, epochs: 20, was: was(0, 9)}, 20, 20, 20, "", "gap"},
		{"recreated", live{end: 3, high: 3, epochs: -1, other: true}, 0, 0, 3, "recreated", "recreated"},
		{"truncated, by epochs", live{end: 12, high: 12, epochs: 7, was: was(0, 9)}, 0, 7, 12, "truncated at 7", "truncated"},
		{"truncated below the log start", live{start: 5, end: 12, high: 12, epochs: 3, was: was(0, 9)}, 5, 5, 12, "truncated at 3", "truncated"},
		{"truncated, without epochs", live{end: 6, high: 6, epochs: -1, was: was(0, 9)}, 0, 6, 6, "truncated at 6", "truncated"},
		{"the leader lags", live{end: 6, high: 6, epochs: 9, was: was(0, 9)}, 0, 9, 9, "", ""},
		{"the log begins before the point", live{start: 0, end: 12, high: 12, epochs: 12, was: was(5, 9)}, 0, 0, 12, "before", ""},
		{"compacted, in time", live{end: 12, high: 12, epochs: 12, compacted: true, retention: day, since: time.Hour, was: was(0, 9)}, 0, 9, 12, "", ""},
		{"compacted, too late", live{end: 12, high: 12, epochs: 12, compacted: true, retention: day, since: day, was: was(0, 9)}, 0, 0, 12, "copied in full", ""},
		{"compacted, too late with this run's length", live{end: 12, high: 12, epochs: 12, compacted: true, retention: day, since: 23 * time.Hour, took: 2 * time.Hour, was: was(0, 9)}, 0, 0, 12, "copied in full", ""},
		{"compacted, idle however late", live{end: 9, high: 9, epochs: 9, compacted: true, retention: day, since: 10 * day, was: was(0, 9)}, 0, 9, 9, "", ""},
		{"compacted, the last run was too long", live{end: 9, high: 9, epochs: 9, compacted: true, retention: time.Hour, since: 3 * time.Hour, took: 2 * time.Hour, was: was(0, 9)}, 0, 0, 9, "last run took longer", ""},
		{"compacted, carried over before", live{end: 12, high: 12, epochs: 12, compacted: true, retention: day, since: time.Hour, was: &format.Partition{End: 9, Why: whyUnread, Full: noon()}}, 0, 0, 12, "not all of it", ""},
		{"compacted, last in full long ago", live{end: 12, high: 12, epochs: 12, compacted: true, retention: 365 * day, since: time.Hour, was: &format.Partition{End: 9, Full: noon().Add(-31 * day)}}, 0, 0, 12, "the last time was on 2026-01-29", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, p := planned(c.live)
			if p.Start != c.start || p.Base != c.base || p.End != c.end {
				t.Errorf("start %d base %d end %d, want %d %d %d", p.Start, p.Base, p.End, c.start, c.base, c.end)
			}
			if !strings.Contains(p.Why, c.why) || (c.why == "") != (p.Why == "") {
				t.Errorf("why %q, want %q", p.Why, c.why)
			}
			kinds := ""
			for _, a := range r.alerts {
				kinds += string(a.Kind)
			}
			if kinds != c.alert {
				t.Errorf("alerts %v, want %q", r.alerts, c.alert)
			}
		})
	}
}

func TestNoPointIsMadeOfFramesThatDoNotCoverItExactly(t *testing.T) {
	for _, c := range []struct {
		name   string
		frames [][2]int64
		whole  bool
	}{
		{"exact", [][2]int64{{5, 10}, {0, 5}}, true},
		{"a hole", [][2]int64{{0, 4}, {5, 10}}, false},
		{"an overlap", [][2]int64{{0, 6}, {5, 10}}, false},
		{"an overlap behind the end", [][2]int64{{0, 10}, {7, 9}}, false},
		{"beyond the end", [][2]int64{{0, 10}, {10, 12}}, false},
		{"a hole behind the end", [][2]int64{{0, 10}, {12, 14}}, false},
		{"twice the same", [][2]int64{{0, 10}, {0, 10}}, false},
		{"too short", [][2]int64{{0, 9}}, false},
		{"none", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var frames []format.Frame
			for _, f := range c.frames {
				frames = append(frames, format.Frame{First: f[0], Next: f[1]})
			}
			if err := covers(place{"orders", 0}, frames, 0, 10); (err == nil) != c.whole {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestAHungTransactionIsToldOnceItHasStoodStillForAnInterval(t *testing.T) {
	was := &format.Partition{End: 9, High: 11, Epoch: 3}
	for _, c := range []struct {
		name string
		live live
		age  time.Duration
		hung bool
	}{
		{"still, and the log grows", live{end: 9, high: 15, epochs: 15, since: time.Hour, was: was}, 0, true},
		{"it moved", live{end: 12, high: 15, epochs: 15, since: time.Hour, was: was}, 0, false},
		{"nothing is written", live{end: 9, high: 11, epochs: 11, since: time.Hour, was: was}, 0, false},
		{"just begun", live{end: 9, high: 15, epochs: 15, since: time.Hour, was: &format.Partition{End: 9, High: 9}}, 0, false},
		{"continuous: not long enough", live{end: 9, high: 15, epochs: 15, since: time.Minute, was: was}, longTransaction, false},
		{"continuous: long enough", live{end: 9, high: 15, epochs: 15, since: time.Hour, was: was}, longTransaction, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := planned(c.live)
			r.watch(c.age)
			if hung := len(r.alerts) == 1 && r.alerts[0].Kind == "hung"; hung != c.hung {
				t.Errorf("alerts %v", r.alerts)
			}
		})
	}
}
