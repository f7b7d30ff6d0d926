package agent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

type paths = map[string][]reconcile.Resource

var ordersOne = declare("Topic/orders", "a", "1")

func TestARejectedRevisionKeepsTheLastGoodOneHealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(ordersOne)})
		h.round()
		h.repo.push("bad", nil)
		h.broker.set("Topic/orders", "a", "9")
		r := h.round().Syncs[0]
		if r.RejectErr == nil || r.State() != Rejected || r.Revision() != "r1" || r.Newest.Revision != "bad" {
			t.Errorf("%v, %s, keeps %q", r.RejectErr, r.State(), r.Revision())
		}
		if h.broker.get("Topic/orders", "a") != "1" || h.accepted("p") != "r1" {
			t.Errorf("not healed, or %q is accepted", h.accepted("p"))
		}
		h.repo.push("r3", paths{"p": all(ordersOne)})
		if r := h.round().Syncs[0]; r.State() != InSync || h.accepted("p") != "r3" {
			t.Errorf("%s, accepted %q", r.State(), h.accepted("p"))
		}
	})
}

func TestARejectedRevisionIsReadAgainWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", nil)
		for range 120 {
			h.round()
			pass(30 * time.Second)
		}
		if h.repo.reads < 10 || h.repo.reads > 40 {
			t.Errorf("read %d times in an hour", h.repo.reads)
		}
		h.repo.push("r1", paths{"p": all(ordersOne)}) // the key it lacked is there
		pass(rereadMost * 2)
		if r := h.round().Syncs[0]; r.RejectErr != nil || r.State() != InSync {
			t.Errorf("still %v", r.RejectErr)
		}
	})
}

func TestAfterARestartTheLastGoodRevisionIsHealed(t *testing.T) {
	down := errors.New("down")
	for name, fail := range map[string]func(*house){
		"the newest is rejected":             func(h *house) { h.repo.push("bad", nil) },
		"the source is down":                 func(h *house) { h.repo.err = down },
		"it was rejected and now it is down": func(h *house) { h.repo.push("bad", nil); h.round(); h.repo.err = down },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, "p")
			h.repo.push("r1", paths{"p": all(ordersOne)})
			h.round()
			fail(h)
			h.start("p")
			h.broker.set("Topic/orders", "a", "9")
			r := h.round().Syncs[0]
			if r.Revision() != "r1" || len(r.Errors()) == 0 || h.broker.get("Topic/orders", "a") != "1" {
				t.Errorf("keeps %q, %v", r.Revision(), r.Errors())
			}
		})
	}
}

func TestWhatAPlanTookIsAcceptedByTheRoundThatCarriesItOut(t *testing.T) {
	h := newHouse(t, "p")
	h.repo.push("r1", paths{"p": all(ordersOne)})
	h.round()
	h.repo.push("r2", paths{"p": all(declare("Topic/orders", "a", "2"))})
	h.Plan(t.Context(), reconcile.Scope{Full: true})
	if h.accepted("p") != "r1" {
		t.Error("a plan wrote the ledger")
	}
	h.round()
	if h.accepted("p") != "r2" {
		t.Errorf("%q is applied, the ledger knows %q", "r2", h.accepted("p"))
	}
	h.round()
	if n := len(h.ledger.entries); h.ledger.entries[n-1].Accepted != "" {
		t.Error("accepted again in every round")
	}
}

func TestARewrittenHistoryIsRefusedUnlessAllowed(t *testing.T) {
	h := newHouse(t, "p")
	h.repo.push("r1", paths{"p": all(ordersOne)})
	h.round()
	h.repo.push("fork", paths{"p": all(declare("Topic/orders", "a", "2"))})
	h.repo.forks["fork"] = true
	if r := h.round().Syncs[0]; r.RejectErr == nil || h.broker.get("Topic/orders", "a") != "1" {
		t.Error("it rolled us back")
	}
	h.start("p")
	if r := h.round().Syncs[0]; r.RejectErr == nil || r.Revision() != "r1" {
		t.Error("a restart forgot it")
	}
	h.Syncs[0].AllowRewrite, h.Syncs[0].rejected = true, verdict{}
	if r := h.round().Syncs[0]; r.RejectErr != nil || h.accepted("p") != "fork" {
		t.Errorf("%v, accepted %q", r.RejectErr, h.accepted("p"))
	}
}

func TestASourceThatCannotTellRejectsNothing(t *testing.T) {
	h := newHouse(t, "p")
	h.repo.push("r1", paths{"p": all(ordersOne)})
	h.round()
	h.repo.push("r2", paths{"p": all(declare("Topic/orders", "a", "2"))})
	h.repo.lost = errors.New("the remote hung up")
	if r := h.round().Syncs[0]; r.RejectErr != nil || r.SourceErr == nil || r.State() != Failing {
		t.Errorf("rejected %v, source %v", r.RejectErr, r.SourceErr)
	}
	h.repo.lost = nil
	if r := h.round().Syncs[0]; r.Revision() != "r2" || h.broker.get("Topic/orders", "a") != "2" {
		t.Errorf("keeps %q", r.Revision())
	}
}

func TestAContextThatEndsWhileReadingRejectsNothing(t *testing.T) {
	h := newHouse(t, "p")
	h.repo.push("r1", nil)
	ctx, stop := context.WithCancel(t.Context())
	read := h.Syncs[0].Read
	h.Syncs[0].Read = func(c context.Context, s sources.Snapshot) (reconcile.Declarations, error) { stop(); return read(c, s) }
	if r := h.Round(ctx, reconcile.Scope{Full: true}); !errors.Is(r.Err, context.Canceled) || r.Syncs[0].RejectErr != nil {
		t.Errorf("%v, rejected %v", r.Err, r.Syncs[0].RejectErr)
	}
	h.repo.push("r1", paths{"p": all(ordersOne)})
	if r := h.round().Syncs[0]; r.State() != InSync {
		t.Errorf("%s: %v", r.State(), r.Errors())
	}
}

func TestARevisionOfAnotherRepositoryIsNoBase(t *testing.T) {
	h := newHouse(t, "p")
	h.repo.push("r1", paths{"p": all(ordersOne)})
	h.round()
	h.start("p")
	h.Syncs[0].Binding.Repository = "other"
	h.repo.push("x1", paths{"p": all(ordersOne)})
	h.repo.forks["x1"] = true // it descends from nothing of the first repository
	r := h.round().Syncs[0]
	if r.RejectErr != nil || len(r.Holds) != 1 {
		t.Fatalf("%v, holds %v", r.RejectErr, r.Holds)
	}
	if h.accepted("p") != "r1" {
		t.Errorf("before anybody confirmed, %q took the place of r1", h.accepted("p"))
	}
	a := New(Options{Clusters: []*Cluster{h.Cluster}})
	if _, err := a.Confirm(t.Context(), []reconcile.Digest{r.Holds[0].Digest}); err != nil {
		t.Fatal(err)
	}
	h.round()
	bound := h.ledger.state.Section("p").Binding.Repository
	h.start("p") // between the binding and the next round
	h.Syncs[0].Binding.Repository = "other"
	h.repo.push("x2", paths{"p": all(ordersOne)})
	h.repo.forks["x2"] = true
	if r := h.round().Syncs[0]; r.RejectErr != nil || bound != "other" || h.accepted("p") != "x2" {
		t.Errorf("bound to %s, %v, accepted %q", bound, r.RejectErr, h.accepted("p"))
	}
}

func TestASyncWithoutAGoodRevisionStopsAllDeletionsOnItsCluster(t *testing.T) {
	h := newHouse(t, "p", "q")
	h.repo.push("r1", paths{"p": all(ordersOne, declare("Topic/gone", "a", "1"))})
	h.round()
	h.repo.push("r2", paths{"p": all(ordersOne)}) // q was never good
	h.round()
	h.wrote("create Topic/gone", "create Topic/orders")
	if r := h.round(); r.Syncs[1].State() != NoGood || r.Syncs[0].State() != Pending {
		t.Errorf("%s and %s", r.Syncs[0].State(), r.Syncs[1].State())
	}
	h.repo.push("r3", paths{"p": all(ordersOne), "q": {}})
	h.round()
	h.wrote("delete Topic/gone")
}

func TestWhatMovesBetweenSyncsInOneCommitIsNeverDeleted(t *testing.T) {
	for _, move := range [][2]string{{"p", "q"}, {"q", "p"}} {
		h := newHouse(t, "p", "q")
		h.repo.push("r1", paths{move[0]: all(ordersOne), move[1]: {}})
		h.round()
		h.repo.push("r2", paths{move[0]: {}, move[1]: all(ordersOne)})
		h.round()
		h.wrote("create Topic/orders")
		if owner := h.ledger.state.Owner(thing("Topic/orders")); owner != move[1] {
			t.Errorf("%v: owned by %q", move, owner)
		}
	}
}

func TestSyncsOfOneRepositorySeeOneRevisionARound(t *testing.T) {
	h := newHouse(t, "p", "q")
	h.repo.push("r1", paths{"p": {}, "q": all(ordersOne)})
	h.round()
	h.wrote("create Topic/orders")
	push := func() { h.repo.push("r2", paths{"p": all(ordersOne), "q": {}}) }
	fetch := h.repo.fetch
	h.Syncs[0].Feed.Newest = func(ctx context.Context) (sources.Snapshot, error) {
		s, err := fetch(ctx)
		push() // a commit while the round looks
		return s, err
	}
	h.round()
	h.wrote()
	h.round()
	h.wrote()
	if owner := h.ledger.state.Owner(thing("Topic/orders")); owner != "p" {
		t.Errorf("owned by %q", owner)
	}
}

func TestALedgerThatCannotBeWrittenIsNoRejection(t *testing.T) {
	h := newHouse(t, "p")
	h.repo.push("r1", paths{"p": all(ordersOne)})
	h.ledger.fails = errors.New("disk full")
	r := h.Round(t.Context(), reconcile.Scope{Full: true})
	if r.Err == nil || !strings.Contains(r.Err.Error(), "disk full") || r.Syncs[0].RejectErr != nil {
		t.Errorf("%v, rejected %v", r.Err, r.Syncs[0].RejectErr)
	}
	h.wrote()
	h.ledger.fails = nil
	h.round()
	h.wrote("create Topic/orders")
}
