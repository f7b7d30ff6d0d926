package work

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/proof"
)

// asked declares a validation that passes where a webhook agrees.
func (w *world) asked(id reconcile.ID, more ...string) *atomic.Bool {
	w.Helper()
	agrees := &atomic.Bool{}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if !agrees.Load() {
			rw.WriteHeader(http.StatusTeapot)
		}
	}))
	w.Cleanup(s.Close)
	spec := backup.Spec{
		backup.FieldDoes: backup.DoesValidation, backup.FieldBackup: "default/once",
		"webhook.0.name": "books", "webhook.0.host": "books.example.com", "webhook.0.status": "200",
	}
	for i := 0; i < len(more); i += 2 {
		spec[more[i]] = more[i+1]
	}
	w.declare(id, spec)
	r := w.want[id]
	r.Means = map[string]reconcile.Value{"webhook.0.url": reconcile.SecretOf(s.URL)}
	w.want[id] = r
	return agrees
}

func (w *world) told(key string) (sinks.Incident, bool) {
	all := w.Incidents()
	i := slices.IndexFunc(all, func(one sinks.Incident) bool { return one.Key == key })
	if i < 0 {
		return sinks.Incident{}, false
	}
	return all[i], true
}

func TestAValidationThatDoesNotPassIsAnIncidentAlsoAfterARestart(t *testing.T) {
	w := backedUp(t)
	stop := w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	id := jobOf(backup.DoesValidation, "books")
	w.asked(id)
	w.round()
	w.eventually("validation/default/books", is(sinks.JobFailed))
	stop()
	w.restart()
	if live, there, err := w.observe(id); err != nil || !there || !live.Done {
		t.Fatalf("%+v, %v", live, err)
	}
	one, open := w.told("work/main/validation/default/books/failed")
	text := strings.Join(one.Lines, "\n")
	if !open || one.Severity != sinks.Error || one.Title != "validation default/books failed" ||
		!strings.Contains(text, "point 1 failed: ") || !strings.Contains(text, "evidence: evidence/default.books/000000000001.json") {
		t.Errorf("%+v", w.Incidents())
	}
}

func TestTheNextPassOfAScheduledValidationEndsItsIncident(t *testing.T) {
	w := backedUp(t)
	stop := w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	id := reconcile.ID{Kind: backup.KindPolicy, Name: backup.DoesValidation + "/default/books"}
	agrees := w.asked(id, backup.FieldSchedule, "* * * * * *")
	key := "work/main/validation/default/books/proof"
	w.round()
	w.eventually(id.Name, func(sinks.Job) bool { _, open := w.told(key); return open })
	if f := w.Figures(); f.Open[sinks.TroubleProof] != 1 || f.Proofs["failed"] == 0 || f.Proofs["ok"] != 0 {
		t.Errorf("its metrics are %+v", f)
	}
	stop()
	w.restart()
	w.brief()
	w.run()
	w.eventually(id.Name, func(sinks.Job) bool { _, open := w.told(key); return open })
	agrees.Store(true)
	w.eventually(id.Name, func(sinks.Job) bool { _, open := w.told(key); return !open })
}

func TestADrillThatTheProcessCannotHoldIsRefused(t *testing.T) {
	w := backedUp(t)
	w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	h, err := w.homeOf(t.Context(), jobOf(backup.DoesBackup, "once"), w.spec(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int64]bool{1: true, proof.EmbeddedMost: false} {
		if err := fits(t.Context(), h, proof.DrillOptions{}, most); (err != nil && strings.Contains(err.Error(), "backups.scratch")) != want {
			t.Errorf("at most %d bytes: %v", most, err)
		}
	}
}
