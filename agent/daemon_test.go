package agent

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

// daemon is an agent at work, and when it told of which round.
type daemon struct {
	*house
	agent *Agent
	mu    sync.Mutex
	told  []Report
	stop  func()
}

// work runs an agent until the test's bubble ends.
func (h *house) work() *daemon {
	ctx, cancel := context.WithCancel(h.t.Context())
	d := &daemon{house: h}
	d.agent = New(Options{Clusters: []*Cluster{h.Cluster}, Stood: h.stood, Told: func(r Report) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.told = append(d.told, r)
	}})
	done := make(chan struct{})
	go func() { defer close(done); d.agent.Run(ctx) }()
	d.stop = func() { cancel(); <-done }
	h.t.Cleanup(d.stop)
	synctest.Wait()
	return d
}

// rounds tells how many were told since it was last asked.
func (d *daemon) rounds() int {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.told)
	d.told = nil
	return n
}

// pokable makes the house's feed one that is asked only when poked.
func (h *house) pokable() (poke func()) {
	wake := make(chan struct{}, 1)
	f := h.Syncs[0].Feed
	f.Wake, f.Poke = wake, func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	return f.Poke
}

func TestRoundsComeAtTheIntervalAndOnceAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(ordersOne)})
		d := h.work()
		if n := d.rounds(); n != 1 {
			t.Errorf("%d rounds at the start", n)
		}
		pass(10*time.Minute + time.Second)
		if n := d.rounds(); n != 20 {
			t.Errorf("%d rounds in ten minutes", n)
		}
	})
}

func TestManyPokesAreOneRoundAndOneDuringARoundIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(ordersOne)})
		d := h.work()
		d.rounds()
		for range 100 {
			d.agent.Poke()
		}
		if n := d.rounds(); n < 1 || n > 2 { // the first poke may begin a round that the others come into
			t.Errorf("%d rounds for many pokes", n)
		}
		h.broker.fault(func() { h.broker.late = 2 * time.Second })
		h.repo.push("r2", paths{"p": all(declare("Topic/orders", "a", "2"))})
		pass(1500 * time.Millisecond) // the feed sees it, and a round settles
		d.agent.Poke()
		d.agent.Poke()
		pass(5 * time.Second)
		if n := d.rounds(); n != 2 {
			t.Errorf("%d rounds, want the one and the one that was asked for meanwhile", n)
		}
	})
}

func TestAHangingSourceNeverDelaysARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(ordersOne)})
		d := h.work()
		d.rounds()
		h.repo.fault(func() { h.repo.instead = hang })
		pass(time.Second)
		h.broker.set("Topic/orders", "a", "9")
		pass(30 * time.Second)
		if d.rounds() != 1 || h.broker.get("Topic/orders", "a") != "1" {
			t.Error("not healed")
		}
	})
}

func hang(ctx context.Context) (sources.Snapshot, error) {
	<-ctx.Done()
	return sources.Snapshot{}, ctx.Err()
}

func TestASourceThatHangsFromTheStartIsSaidAndWhatWasGoodIsHealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := kept(t, ordersOne)
		h.start("p")
		answer := make(chan struct{})
		h.repo.instead = func(ctx context.Context) (sources.Snapshot, error) {
			select {
			case <-answer:
				return h.repo.answer()
			case <-ctx.Done():
				return sources.Snapshot{}, ctx.Err()
			}
		}
		h.broker.set("Topic/orders", "a", "9")
		d := h.work()
		pass(firstAnswer)
		synctest.Wait()
		if h.broker.get("Topic/orders", "a") != "1" {
			t.Fatal("not healed")
		}
		if err := d.told[0].Syncs[0].SourceErr; err == nil || !strings.Contains(err.Error(), "it has not answered yet, for 10s") {
			t.Errorf("said %v", err)
		}
		d.rounds()
		h.repo.push("r2", paths{"p": all(declare("Topic/orders", "a", "2"))})
		close(answer)
		if d.rounds() != 1 || h.broker.get("Topic/orders", "a") != "2" {
			t.Error("its first answer woke nobody")
		}
	})
}

func TestACommitIsAppliedWhenTheFeedSeesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(ordersOne)})
		poke := h.pokable()
		d := h.work()
		d.rounds()
		h.repo.push("r2", paths{"p": all(declare("Topic/orders", "a", "2"))})
		poke()
		if d.rounds() != 1 || h.broker.get("Topic/orders", "a") != "2" {
			t.Error("a wake is lost")
		}
	})
}

func TestAWakeDuringAFetchIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(ordersOne)})
		poke := h.pokable()
		d := h.work()
		d.rounds()
		calls := 0
		late := func(context.Context) (sources.Snapshot, error) {
			s, err := h.repo.answer()
			if calls++; calls == 1 {
				h.repo.push("r2", paths{"p": all(declare("Topic/orders", "a", "2"))})
				poke() // the commit comes after the fetch looked
				pass(10 * time.Millisecond)
			}
			return s, err
		}
		h.repo.fault(func() { h.repo.instead = late })
		poke()
		pass(20 * time.Millisecond)
		if d.rounds() != 1 || h.broker.get("Topic/orders", "a") != "2" {
			t.Errorf("asked %d times", calls)
		}
	})
}

func TestSyncThroughTheDaemonAsksTheRepositoryAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(ordersOne)})
		d := h.work()
		h.repo.push("r2", paths{"p": all(declare("Topic/orders", "a", "2"))})
		began := time.Now()
		views, err := d.agent.Sync(t.Context())
		if err != nil || views[0].Syncs[0].Revision != "r2" || time.Since(began) > 100*time.Millisecond {
			t.Errorf("%v, %+v after %s", err, views, time.Since(began))
		}
	})
}

func TestSyncSaysThatTheRepositoryHangsAndHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(ordersOne)})
		d := h.work()
		h.repo.fault(func() { h.repo.instead = hang })
		pass(2 * time.Second)
		h.broker.set("Topic/orders", "a", "9")
		views, err := d.agent.Sync(t.Context())
		if err != nil || len(views[0].Syncs[0].Problems) != 1 || h.broker.get("Topic/orders", "a") != "1" {
			t.Errorf("%v, %+v", err, views[0].Syncs[0].Problems)
		}
	})
}

func TestWhatAPlanSeesFirstIsAppliedAtOnceToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(ordersOne)})
		d := h.work()
		d.rounds()
		h.repo.push("r2", paths{"p": all(declare("Topic/orders", "a", "2"))})
		if _, err := d.agent.Plan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d.rounds() != 1 || h.broker.get("Topic/orders", "a") != "2" || h.accepted("p") != "r2" {
			t.Error("the plan kept what it saw to itself")
		}
	})
}

func TestASourceErrorIsOverWhenTheSourceIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(ordersOne)})
		d := h.work()
		h.repo.fault(func() { h.repo.err = errors.New("no route to host") })
		pass(time.Second)
		synctest.Wait()
		if last := d.told[len(d.told)-1]; !strings.Contains(titles(incidentTitles(last)), "main/p/source") {
			t.Errorf("told %q", incidentTitles(last))
		}
		h.repo.fault(func() { h.repo.err = nil })
		pass(time.Second)
		synctest.Wait()
		if last := d.told[len(d.told)-1]; len(last.Incidents()) != 0 || last.Syncs[0].State() != InSync {
			t.Errorf("told %q", incidentTitles(last))
		}
	})
}

func TestAFailedChangeIsTriedAgainSoonerAndAtMostAtTheInterval(t *testing.T) {
	for range 50 {
		p := newPause(30 * time.Second)
		failed := Report{Syncs: []SyncReport{{Outcomes: []reconcile.Outcome{{Failed: "no"}}}}}
		if first := p.after(failed); first > 2*time.Second {
			t.Fatalf("first %s", first)
		}
		for range 20 {
			if next := p.after(failed); next > 30*time.Second {
				t.Fatalf("%s", next)
			}
		}
	}
}

func TestAnUnreachableClusterIsAskedEverMoreRarelyUpToFiveMinutes(t *testing.T) {
	for range 50 {
		p := newPause(30 * time.Second)
		down := Report{Err: errors.New("down")}
		var last time.Duration
		for range 20 {
			if last = p.after(down); last > lastRetry {
				t.Fatalf("%s", last)
			}
		}
		if last < 2*time.Minute {
			t.Errorf("after twenty tries %s", last)
		}
		if p.after(Report{}) != 30*time.Second || p.after(down) > 2*time.Second {
			t.Error("a good round does not begin anew")
		}
	}
}

func TestNoIntervalIsNoBusyLoop(t *testing.T) {
	if d := newPause(0).after(Report{}); d != usualInterval {
		t.Errorf("%s", d)
	}
}

func TestTheAgentEndsWithItsContextAlsoWhileASourceHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.instead = hang
		d := h.work()
		d.stop()
		if d.rounds() != 0 {
			t.Error("a round that was stopped was told")
		}
	})
}
