package agent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
)

// archive prepares deletions, and says what it was asked.
type archive struct {
	waits string
	begun int
	last  error
}

func (a *archive) Prepare(_ context.Context, changes []reconcile.Change, begin bool) map[reconcile.ID]string {
	words := map[reconcile.ID]string{}
	for _, c := range changes {
		if c.Action == reconcile.Delete {
			words[c.ID] = a.waits
			if begin {
				a.begun++
			}
		}
	}
	return words
}

func (a *archive) Assure(_ context.Context, c reconcile.Change) (string, error) {
	if c.Action != reconcile.Delete {
		return "", nil
	}
	return "point 7 holds it", a.last
}

func TestADeletionWaitsForWhatPreparesItAndIsLookedAtOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "a")
		prepares := &archive{waits: "final backup: is copied"}
		h.Preparer = prepares
		h.repo.push("r1", map[string][]reconcile.Resource{"a": all(declare("Topic/orders"), declare("Topic/kept"))})
		h.round()
		h.wrote("create Topic/kept", "create Topic/orders")
		h.repo.push("r2", map[string][]reconcile.Resource{"a": all(declare("Topic/kept"))})
		plan := h.Plan(t.Context(), reconcile.Scope{Full: true}).Syncs[0].Plan
		if c := plan.Changes[0]; !strings.Contains(c.Fate.Waiting, "final backup: is copied") || prepares.begun != 0 {
			t.Errorf("a plan says %+v and began %d", c, prepares.begun)
		}
		h.round()
		h.wrote()
		if prepares.begun != 1 {
			t.Errorf("begun %d times", prepares.begun)
		}
		prepares.waits, prepares.last = "", errors.New("not done: it has gone on")
		if o := h.round().Syncs[0].Outcomes; len(o) != 1 || o[0].Failed != "not done: it has gone on" {
			t.Errorf("at the last moment: %+v", o)
		}
		h.wrote()
		prepares.last = nil
		r := h.round()
		h.wrote("delete Topic/orders")
		noted := r.Noted()
		if len(noted) != 1 || noted[0].Lines[0] != "point 7 holds it" || noted[0].Title != "Topic/orders: deleted" || noted[0].Resolved.IsZero() {
			t.Errorf("told: %+v", noted)
		}
	})
}

// diary writes down looks and changes in their order.
type diary struct {
	reconcile.Kind
	archive
	lines []string
}

func (d *diary) Assure(ctx context.Context, c reconcile.Change) (string, error) {
	d.lines = append(d.lines, "look at "+c.ID.Name)
	return d.archive.Assure(ctx, c)
}

func (d *diary) Apply(_ context.Context, changes []reconcile.Change, report func(...reconcile.Outcome)) {
	for _, c := range changes {
		d.lines = append(d.lines, string(c.Action)+" "+c.ID.Name)
		report(reconcile.Outcome{ID: c.ID})
	}
}

func TestADeletionIsLookedAtRightBeforeItIsCarriedOut(t *testing.T) {
	d := &diary{}
	change := func(action reconcile.Action, name string) reconcile.Change {
		return reconcile.Change{ID: reconcile.ID{Kind: "Topic", Name: name}, Action: action}
	}
	changes := []reconcile.Change{change(reconcile.Delete, "a"), change(reconcile.Create, "b"), change(reconcile.Delete, "c"), change(reconcile.Create, "d")}
	notes := map[string]string{}
	assured{d, d}.Apply(t.Context(), changes, func(all ...reconcile.Outcome) {
		for _, o := range all {
			notes[o.ID.Name] = o.Note
		}
	})
	want := []string{"look at a", "delete a", "look at b", "look at c", "delete c", "look at d", "create b", "create d"}
	if !slices.Equal(d.lines, want) {
		t.Errorf("%q, want %q", d.lines, want)
	}
	if notes["a"] != "point 7 holds it" || notes["b"] != "" || len(notes) != 4 {
		t.Errorf("%v", notes)
	}
}

// curious is a kind that asks to be briefed.
type curious struct {
	reconcile.Kind
	told []reconcile.Brief
}

func (k *curious) Brief(all []reconcile.Brief) { k.told = all }

type curiousBroker struct {
	*broker
	kind *curious
}

func (b curiousBroker) Kinds() []reconcile.Kind { return []reconcile.Kind{b.kind} }

func TestAKindIsToldWhatIsDeclaredAndWhatWasApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "a")
		k := &curious{Kind: &kind{h.broker, "Topic"}}
		connect := func(context.Context) (Target, error) { return curiousBroker{h.broker, k}, nil }
		h.Connect = connect
		h.repo.push("r1", map[string][]reconcile.Resource{"a": all(declare("Topic/orders", "x", "1"))})
		h.round()
		if len(k.told) != 1 || !k.told[0].Declared || k.told[0].Last["x"].Text() != "1" {
			t.Errorf("after it was applied: %+v", k.told)
		}
		h.repo.push("r2", map[string][]reconcile.Resource{"a": nil})
		h.repo.push("r2", map[string][]reconcile.Resource{"a": {}})
		h.Plan(t.Context(), reconcile.Scope{Full: true})
		if len(k.told) != 1 || k.told[0].Declared || k.told[0].Last == nil {
			t.Errorf("after it left Git: %+v", k.told)
		}
		h.start("a") // a new process, and the repository is down
		h.Connect = connect
		h.repo.fault(func() { h.repo.err = errors.New("down") })
		h.Syncs[0].At = nil
		h.round()
		if len(k.told) != 1 || !k.told[0].Declared {
			t.Errorf("while it is not known what is declared: %+v", k.told)
		}
	})
}

// labour is work that only answers.
type labour struct {
	jobs []sinks.Job
	now  string
}

func (l *labour) Run(ctx context.Context) { <-ctx.Done() }
func (l *labour) Jobs() []sinks.Job       { return l.jobs }
func (l *labour) Steer(_ context.Context, id string, do sinks.JobAction) (sinks.Job, error) {
	return sinks.Job{ID: id, Text: string(do)}, nil
}
func (l *labour) BackupNow(_ context.Context, id string) (sinks.Job, error) {
	l.now = id
	return sinks.Job{ID: id}, nil
}

func TestAJobIsFoundByTheEndOfItsNameWhereOnlyOneHasIt(t *testing.T) {
	one := &labour{jobs: []sinks.Job{{ID: "backup/default/nightly"}, {ID: "restore/default/again"}}}
	two := &labour{jobs: []sinks.Job{{ID: "backup/team/nightly"}}}
	a := New(Options{Clusters: []*Cluster{{Name: "a", Work: one}, {Name: "b", Work: two}, {Name: "c"}}})
	for name, want := range map[string]string{
		"again": "restore/default/again", "default/nightly": "backup/default/nightly", "backup/team/nightly": "backup/team/nightly",
		"nightly": "is the name of 2 jobs", "none": "there is no such job",
	} {
		j, err := a.SteerJob(t.Context(), name, sinks.PauseJob)
		if j.ID != want && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %+v, %v", name, j, err)
		}
	}
	if j, err := a.BackupNow(t.Context(), "team/nightly"); err != nil || j.ID != two.now {
		t.Errorf("%+v, %v", j, err)
	}
	if all, err := a.Jobs(t.Context()); err != nil || len(all) != 3 || all[0].ID != "backup/default/nightly" {
		t.Errorf("%+v, %v", all, err)
	}
}
