package agent

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

func TestALateChangeIsWaitedForAndIsNeitherDriftNorAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.broker.late = 5 * time.Second
		h.repo.push("r1", paths{"p": all(ordersOne)})
		if r := h.round().Syncs[0]; r.State() != InSync || r.Took < h.broker.late {
			t.Errorf("%s after %s: %v", r.State(), r.Took, r.Errors())
		}
		h.repo.push("r2", paths{"p": {}})
		if r := h.round().Syncs[0]; r.State() != InSync || r.Took < h.broker.late {
			t.Errorf("a deletion is not waited for: %s after %s", r.State(), r.Took)
		}
		h.round()
		h.wrote("create Topic/orders", "delete Topic/orders")
	})
}

func TestWhatNeverShowsIsAnErrorInWordsAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := kept(t, ordersOne)
		h.broker.never["a"] = true
		h.repo.push("r2", paths{"p": all(declare("Topic/orders", "a", "2"))})
		report := h.round()
		r := report.Syncs[0]
		if r.Took < h.Settle || r.Took > h.Settle+settleMost {
			t.Errorf("it took %s", r.Took)
		}
		if got := titles(incidentTitles(report)); r.State() != Failing || !strings.Contains(got, "Topic/orders a is 1, not 2") {
			t.Errorf("%s, %q", r.State(), got)
		}
	})
}

func TestDriftThatDoesNotShowAsHealedIsNotToldAsHealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := kept(t, ordersOne)
		h.broker.never["a"] = true
		h.broker.set("Topic/orders", "a", "9")
		if r := h.round(); len(r.Healed()) > 0 || len(r.Syncs[0].Leftover) != 1 {
			t.Errorf("%q", healedLinesOf(r))
		}
	})
}

func TestAHeldFieldIsNotLeftOverFromTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := kept(t, declare("Topic/orders", "a", "1", "b", "1"))
		h.Syncs[0].Guards = []reconcile.Guard{func(p reconcile.Plan) reconcile.Plan {
			for _, c := range p.Changes {
				for i := range c.Fields {
					if c.Fields[i].Name == "b" {
						c.Fields[i].Fate.Held = "held by this test"
					}
				}
			}
			return p
		}}
		h.repo.push("r2", paths{"p": all(declare("Topic/orders", "a", "2", "b", "2"))})
		r := h.round().Syncs[0]
		if len(r.Leftover) > 0 || r.Took > time.Second || r.State() != Partial || r.openChanges() != 1 {
			t.Errorf("%s after %s: %v, %d open", r.State(), r.Took, r.Errors(), r.openChanges())
		}
	})
}

func TestOneThingThatCannotBeSeenAgainDoesNotHideTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(ordersOne, declare("Topic/two", "a", "1"))})
		h.broker.whenAsked = func() {
			h.broker.fault(func() { h.broker.unseen[thing("Topic/two")] = "not authorized" })
		}
		r := h.round().Syncs[0]
		if len(r.Leftover) != 0 || len(r.Unseen) != 1 || r.Unseen[0].ID != thing("Topic/two") {
			t.Errorf("left %v, unseen %v", r.Leftover, r.Unseen)
		}
		if r.State() != Failing || !strings.Contains(r.leftover().Error(), "Topic/two could not be looked at again: not authorized") {
			t.Errorf("%s: %v", r.State(), r.leftover())
		}
	})
}

func TestABlindMomentWhileSettlingIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(ordersOne)})
		h.broker.whenAsked = func() {
			h.broker.fault(func() { h.broker.blind["Topic"] = errors.New("leader moved") })
			time.AfterFunc(3*time.Second, func() { h.broker.fault(func() { delete(h.broker.blind, "Topic") }) })
		}
		if r := h.round().Syncs[0]; r.State() != InSync {
			t.Errorf("%s: %v", r.State(), r.Errors())
		}
	})
}
