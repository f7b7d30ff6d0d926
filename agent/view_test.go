package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

func TestTheStateOfASyncAfterARound(t *testing.T) {
	update := func(fate reconcile.Fate, fields ...reconcile.FieldChange) reconcile.Change {
		return reconcile.Change{ID: thing("Topic/a"), Action: reconcile.Update, Fate: fate, Fields: fields}
	}
	field := func(name string, fate reconcile.Fate) reconcile.FieldChange {
		return reconcile.FieldChange{Name: name, Fate: fate}
	}
	note := reconcile.Change{ID: thing("Topic/a"), Action: reconcile.Note, Notes: reconcile.Notes{Words: []string{"paused"}}}
	waits, reported := reconcile.Fate{Waiting: "it left Git"}, reconcile.Fate{Reported: "only reported"}
	done := []reconcile.Outcome{{ID: thing("Topic/a")}}
	good := sources.Snapshot{Revision: "r1"}
	for name, c := range map[string]struct {
		change   reconcile.Change
		outcomes []reconcile.Outcome
		report   SyncReport
		want     State
	}{
		"words only":                           {change: note, want: InSync},
		"a grace that runs":                    {change: reconcile.Change{ID: thing("Topic/a"), Action: reconcile.Delete, Fate: waits}, want: Pending},
		"drift that is only reported":          {change: update(reconcile.Fate{}, field("a", reported)), want: Pending},
		"all done":                             {change: update(reconcile.Fate{}, field("a", reconcile.Fate{})), outcomes: done, want: InSync},
		"all done, and a field is held":        {change: update(reconcile.Fate{}, field("a", reconcile.Fate{}), field("b", reconcile.Fate{Held: "x"})), outcomes: done, want: Partial},
		"all done, and a field is reported":    {change: update(reconcile.Fate{}, field("a", reconcile.Fate{}), field("b", reported)), outcomes: done, want: Pending},
		"refused":                              {change: update(reconcile.Fate{Refused: "x"}), want: Partial},
		"planned, and only observed":           {change: update(reconcile.Fate{}, field("a", reconcile.Fate{})), report: SyncReport{Mode: Observe}, want: Observing},
		"held, and only observed":              {change: update(reconcile.Fate{Held: "x"}), report: SyncReport{Mode: Observe}, want: Partial},
		"no answer":                            {change: update(reconcile.Fate{}, field("a", reconcile.Fate{})), outcomes: []reconcile.Outcome{{ID: thing("Topic/a"), Unsure: true}}, want: Failing},
		"one request of two failed":            {change: update(reconcile.Fate{}, field("a", reconcile.Fate{}), field("b", reconcile.Fate{})), outcomes: []reconcile.Outcome{{ID: thing("Topic/a"), Fields: []string{"a"}, Failed: "x"}, {ID: thing("Topic/a"), Fields: []string{"b"}}}, want: Failing},
		"only one request of two was reported": {change: update(reconcile.Fate{}, field("a", reconcile.Fate{}), field("b", reconcile.Fate{})), outcomes: []reconcile.Outcome{{ID: thing("Topic/a"), Fields: []string{"a"}}}, want: Pending},
		"the source is down":                   {report: SyncReport{SourceErr: errors.New("x")}, want: Failing},
		"rejected, although something is held": {change: update(reconcile.Fate{Held: "x"}), report: SyncReport{RejectErr: errors.New("x")}, want: Rejected},
		"unknown":                              {report: SyncReport{Plan: reconcile.Plan{Unknown: []reconcile.Unobserved{{ID: reconcile.ID{Kind: "Topic"}}}}}, want: Partial},
	} {
		r := c.report
		r.Snapshot, r.Outcomes = good, c.outcomes
		if c.change.Action != "" {
			r.Plan.Changes = []reconcile.Change{c.change}
		}
		if got := r.State(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := (SyncReport{RejectErr: errors.New("x")}).State(); got != NoGood {
		t.Errorf("without a good revision: %s", got)
	}
}

func TestAThingThatFailedTwiceIsOneIncident(t *testing.T) {
	s := SyncReport{Sync: "p", Outcomes: []reconcile.Outcome{
		{ID: thing("Topic/a"), Fields: []string{"partitions"}, Failed: "one"}, {ID: thing("Topic/a"), Fields: []string{"config.b"}, Failed: "two"},
	}}
	is := Report{Cluster: "main", Syncs: []SyncReport{s}}.Incidents()
	if len(is) != 1 || titles(is[0].Lines) != "one\ntwo" {
		t.Errorf("%+v", is)
	}
}

func TestARejectionSaysWhetherAnythingIsKept(t *testing.T) {
	r := SyncReport{Sync: "p", RejectErr: errors.New("topics.yaml:3: no such field"), Newest: sources.Snapshot{Revision: "r2", Author: "Ada"}}
	if i := r.rejection(Report{}); !strings.Contains(i.Title, "nothing is done") || i.Author != "Ada" {
		t.Errorf("%+v", i)
	}
	r.Snapshot.Revision = "r1"
	if i := r.rejection(Report{}); !strings.Contains(i.Title, "goes on being kept") || i.Revision != "r2" {
		t.Errorf("%+v", i)
	}
}

func TestNoSecretLeavesARound(t *testing.T) {
	const canary = "canary-password"
	h := newHouse(t, "p")
	h.existing("Credential/adopted", canary) // proven: it is in what was observed
	h.existing("Credential/other", "other-password")
	h.repo.push("r1", paths{"p": all(declare("Credential/adopted", "password", canary), declare("Credential/other", "password", canary), declare("Credential/new", "password", canary))})
	h.broker.refuses[thing("Credential/new")] = "policy violation"
	plan := h.Plan(t.Context(), reconcile.Scope{Full: true})
	resources, err := h.resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []Report{plan, h.round(), h.round()} {
		data, err := json.Marshal([]any{r.View(), resources, h.ledger.entries, r.Incidents(), r.Healed()})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(data), fmt.Sprintf("%+v %#v %v", r, r, h.ledger.state)} {
			if strings.Contains(text, canary) {
				t.Fatal("the secret is in it: " + strings.ReplaceAll(text, canary, "CANARY"))
			}
		}
	}
}
