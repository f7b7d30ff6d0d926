package work

import (
	"testing"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
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
