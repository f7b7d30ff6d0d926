package agent_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sinks"
)

// ear is a notifier that writes down what it hears.
type ear struct {
	name     string
	threads  bool
	mu       sync.Mutex
	heard    []string
	events   []sinks.Event
	answer   func(n int) error // for the nth call
	calls    int
	blocking chan struct{}
}

func (e *ear) Name() string { return e.name }

func (e *ear) Notify(ctx context.Context, ev sinks.Event) (string, error) {
	if e.blocking != nil {
		select {
		case <-e.blocking:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls++
	if e.answer != nil {
		if err := e.answer(e.calls); err != nil {
			return "", err
		}
	}
	what := "says"
	switch {
	case !ev.Incident.Resolved.IsZero():
		what = "resolves"
	case ev.Incident.Reminder:
		what = "reminds of"
	case ev.Thread != "":
		what = "updates"
	}
	e.heard = append(e.heard, what+" "+ev.Incident.Title)
	e.events = append(e.events, ev)
	if e.threads {
		return "thread-" + ev.Incident.Key, nil
	}
	return "", nil
}

func (e *ear) said() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.heard, ", ")
}

func (e *ear) all() []sinks.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.events)
}

// pass lets time go by on the clock of a synctest bubble.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // that clock stands still until all wait

func incident(key string) sinks.Incident {
	return sinks.Incident{Key: key, Severity: sinks.Warning, Title: key}
}

// running runs alerts within a bubble; stop ends them and waits.
func running(t *testing.T, o agent.AlertsOptions) (*agent.Alerts, func()) {
	t.Helper()
	a := agent.NewAlerts(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { a.Run(ctx); close(done) }()
	return a, func() { cancel(); <-done }
}

func TestAnIncidentIsToldOnceRemindedAndResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plain, threaded := &ear{name: "plain"}, &ear{name: "threaded", threads: true}
		a, stop := running(t, agent.AlertsOptions{Notifiers: []sinks.Notifier{plain, threaded}})
		defer stop()
		for range 3 {
			a.Sync("cluster/", []sinks.Incident{incident("cluster/down")})
			pass(time.Second)
		}
		changed := incident("cluster/down")
		changed.Lines = []string{"another reason"}
		a.Sync("cluster/", []sinks.Incident{changed})
		pass(61 * time.Minute)
		a.Sync("cluster/", nil)
		synctest.Wait()
		pass(time.Minute)
		if want := "says cluster/down, reminds of cluster/down, resolves cluster/down"; plain.said() != want {
			t.Errorf("without threads: %s", plain.said())
		}
		if want := "says cluster/down, updates cluster/down, reminds of cluster/down, resolves cluster/down"; threaded.said() != want {
			t.Errorf("with threads: %s", threaded.said())
		}
		if e := threaded.all()[3]; e.Thread != "thread-cluster/down" || e.Incident.Lines[0] != "another reason" {
			t.Errorf("the end is %+v", e)
		}
		if len(a.Firing()) != 0 {
			t.Errorf("still firing: %v", a.Firing())
		}
	})
}

func TestSyncResolvesOnlyUnderItsPrefix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ear{name: "e"}
		a, stop := running(t, agent.AlertsOptions{Notifiers: []sinks.Notifier{e}})
		defer stop()
		a.Raise(incident("cluster/a/x"))
		a.Raise(incident("cluster/b/x"))
		a.Sync("cluster/a/", nil)
		synctest.Wait()
		if f := a.Firing(); len(f) != 1 || f[0].Key != "cluster/b/x" {
			t.Errorf("firing: %v", f)
		}
	})
}

func TestAnIncidentThatComesResolvedIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ear{name: "e"}
		a, stop := running(t, agent.AlertsOptions{Notifiers: []sinks.Notifier{e}})
		defer stop()
		i := incident("healed")
		i.Resolved = time.Now()
		a.Raise(i)
		pass(3 * time.Hour)
		if e.said() != "resolves healed" || len(a.Firing()) != 0 {
			t.Error(e.said(), a.Firing())
		}
	})
}

func TestWhatBecomesLouderIsToldAlsoWithoutAThread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, loud := &ear{name: "all"}, &ear{name: "loud"}
		a, stop := running(t, agent.AlertsOptions{Notifiers: []sinks.Notifier{all, agent.AtLeast(sinks.Error, loud)}})
		defer stop()
		i := incident("x")
		a.Raise(i)
		synctest.Wait()
		i.Severity = sinks.Error
		a.Raise(i)
		synctest.Wait()
		if all.said() != "says x, says x" || loud.said() != "says x" {
			t.Errorf("all: %s; loud: %s", all.said(), loud.said())
		}
	})
}

func TestFailuresAreTriedAgainWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		e := &ear{name: "e", answer: func(n int) error {
			at = append(at, time.Since(begin).Round(time.Second))
			switch {
			case n <= 3:
				return errors.New("down")
			case n == 4:
				return &sinks.RetryAfter{After: 90 * time.Second, Err: errors.New("slow down")}
			}
			return nil
		}}
		var failed, ok int
		a, stop := running(t, agent.AlertsOptions{Notifiers: []sinks.Notifier{e}, Told: func(_ string, err error) {
			if err != nil {
				failed++
			} else {
				ok++
			}
		}})
		a.Raise(incident("x"))
		pass(10 * time.Minute)
		stop()
		if e.said() != "says x" || failed != 4 || ok != 1 || at[4]-at[3] != 90*time.Second {
			t.Errorf("%s after %v, %d failed, %d ok", e.said(), at, failed, ok)
		}
	})
}

func TestANotifierThatHangsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs, well := &ear{name: "hangs", blocking: make(chan struct{})}, &ear{name: "well"}
		a, stop := running(t, agent.AlertsOptions{Notifiers: []sinks.Notifier{hangs, well}})
		begin := time.Now()
		for n := range 10 {
			a.Raise(incident(fmt.Sprint("x", n)))
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("raising took %s", took)
		}
		pass(time.Minute)
		if n := len(well.all()); n != 10 {
			t.Errorf("the other notifier heard %d", n)
		}
		begin = time.Now()
		stop()
		if took := time.Since(begin); took > 6*time.Second {
			t.Errorf("stopping took %s", took)
		}
	})
}

func TestAFloodIsOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ear{name: "e"}
		a, stop := running(t, agent.AlertsOptions{Notifiers: []sinks.Notifier{e}})
		defer stop()
		var all []sinks.Incident
		for n := range 500 {
			all = append(all, incident(fmt.Sprintf("drift/%03d", n)))
		}
		all[7].Severity = sinks.Error
		a.Sync("drift/", all)
		pass(time.Minute)
		events := e.all()
		last := events[len(events)-1].Incident
		if len(events) > 2 || last.Severity != sinks.Error || len(last.Lines) != 41 {
			t.Errorf("%d messages: %v", len(events), e.said())
		}
	})
}

func TestOpenIncidentsAndTheirThreadsSurviveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "incidents.json")
		first, down := &ear{name: "slack", threads: true}, &ear{name: "down", answer: func(int) error { return errors.New("down") }}
		a, stop := running(t, agent.AlertsOptions{File: file, Notifiers: []sinks.Notifier{first, down}})
		a.Raise(incident("x"))
		pass(time.Second)
		stop()

		second, up := &ear{name: "slack", threads: true}, &ear{name: "down"}
		a, stop = running(t, agent.AlertsOptions{File: file, Notifiers: []sinks.Notifier{second, up, &ear{name: "new"}}})
		defer stop()
		a.Sync("", []sinks.Incident{incident("x")})
		synctest.Wait()
		if second.said() != "" || up.said() != "says x" {
			t.Errorf("after the restart: %q and %q", second.said(), up.said())
		}
		a.Resolve("x", "it is over")
		synctest.Wait()
		if second.said() != "resolves x" || second.all()[0].Thread != "thread-x" || second.all()[0].Incident.Lines[0] != "it is over" {
			t.Errorf("the end: %+v", second.all())
		}
	})
}

func TestADamagedFileIsNoReasonNotToTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, text := range []string{"{", `{"version":99}`, `{"version":1,"alerts":[null,{}]}`} {
			file := filepath.Join(t.TempDir(), "incidents.json")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			e := &ear{name: "e"}
			a, stop := running(t, agent.AlertsOptions{File: file, Notifiers: []sinks.Notifier{e}})
			a.Raise(incident("x"))
			synctest.Wait()
			stop()
			if e.said() != "says x" {
				t.Errorf("%s: heard %q", text, e.said())
			}
		}
	})
}

func TestWhatComesBackBeforeItsEndWasToldGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ear{name: "e", threads: true, blocking: make(chan struct{})}
		a, stop := running(t, agent.AlertsOptions{Notifiers: []sinks.Notifier{e}})
		defer stop()
		a.Raise(incident("x"))
		a.Resolve("x")
		a.Raise(incident("x"))
		close(e.blocking)
		pass(time.Minute)
		if f := a.Firing(); len(f) != 1 || strings.Contains(e.said(), "resolves") {
			t.Errorf("firing %v, heard %s", f, e.said())
		}
	})
}

// plank is a shelf in memory.
type plank struct{ data []byte }

func (p *plank) Load() []byte        { return p.data }
func (p *plank) Save(d []byte) error { p.data = d; return nil }

func TestTheNextLeaderGoesOnWithTheIncidentsOfTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := &plank{}
		of := func(e *ear) agent.AlertsOptions {
			return agent.AlertsOptions{Notifiers: []sinks.Notifier{e}, Shelves: map[string]agent.Shelf{"main": shelf}}
		}
		drift := incident("drift")
		drift.Cluster = "main"
		first, second := &ear{name: "people", threads: true}, &ear{name: "people", threads: true}
		a, stopA := running(t, of(first))
		b, stopB := running(t, of(second))
		a.Raise(drift)
		synctest.Wait()
		if first.said() != "" || len(a.Firing()) != 0 {
			t.Errorf("a standby tells: %s", first.said())
		}
		a.Take("main")
		a.Raise(drift)
		synctest.Wait()
		a.Leave("main")
		b.Take("main")
		b.Raise(drift)
		synctest.Wait()
		b.Resolve("drift")
		synctest.Wait()
		if got := first.said(); got != "says drift" {
			t.Errorf("the first leader told %q", got)
		}
		if got := second.said(); got != "resolves drift" || second.all()[0].Thread == "" {
			t.Errorf("the second leader told %q", got)
		}
		stopA()
		stopB()
	})
}
