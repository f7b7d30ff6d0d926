package repository_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

func TestASurveyNamesWhatCannotBeReadAndListsTheRest(t *testing.T) {
	for name, one := range map[string]struct {
		harm    func(w *world)
		bad     string // of point 2
		missing bool
	}{
		"a flipped bit":      {func(w *world) { flip(w, manifestName(2), 60) }, "the backup repository is damaged", true},
		"a lost manifest":    {func(w *world) { w.remove(manifestName(2)) }, "is missing, and no removal says why", true},
		"a foreign signer":   {func(w *world) { reseal(w, 2, 9, func(*format.Manifest) {}) }, "not among the trusted keys", true},
		"nothing is damaged": {func(*world) {}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := threePoints(t)
			one.harm(w)
			r := w.open()
			entries, damaged, err := r.Survey(t.Context())
			if err != nil || len(damaged) > 0 || len(entries) != 3 {
				t.Fatalf("got %d entries, %q, %v", len(entries), damaged, err)
			}
			if e := entries[1]; e.Manifest.Number != 2 || e.Unreadable != one.missing || !strings.Contains(e.Bad, one.bad) || (e.Bad == "") != (one.bad == "") {
				t.Errorf("point 2 is %+v", e)
			}
			if e := entries[0]; e.Bad != "" || e.Unreadable || e.Manifest.Topics == nil {
				t.Errorf("point 1 is %+v", e)
			}
			if _, err := r.Points(t.Context()); errors.Is(err, repository.ErrDamaged) != one.missing {
				t.Errorf("Points decides what is kept, and must not overlook it: %v", err)
			}
		})
	}
}

func TestASurveyTellsObjectsThatCannotBeRead(t *testing.T) {
	w, _ := threePoints(t)
	if _, err := w.repo.Verify(t.Context(), repository.VerifyOptions{}); err != nil {
		t.Fatal(err)
	}
	flip(w, w.names("verifications/")[0], 60)
	entries, damaged, err := w.open().Survey(t.Context())
	if err != nil || len(entries) != 3 || len(damaged) != 1 || !strings.Contains(damaged[0], "verifications/000000000001.json") {
		t.Errorf("got %d entries, %q, %v", len(entries), damaged, err)
	}
	if len(entries[1].Verified) == 0 {
		t.Error("the verifications behind the damaged one are not read")
	}
}

func TestARestoreIsUnderWayUntilItIsOver(t *testing.T) {
	for _, over := range []string{format.RestoreDone, format.RestoreAbandoned} {
		w, _ := threePoints(t)
		w.restoring(2, "prepared")
		all, err := w.open().UnderWay(t.Context())
		if err != nil || len(all) != 1 || all[0].Name != "tuesday" || all[0].Point != 2 || all[0].Phase != "prepared" || all[0].Heard.IsZero() || all[0].GivenUp {
			t.Errorf("got %+v, %v", all, err)
		}
		w.restoring(2, over)
		if all, err := w.open().UnderWay(t.Context()); err != nil || len(all) > 0 {
			t.Errorf("%s: got %+v, %v", over, all, err)
		}
	}
}
