package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

// kept is a house whose one sync keeps what is declared.
func kept(t *testing.T, declared ...reconcile.Resource) *house {
	t.Helper()
	h := newHouse(t, "p")
	h.repo.push("r1", paths{"p": declared})
	h.round()
	h.broker.writes = nil
	return h
}

func titles(is ...[]string) string { return strings.Join(slices.Concat(is...), "\n") }

func incidentTitles(r Report) []string {
	var out []string
	for _, i := range r.Incidents() {
		out = append(out, i.Key+": "+i.Title+": "+strings.Join(i.Lines, "; "))
	}
	return out
}

func healedLinesOf(r Report) []string {
	var out []string
	for _, i := range r.Healed() {
		out = append(out, i.Title+": "+strings.Join(i.Lines, "; "))
	}
	return out
}

func TestDriftIsHealedAndToldOnce(t *testing.T) {
	h := kept(t, ordersOne)
	h.broker.set("Topic/orders", "a", "9", "b", "2")
	r := h.round()
	h.wrote("update Topic/orders")
	want := "Topic/orders was changed by hand and is healed: a: 9 → 1 (drift); b: 2 → (default) (drift)"
	if got := titles(healedLinesOf(r)); got != want {
		t.Errorf("told %q", got)
	}
	if len(r.Incidents()) > 0 || r.Syncs[0].State() != InSync {
		t.Errorf("%s, %q", r.Syncs[0].State(), incidentTitles(r))
	}
	if r := h.round(); len(r.Healed()) > 0 {
		t.Error("told again")
	}
}

func TestWhatIsDeletedByHandIsCreatedAgainAndTold(t *testing.T) {
	h := kept(t, ordersOne)
	h.broker.drop("Topic/orders")
	r := h.round()
	h.wrote("create Topic/orders")
	if got := titles(healedLinesOf(r)); !strings.Contains(got, "deleted by hand") {
		t.Errorf("told %q", got)
	}
}

func TestAnotherWriterIsToldAndNotFought(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := kept(t, ordersOne)
		var r Report
		for range 12 {
			h.broker.set("Topic/orders", "a", "9")
			r = h.round()
			pass(30 * time.Second)
		}
		if n := len(h.broker.written()); n != 5 {
			t.Errorf("healed %d times", n)
		}
		if got := titles(incidentTitles(r)); !strings.Contains(got, "/fight/Topic/orders") || !strings.Contains(got, "another writer sets 9, Git says 1") {
			t.Errorf("told %q", got)
		}
	})
}

func TestAnUnobservableKindIsUnknownAndTheOthersGoOn(t *testing.T) {
	h := kept(t, ordersOne, declare("Credential/bob", "iterations", "4096"))
	h.broker.blind["Topic"] = errors.New("not authorized")
	h.broker.set("Credential/bob", "iterations", "1")
	h.broker.drop("Topic/orders")
	r := h.round()
	h.wrote("update Credential/bob")
	if r.Syncs[0].State() != Partial || !strings.Contains(titles(incidentTitles(r)), "Topic could not be observed: not authorized") {
		t.Errorf("%s, %q", r.Syncs[0].State(), incidentTitles(r))
	}
	views, err := h.resources(t.Context())
	if err != nil || views[1].ID != thing("Topic/orders") || views[1].State != "unknown" {
		t.Errorf("%v, %+v", err, views)
	}
}

func TestWhatCannotBeObservedIsToldToTheSyncItConcerns(t *testing.T) {
	h := newHouse(t, "p", "q")
	h.repo.push("r1", paths{"p": all(ordersOne), "q": all(declare("Topic/q", "a", "1"))})
	h.round()
	h.broker.unseen[thing("Topic/q")] = "not authorized"
	h.broker.blind["Credential"] = errors.New("no authorizer") // nobody declares one
	r := h.round()
	if r.Syncs[0].State() != InSync || r.Syncs[1].State() != Partial {
		t.Errorf("%s and %s", r.Syncs[0].State(), r.Syncs[1].State())
	}
}

func TestObserveWritesNothingAtAll(t *testing.T) {
	h := newHouse(t, "p")
	h.Syncs[0].Mode = Observe
	h.repo.push("r1", paths{"p": all(ordersOne, declare("Topic/new", "a", "1"))})
	h.broker.set("Topic/orders", "a", "9")
	r := h.round().Syncs[0]
	h.wrote()
	if r.State() != Observing || len(h.ledger.entries) != 0 {
		t.Errorf("%s, journal %+v", r.State(), h.ledger.entries)
	}
	h.repo.push("fork", paths{"p": {}})
	h.repo.forks["fork"] = true
	if r := h.round().Syncs[0]; r.RejectErr == nil {
		t.Error("a rewritten history goes unseen")
	}
}

func TestAHoldOfASyncThatOnlyObservesCannotBeConfirmed(t *testing.T) {
	h := kept(t, ordersOne)
	h.Syncs[0].Guards = []reconcile.Guard{holdDeletions}
	h.repo.push("r2", paths{"p": {}})
	h.Syncs[0].Mode = Observe
	r := h.round().Syncs[0]
	n := len(h.ledger.entries)
	a := New(Options{Clusters: []*Cluster{h.Cluster}})
	if _, err := a.Confirm(t.Context(), []reconcile.Digest{r.Holds[0].Digest}); err == nil || !strings.Contains(err.Error(), "only observes") {
		t.Errorf("got %v", err)
	}
	if len(h.ledger.entries) != n {
		t.Error("it was journaled")
	}
}

func holdDeletions(p reconcile.Plan) reconcile.Plan {
	p.Changes = slices.Clone(p.Changes)
	for i := range p.Changes {
		if p.Changes[i].Action == reconcile.Delete {
			p.Changes[i].Fate.Held = "held by this test"
		}
	}
	return p
}

func TestConfirmTakesAllDigestsOrNone(t *testing.T) {
	h := kept(t, ordersOne, declare("Topic/other", "a", "1"))
	h.Syncs[0].Guards = []reconcile.Guard{holdDeletions}
	h.repo.push("r2", paths{"p": {}})
	r := h.round()
	if v := r.View().Syncs[0]; v.State != Partial || len(v.Holds) != 2 {
		t.Fatalf("%s, %v", v.State, v.Holds)
	}
	down := &Cluster{Name: "down", Ledger: &journaled{state: reconcile.NewState()}, Now: time.Now, Connect: func(context.Context) (Target, error) { return nil, errors.New("down") }}
	a := New(Options{Clusters: []*Cluster{down, h.Cluster}})
	first, second := r.Syncs[0].Holds[0].Digest, r.Syncs[0].Holds[1].Digest
	n := len(h.ledger.entries)
	if _, err := a.Confirm(t.Context(), []reconcile.Digest{first, "nothing"}); err == nil || len(h.ledger.entries) != n {
		t.Errorf("%v, %d entries more", err, len(h.ledger.entries)-n)
	}
	if holds, err := a.Confirm(t.Context(), []reconcile.Digest{first, second}); err != nil || len(holds) != 2 {
		t.Fatalf("although another cluster is down: %v, %v", holds, err)
	}
	h.round()
	h.wrote("delete Topic/orders", "delete Topic/other")
	if _, err := New(Options{Clusters: []*Cluster{h.Cluster}}).Confirm(t.Context(), []reconcile.Digest{first}); !errors.Is(err, ErrNoSuchHold) || ProblemOf(err).Hint == "" {
		t.Errorf("got %v", err)
	}
}

func TestAnUnreachableClusterResolvesNothingElse(t *testing.T) {
	h := kept(t, ordersOne)
	h.Syncs[0].Guards = []reconcile.Guard{holdDeletions}
	h.repo.push("r2", paths{"p": {}})
	before := h.round()
	h.broker.down = errors.New("connection refused")
	after := h.Round(t.Context(), reconcile.Scope{Full: true})
	if len(after.Incidents()) != 1 || after.Incidents()[0].Key != after.Prefix() {
		t.Errorf("%q, prefix %s", incidentTitles(after), after.Prefix())
	}
	if key := before.Incidents()[0].Key; strings.HasPrefix(key, after.Prefix()) || !strings.HasPrefix(key, before.Prefix()) {
		t.Errorf("%s is resolved under %s, or not under %s", key, after.Prefix(), before.Prefix())
	}
}

func TestAKindThatBrokersCannotCheckWaitsAndTheOthersGoOn(t *testing.T) {
	h := kept(t, ordersOne, declare("Credential/bob", "iterations", "4096"))
	h.broker.checkErr = map[string]error{"Topic": errors.New("timed out")}
	h.broker.set("Topic/orders", "a", "9")
	h.broker.set("Credential/bob", "iterations", "1")
	if r := h.round(); r.Syncs[0].State() != Failing || !r.Failed() {
		t.Errorf("%s", r.Syncs[0].State())
	}
	h.wrote("update Credential/bob")
}

func TestAnythingLeftOpenIsSaidAfterARound(t *testing.T) {
	h := kept(t, ordersOne, declare("Topic/two", "a", "1"))
	h.broker.refuses[thing("Topic/orders")] = "policy violation"
	h.repo.push("r2", paths{"p": all(declare("Topic/orders", "a", "2"), declare("Topic/two", "a", "2"))})
	r := h.round()
	if r.Syncs[0].State() != Failing || r.Syncs[0].openChanges() != 1 {
		t.Errorf("%s, %d open", r.Syncs[0].State(), r.Syncs[0].openChanges())
	}
	if got := titles(incidentTitles(r)); !strings.Contains(got, "failed/Topic/orders: Topic/orders could not be changed: policy violation") {
		t.Errorf("told %q", got)
	}
}

func TestAStoppedRoundWritesItsLedgerAndIsNoIncident(t *testing.T) {
	h := newHouse(t, "p")
	var many []reconcile.Resource
	for i := range batchSize + 1 {
		many = append(many, declare(fmt.Sprintf("Topic/t%04d", i), "a", "1"))
	}
	h.repo.push("r1", paths{"p": many})
	ctx, stop := context.WithCancel(t.Context())
	h.broker.whenAsked = stop
	told := 0
	a := New(Options{Clusters: []*Cluster{h.Cluster}, Told: func(Report) { told++ }})
	if _, err := a.Sync(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if told != 0 {
		t.Error("it was told")
	}
	if n := len(h.broker.written()); n != batchSize {
		t.Errorf("%d writes: it did not stop between two requests", n)
	}
	if n := len(h.ledger.state.Section("p").Pending); n != 0 {
		t.Errorf("%d outcomes are not in the ledger", n)
	}
	h.broker.whenAsked = nil
	h.broker.writes = nil
	if r := h.round().Syncs[0]; r.State() != InSync || len(h.broker.written()) != 1 {
		t.Errorf("%s after %d writes more", r.State(), len(h.broker.written()))
	}
}

func TestOnlyThePlanThatWasAgreedToIsCarriedOut(t *testing.T) {
	h := kept(t, ordersOne)
	h.broker.set("Topic/orders", "a", "9")
	name := h.Name + "/" + h.Syncs[0].Name
	agreed := Agreement{name: h.Plan(t.Context(), reconcile.Scope{Full: true}).Syncs[0].Plan.Digest()}
	h.broker.set("Topic/orders", "a", "10") // somebody comes in between
	r := h.RoundAsAgreed(t.Context(), reconcile.Scope{Full: true}, agreed)
	h.wrote()
	if !errors.Is(r.Syncs[0].RunErr, ErrNotAgreed) {
		t.Errorf("%v", r.Syncs[0].RunErr)
	}
	h.broker.set("Topic/orders", "a", "9")
	h.RoundAsAgreed(t.Context(), reconcile.Scope{Full: true}, agreed)
	h.wrote("update Topic/orders")
}
