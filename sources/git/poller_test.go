package git_test

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/ottla-io/ottla/sources"
	"github.com/ottla-io/ottla/sources/git"
)

// scripted is a source whose answers and calls a test decides and counts.
type scripted struct {
	calls []time.Time
	err   error
	slow  time.Duration
}

func (s *scripted) Fetch(ctx context.Context) (sources.Snapshot, error) {
	s.calls = append(s.calls, time.Now())
	if s.slow > 0 {
		select {
		case <-time.After(s.slow):
		case <-ctx.Done():
			return sources.Snapshot{}, ctx.Err()
		}
	}
	return sources.Snapshot{Revision: "r", Tree: fstest.MapFS{}}, s.err
}

func (s *scripted) Descends(context.Context, string, string) (bool, error) { return true, nil }

// visit calls Newest every second for a while, as a busy agent would.
func visit(t *testing.T, p *git.Poller, d time.Duration) {
	t.Helper()
	for range d / time.Second {
		_, _ = p.Newest(t.Context())
		pass(time.Second) // of the bubble's clock
	}
}

func TestPollerAsksAtItsIntervalWithJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		p := git.NewPoller(s, git.PollOptions{Interval: time.Minute})
		visit(t, p, time.Hour)
		if n := len(s.calls); n < 54 || n > 67 {
			t.Fatalf("%d fetches in an hour", n)
		}
		distinct := map[time.Duration]bool{}
		for i := 1; i < len(s.calls); i++ {
			gap := s.calls[i].Sub(s.calls[i-1])
			distinct[gap] = true
			if gap < 54*time.Second || gap > 68*time.Second {
				t.Fatalf("a gap of %s", gap)
			}
		}
		if len(distinct) < 3 {
			t.Fatalf("no jitter: %v", distinct)
		}
	})
}

func TestPollerPausesLongerAfterErrorsAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{err: errors.New("down")}
		p := git.NewPoller(s, git.PollOptions{Interval: time.Minute, MaxPause: 5 * time.Minute})
		visit(t, p, time.Hour)
		gaps := make([]time.Duration, 0, len(s.calls))
		for i := 1; i < len(s.calls); i++ {
			gaps = append(gaps, s.calls[i].Sub(s.calls[i-1]))
		}
		if gaps[0] > 7*time.Second || gaps[len(gaps)-1] < 4*time.Minute || gaps[len(gaps)-1] > 6*time.Minute {
			t.Fatalf("pauses %v", gaps)
		}
		if _, err := p.Newest(t.Context()); err == nil || p.Status().FailingSince != s.calls[0] {
			t.Fatalf("%v, failing since %v", err, p.Status().FailingSince)
		}
		s.err = nil
		pass(6 * time.Minute)
		if _, err := p.Newest(t.Context()); err != nil || p.Err() != nil || !p.Status().FailingSince.IsZero() {
			t.Fatalf("not recovered: %v", err)
		}
	})
}

func TestPollerNeverShowsAnOlderSnapshotForAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		p := git.NewPoller(s, git.PollOptions{Interval: time.Minute})
		visit(t, p, 2*time.Second)
		s.err = errors.New("down")
		pass(2 * time.Minute)
		for range 3 {
			if got, err := p.Newest(t.Context()); !errors.Is(err, s.err) || got.Revision != "" {
				t.Fatalf("%q, %v", got.Revision, err)
			}
		}
		if last, ok := p.Last(); !ok || last.Revision != "r" {
			t.Fatal("the last good snapshot is lost")
		}
	})
}

func TestPokesFetchAtOnceAndNeverMoreThanOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		p := git.NewPoller(s, git.PollOptions{Interval: time.Hour})
		visit(t, p, 10*time.Second)
		began := time.Now()
		for range 1000 {
			p.Poke()
			if _, err := p.Newest(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(s.calls) > 20 {
				break
			}
		}
		if s.calls[1] != began {
			t.Fatalf("the first poke waited %s", s.calls[1].Sub(began))
		}
		for i := 2; i < len(s.calls); i++ {
			if gap := s.calls[i].Sub(s.calls[i-1]); gap < time.Second {
				t.Fatalf("a gap of %s", gap)
			}
		}
		select {
		case <-p.Wake():
		default:
			t.Fatal("nobody was woken")
		}
	})
}

func TestManyPokesAreOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		p := git.NewPoller(s, git.PollOptions{Interval: time.Hour})
		visit(t, p, 5*time.Second)
		for range 100 {
			p.Poke()
		}
		visit(t, p, 5*time.Second)
		if len(s.calls) != 2 {
			t.Fatalf("%d fetches", len(s.calls))
		}
	})
}

func TestPokeDuringAFetchFetchesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{slow: 10 * time.Second}
		p := git.NewPoller(s, git.PollOptions{Interval: time.Hour})
		go func() { _, _ = p.Newest(t.Context()) }()
		pass(5 * time.Second)
		p.Poke()
		_, _ = p.Newest(t.Context())
		if len(s.calls) != 2 {
			t.Fatalf("%d fetches", len(s.calls))
		}
	})
}

func TestRetryAfterIsHonouredByPokesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{err: &sources.RetryAfterError{After: 20 * time.Minute, Err: errors.New("429")}}
		p := git.NewPoller(s, git.PollOptions{Interval: time.Minute})
		began := time.Now()
		for range 25 {
			p.Poke()
			visit(t, p, time.Minute)
			s.err = nil
		}
		if wait := s.calls[1].Sub(began); wait < 20*time.Minute || wait > 21*time.Minute {
			t.Fatalf("asked again after %s", wait)
		}
	})
}

func TestCallerThatGivesUpIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{slow: time.Minute}
		p := git.NewPoller(s, git.PollOptions{Interval: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := p.Newest(ctx); !errors.Is(err, context.Canceled) || p.Err() != nil {
			t.Fatalf("%v, recorded %v", err, p.Err())
		}
		if _, err := p.Newest(t.Context()); err != nil || len(s.calls) != 2 {
			t.Fatalf("%v after %d fetches", err, len(s.calls))
		}
	})
}

// pass lets time go by on the bubble's clock, which stands still until all wait.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // no real time passes
