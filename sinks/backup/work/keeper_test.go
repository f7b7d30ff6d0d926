package work

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// bench is a keeper whose runs are recorded. Its clock begins at midnight UTC,
// 2000-01-01, as synctest's does.
type bench struct {
	*keeper
	t      *testing.T
	rules  sync.Mutex // guards what follows
	runs   []time.Time
	manual int
	newest time.Time
	lost   error         // what looking for the newest point says
	fails  error         // what a run says
	bad    bool          // what comes of looking at its point
	takes  time.Duration // of a run
	atOnce int
}

func newBench(t *testing.T, spec backup.Spec) *bench {
	b := &bench{t: t}
	b.keeper = newKeeper(policyRun{id: reconcile.ID{Kind: backup.KindPolicy, Name: "default/nightly"}, spec: spec}, time.Now, func() {})
	since := time.Now()
	b.keeper.newest = func(context.Context, policyRun) (time.Time, time.Time, error) {
		b.rules.Lock()
		defer b.rules.Unlock()
		return b.newest, since, b.lost
	}
	b.run = func(ctx context.Context, of policyRun, _ *keeper) (ran, error) {
		if b.atOnce++; b.atOnce > 1 {
			t.Error("two runs at once")
		}
		defer func() { b.atOnce-- }()
		began := time.Now()
		b.runs = append(b.runs, began)
		if of.manual {
			b.manual++
		}
		select {
		case <-ctx.Done():
		case <-time.After(b.takes):
		}
		b.rules.Lock()
		defer b.rules.Unlock()
		return ran{point: int64(len(b.runs)), taken: began, bad: b.bad}, b.fails
	}
	return b
}

// set changes how runs go from now on.
func (b *bench) set(do func()) {
	b.rules.Lock()
	defer b.rules.Unlock()
	do()
}

// over lets the keeper keep for a while.
func (b *bench) over(d time.Duration, meanwhile ...func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); b.keep(ctx) }()
	synctest.Wait()
	for _, do := range meanwhile {
		do()
	}
	<-time.After(d)
	synctest.Wait()
	cancel()
	<-done
}

func (b *bench) times(layout string) []string {
	var out []string
	for _, at := range b.runs {
		out = append(out, at.UTC().Format(layout))
	}
	return out
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := text(got), text(want); g != w {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}

func TestAScheduleRunsAtItsTimesInUTCOrItsZone(t *testing.T) {
	for name, one := range map[string]struct {
		schedule, zone string
		want           []string
	}{
		"five fields":      {"0 */4 * * *", "", []string{"01 04:00:00", "01 08:00:00", "01 12:00:00", "01 16:00:00", "01 20:00:00"}},
		"six with seconds": {"30 0 6 * * *", "", []string{"01 06:00:30"}},
		"seven":            {"30 0 6 * * ? *", "", []string{"01 06:00:30"}},
		"a zone":           {"0 2 * * *", "America/New_York", []string{"01 07:00:00"}},
		"descriptor":       {"@every 8h", "", []string{"01 08:00:00", "01 16:00:00"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, backup.Spec{backup.FieldSchedule: one.schedule, backup.FieldZone: one.zone})
				b.over(23 * time.Hour)
				equal(t, "runs", b.times("02 15:04:05"), one.want)
			})
		})
	}
}

func TestARunThatWasMissedIsMadeUpForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 * * * *"})
		b.newest = time.Now().Add(-10*time.Hour - 30*time.Minute)
		b.over(90 * time.Minute)
		equal(t, "runs", b.times("15:04"), []string{"00:00", "01:00"})
	})
}

func TestARestartSoonAfterARunDoesNotRunItAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 0 * * *"})
		b.newest = time.Now().Add(3 * time.Second) // it was due at midnight, and done just after it
		b.over(23 * time.Hour)
		equal(t, "runs", len(b.runs), 0)
	})
}

func TestOneRunAtATimeAndNoneInBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 * * * *"})
		b.takes = 100 * time.Minute // longer than its interval
		b.over(5 * time.Hour)
		equal(t, "runs", b.times("15:04"), []string{"01:00", "02:40", "04:20"})
	})
}

func TestASuspendedPolicyRunsOnlyWhenAPersonAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 * * * *", backup.FieldSuspend: "true"})
		b.over(5*time.Hour, func() { poke(b.keeper.manual) })
		equal(t, "runs", b.manual, 1)
		equal(t, "runs", len(b.runs), 1)
		equal(t, "state", b.snapshot().job.State, sinks.JobSuspended)
	})
}

func TestAFailedRunIsTriedAgainWithPausesUntilItIsDueAnyway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 * * * *"})
		b.fails = errors.New("the bucket is full")
		b.over(2*time.Hour + 5*time.Minute)
		equal(t, "runs", b.times("15:04"), []string{"01:00", "01:01", "01:03", "01:07", "01:15", "01:31", "02:00"})
		s := b.snapshot()
		equal(t, "state", s.job.State, sinks.JobFailing)
		equal(t, "since", s.firstFail.UTC().Format("15:04"), "01:00")
	})
}

func TestASuccessEndsTheFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 * * * *"})
		b.fails = errors.New("no")
		b.over(62*time.Minute, func() {
			time.AfterFunc(60*time.Minute+30*time.Second, func() { b.set(func() { b.fails = nil }) })
		})
		equal(t, "failed", b.snapshot().failed, nil)
		equal(t, "state", b.snapshot().job.State, sinks.JobWaiting)
	})
}

func TestNothingRunsWhileTheBucketCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 * * * *"})
		b.lost = errors.New("access denied")
		b.over(3*time.Hour, func() {
			equal(t, "state", b.snapshot().job.State, sinks.JobFailing)
		})
		equal(t, "runs", len(b.runs), 0)
	})
}

func TestARunOfAnotherAgentIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 * * * *"})
		b.fails = &repository.HeldError{Holder: "other/1", Until: time.Now().Add(90 * time.Minute)}
		b.over(150*time.Minute, func() {
			time.AfterFunc(70*time.Minute, func() { b.set(func() { b.newest = time.Now().Add(-9 * time.Minute) }) }) // it has ended
			time.AfterFunc(110*time.Minute, func() { b.set(func() { b.fails = nil }) })
		})
		equal(t, "failures", b.snapshot().failures, 0)
		equal(t, "runs after it ended", b.times("15:04")[len(b.runs)-1], "02:00")
	})
}

func TestWhoAskedForARunSeesWhatItSawAndThatAnotherWriterKeptIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 0 1 1 *"})
		b.fails = &repository.HeldError{Holder: "other/1", Until: time.Now().Add(time.Hour)}
		b.over(30*time.Second, func() { poke(b.keeper.manual) })
		if j := b.view(); j.HeldAt.IsZero() || j.State != sinks.JobWaiting {
			t.Errorf("%+v", j)
		}
		b.succeed(ran{point: 1, taken: time.Now(), left: []problem{{"gap", "orders", "offsets 5 to 9 are gone"}}})
		equal(t, "alerts", b.view().Alerts, []sinks.JobAlert{{Kind: sinks.TroubleGap, Topic: "orders", Text: "offsets 5 to 9 are gone"}})
	})
}

func TestAFiringThatAnotherAgentWasFirstAtIsNotRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 * * * *"})
		b.over(150*time.Minute, func() {
			time.AfterFunc(time.Hour-time.Nanosecond, func() { b.set(func() { b.newest = time.Now().Add(time.Millisecond) }) })
		})
		equal(t, "runs", b.times("15:04"), []string{"02:00"})
	})
}

func TestAChangedScheduleIsTakenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 0 1 1 *"})
		b.over(130*time.Minute, func() {
			b.take(policyRun{id: b.id, spec: backup.Spec{backup.FieldSchedule: "0 * * * *"}})
		})
		equal(t, "runs", b.times("15:04"), []string{"01:00", "02:00"})
	})
}

func TestJitterIsTheSameAfterARestartAndStaysWithinItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spec := backup.Spec{backup.FieldSchedule: "0 * * * *", "jitter": "10m0s"}
		a, b := newBench(t, spec), newBench(t, spec)
		due, _ := a.due(t.Context(), a.current())
		again, _ := b.due(t.Context(), b.current())
		equal(t, "after a restart", again, due)
		if m := due.UTC().Minute(); due.UTC().Hour() != 1 || m >= 10 {
			t.Errorf("due %s", due)
		}
	})
}

func TestIncidentsOfAPolicyBeginAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 * * * *"})
		s := New(Options{Cluster: "main", Now: time.Now})
		s.keepers[b.id] = b.keeper
		b.fails = errors.New("no space left")
		b.over(62 * time.Minute)
		equal(t, "failing", keys(s.Incidents()), []string{"work/main/default/nightly/failed"})
		<-time.After(2 * time.Hour)
		equal(t, "old", keys(s.Incidents()), []string{"work/main/default/nightly/failed", "work/main/default/nightly/old"})
		b.succeed(ran{point: 1, taken: time.Now(), left: []problem{{"gap", "orders", "offsets 5 to 9 are gone"}, {"hung", "pay", "stands at 7"}}})
		equal(t, "what the run saw", keys(s.Incidents()), []string{"work/main/default/nightly/gap", "work/main/default/nightly/hung"})
		b.succeed(ran{point: 2, taken: time.Now()})
		equal(t, "over", len(s.Incidents()), 0)
	})
}

func TestAPointThatIsNoGoodIsNotTheNewestGoodOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 * * * *"})
		s := New(Options{Cluster: "main", Now: time.Now})
		s.keepers[b.id] = b.keeper
		b.bad = true
		b.over(3*time.Hour + 30*time.Minute)
		equal(t, "runs", b.times("15:04"), []string{"01:00", "02:00", "03:00"})
		equal(t, "newest", b.snapshot().newest.IsZero(), true)
		equal(t, "too old", keys(s.Incidents()), []string{"work/main/default/nightly/old"})
		b.bad = false
		b.over(time.Hour)
		equal(t, "after a good one", len(s.Incidents()), 0)
	})
}

func TestARunThatDoesNotEndIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, backup.Spec{backup.FieldSchedule: "0 0 * * *"})
		s := New(Options{Cluster: "main", Now: time.Now})
		s.keepers[b.id] = b.keeper
		b.takes = 5 * time.Hour
		var late []string
		b.over(25*time.Hour, func() { time.AfterFunc(24*time.Hour+30*time.Minute, func() { late = keys(s.Incidents()) }) })
		equal(t, "late", late, []string{"work/main/default/nightly/late"})
	})
}

func keys(all []sinks.Incident) []string {
	var out []string
	for _, i := range all {
		out = append(out, i.Key)
	}
	return out
}
