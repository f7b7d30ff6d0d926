package work

import (
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// kept are the points of a backup that were not dropped.
func (w *world) kept(name string, spec backup.Spec) []repository.Entry {
	w.Helper()
	h, err := w.homeOf(w.Context(), policyOf(name), spec, nil)
	if err != nil {
		w.Fatal(err)
	}
	all, err := h.Points(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	var kept []repository.Entry
	for _, e := range all {
		if e.Removed == "" {
			kept = append(kept, e)
		}
	}
	return kept
}

func past(point int64) func(sinks.Job) bool {
	return func(j sinks.Job) bool { return j.Point >= point }
}

func TestAContinuousBackupKeepsAsManyPointsAsItsRetentionSays(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", "a", "b")
	spec := w.spec("continuous", "true", "window", "20ms", "retention.keepLast", "2")
	w.declare(policyOf("stream"), spec)
	stop := w.run()
	w.round()
	w.eventually("backup/default/stream", past(6))
	equal(t, "incidents", keys(w.Incidents()), []string(nil))
	stop()
	if kept := w.kept("stream", spec); len(kept) > 3 { // one may have come last
		t.Errorf("%d points are kept", len(kept))
	}
}

func TestARepositoryIsSweptAndAContinuousBackupVerifiedOnceADay(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", "a", "b")
	spec := w.spec("continuous", "true", "window", "20ms", "retention.keepLast", "9", "verify", "data")
	w.declare(policyOf("stream"), spec)
	stop := w.run()
	w.round()
	w.eventually("backup/default/stream", past(1))
	w.eventually("backup/default/stream", past(2))
	h := w.homes.get(policyOf("stream").String())
	at := func() time.Time {
		h.swept.mu.Lock()
		defer h.swept.mu.Unlock()
		return h.swept.at
	}
	swept := at()
	w.eventually("backup/default/stream", past(5))
	stop()
	if swept.IsZero() || at() != swept {
		t.Errorf("swept %s, and again %s", swept, at())
	}
	verified := 0
	for _, e := range w.kept("stream", spec) {
		verified += len(e.Verified)
	}
	equal(t, "verified", verified, 1)
	now := time.Now()
	equal(t, "due within a day", h.swept.due(now), false)
	equal(t, "due after a day", h.swept.due(now.Add(24*time.Hour)), true)
}

func TestADryRunOfRetentionSaysWhatItWouldDropAndDropsNothing(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", "a", "b")
	spec := w.spec(backup.FieldSchedule, "* * * * * *", "retention.keepLast", "1", "retention.dryRun", "true")
	w.declare(policyOf("nightly"), spec)
	stop := w.run()
	w.round()
	j := w.eventually("backup/default/nightly", func(j sinks.Job) bool { return j.Point == 2 && j.State == sinks.JobWaiting })
	stop()
	if want := "; dry run of retention: it would drop 1 (no rule keeps it), and keep 2 (last 1 of 1, newest good point); 0 bytes would be freed"; !strings.HasSuffix(j.Text, want) {
		t.Errorf("it says %q", j.Text)
	}
	if kept := w.kept("nightly", spec); len(kept) < 2 {
		t.Errorf("%d points are kept", len(kept))
	}
}

func TestAPointThatARestoreGivesBackIsKept(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", "a", "b")
	spec := w.spec(backup.FieldSchedule, "* * * * * *", "retention.keepLast", "1")
	w.declare(policyOf("nightly"), spec)
	stop := w.run()
	w.round()
	w.eventually("backup/default/nightly", past(1))
	h := w.homes.get(policyOf("nightly").String())
	record := map[string]any{"name": "tuesday", "point": 1, "phase": "loaded"}
	if _, err := h.Series("restores/tuesday", format.KindRestore).Append(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	w.eventually("backup/default/nightly", past(3))
	stop()
	if kept := w.kept("nightly", spec); kept[0].Manifest.Number != 1 {
		t.Errorf("point 1 was dropped, %d is the first", kept[0].Manifest.Number)
	}
}

func TestWhatTheStoreRefusesToDeleteIsToldUntilASweepSucceeds(t *testing.T) {
	h := &home{}
	until := time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)
	h.stays.Store(&repository.Swept{Refused: []repository.Refused{
		{Object: "packs/a.pack", Why: "access denied"}, {Object: "packs/b.pack", Why: "access denied"},
		{Object: "packs/c.pack", Why: "locked", Locked: true, Until: until},
	}})
	for range 2 { // it is swept once a day, and told at each run
		out := ran{text: "point 7"}
		h.stuck(&out)
		equal(t, "problems", out.left, []problem{{Kind: sinks.TroubleRetention, Words: "the store refuses to delete 2 objects, packs/a.pack first: is the right to delete missing? What was dropped stays there, and costs: access denied"}})
		equal(t, "the run says", out.text, "point 7; the store locks 1 object that could go, the last of them until 2027-01-02T00:00:00Z; a later sweep tries again")
	}
	h.stays.Store(&repository.Swept{})
	out := ran{text: "point 8"}
	h.stuck(&out)
	if len(out.left) > 0 || out.text != "point 8" {
		t.Errorf("after a sweep that succeeded: %+v", out)
	}
}
