package work

import (
	"context"
	"errors"
	"hash/fnv"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

const (
	firstRetry = time.Minute
	lastRetry  = 30 * time.Minute
	// heldRetry is the pause where another agent runs the same policy.
	heldRetry = time.Minute
)

// keeper runs one policy at its times, one run at a time, and knows how it is.
type keeper struct {
	id  reconcile.ID
	now func() time.Time
	// newest is when the newest good run was taken, and zero with no error before
	// the first; since is when the policy began.
	newest func(context.Context, policyRun) (newest, since time.Time, err error)
	run    func(context.Context, policyRun, *keeper) (ran, error)
	follow func(context.Context, policyRun, *keeper) error
	order  func(context.Context, policyRun) (order, error)
	told   func()

	wake    chan struct{}
	manual  chan struct{}
	stopped context.CancelCauseFunc

	mu    sync.Mutex
	of    policyRun
	state keeping
	going *underWay // nil where no run is
}

// policyRun is what is run: a policy as it was applied.
type policyRun struct {
	id     reconcile.ID
	spec   backup.Spec
	means  means
	manual bool
}

// ran is what came of a run.
type ran struct {
	point int64
	taken time.Time
	text  string
	bad   bool      // the point was looked at, and is no good
	left  []problem // what people should know beside a run that succeeded
}

// keeping is how a policy is.
type keeping struct {
	job       sinks.Job
	pace      pace
	newest    time.Time // of good points
	last      time.Time // of runs that succeeded, whatever became of the point
	since     time.Time
	known     bool // whether newest was found out
	failed    error
	failures  int
	failedAt  time.Time
	firstFail time.Time
	left      []problem
	paused    bool // by hand
	pausedAt  time.Time
}

func newKeeper(of policyRun, now func() time.Time, told func()) *keeper {
	k := &keeper{id: of.id, now: now, told: told, of: of, wake: make(chan struct{}, 1), manual: make(chan struct{}, 1)}
	k.state.job = sinks.Job{State: sinks.JobWaiting}
	return k
}

// take changes what is run from the next run on.
func (k *keeper) take(of policyRun) {
	k.mu.Lock()
	same := mapsEqual(k.of.spec, of.spec) && k.of.means.same(of.means)
	moved := k.of.spec[backup.FieldStorage] != of.spec[backup.FieldStorage]
	k.of = of
	if moved {
		k.state.known = false
	}
	k.mu.Unlock()
	if !same {
		poke(k.wake)
	}
}

func (k *keeper) current() policyRun {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.of
}

func (k *keeper) update(do func(*keeping)) {
	k.mu.Lock()
	do(&k.state)
	k.mu.Unlock()
	k.told()
}

// progress shows how far a run is.
func (k *keeper) progress(do func(*sinks.Job)) {
	k.update(func(s *keeping) {
		do(&s.job)
		s.pace.see(k.now(), s.job.Done)
	})
}

// view is the policy as people see it, without its id.
func (k *keeper) view() sinks.Job {
	s := k.snapshot()
	s.pace.show(k.now(), &s.job)
	return s.job
}

func (k *keeper) snapshot() keeping {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state
}

// keep runs until the context ends.
func (k *keeper) keep(ctx context.Context) {
	for ctx.Err() == nil {
		of := k.current()
		if of.spec.Is("continuous") && !of.spec.Is(backup.FieldSuspend) {
			k.keepFollowing(ctx, of)
			continue
		}
		due, ok := k.due(ctx, of)
		if !ok {
			continue
		}
		select {
		case <-ctx.Done():
		case <-k.wake:
		case <-k.manual:
			if of.manual = true; !k.rests() {
				k.once(ctx, of)
			}
		case <-time.After(due.Sub(k.now())):
			if k.stillDue(ctx, of) && !k.rests() {
				k.once(ctx, of)
			}
		}
	}
}

// stillDue looks once more before a run: where another agent keeps the same
// policy, its point may be the one that is due. Where that cannot be found out,
// the run says why.
func (k *keeper) stillDue(ctx context.Context, of policyRun) bool {
	newest, _, err := k.newest(ctx, of)
	if err != nil || !newest.After(k.snapshot().newest) {
		return true
	}
	k.update(func(s *keeping) {
		s.newest = newest
		s.failed, s.failures, s.firstFail = nil, 0, time.Time{}
	})
	at, ok := k.due(ctx, of)
	return ok && !at.After(k.now())
}

// never is when a suspended policy runs.
const never = 1000 * time.Hour

// due is when the next run begins, worked out from when the newest good one was
// taken: one that was missed is due at once, and once. It is false where that
// could not be found out; what was waited for then has passed.
func (k *keeper) due(ctx context.Context, of policyRun) (time.Time, bool) {
	if of.spec.Is(backup.FieldSuspend) {
		k.update(func(s *keeping) { s.job.State, s.job.Next, s.job.Text = sinks.JobSuspended, time.Time{}, "" })
		return k.now().Add(never), true
	}
	schedule, err := backup.ParseSchedule(of.spec[backup.FieldSchedule], of.spec[backup.FieldZone])
	if err != nil {
		k.fail(err)
		return k.now().Add(lastRetry), true
	}
	if !k.recall(ctx, of) {
		return time.Time{}, false
	}
	if k.rests() {
		return k.now().Add(never), true
	}
	s := k.snapshot()
	from := s.newest
	if from.IsZero() {
		from = s.since
	}
	if s.last.After(from) {
		from = s.last // a point that is no good is told, not made again at once
	}
	at := jittered(schedule.Next(from), of)
	if s.failures > 0 {
		retry := s.failedAt.Add(pauseAfter(s.failures))
		if next := jittered(schedule.Next(s.failedAt), of); next.Before(retry) {
			retry = next
		}
		if at.Before(retry) {
			at = retry
		}
	}
	k.update(func(s *keeping) {
		s.job.Next = at
		if s.failures == 0 {
			s.job.State = sinks.JobWaiting
		}
	})
	return at, true
}

// recall finds out when the newest good run was taken. While that cannot be
// found out nothing runs: the bucket that cannot be read could not be written.
func (k *keeper) recall(ctx context.Context, of policyRun) bool {
	if k.snapshot().known {
		return true
	}
	newest, since, err := k.newest(ctx, of)
	var o order
	if err == nil && k.order != nil {
		o, err = k.order(ctx, of)
	}
	if err == nil {
		k.update(func(s *keeping) {
			s.newest, s.since, s.known = newest, since, true
			if k.order != nil {
				s.paused, s.pausedAt = o.Paused, o.At
			}
			if s.failures > 0 && s.failed != nil {
				s.failures, s.failed = 0, nil
			}
		})
		return true
	}
	if ctx.Err() != nil {
		return false
	}
	k.fail(err)
	select {
	case <-ctx.Done():
	case <-k.wake:
	case <-k.manual:
	case <-time.After(pauseAfter(k.snapshot().failures)):
	}
	return false
}

// once is one run from its beginning to its end.
func (k *keeper) once(ctx context.Context, of policyRun) {
	began := k.now()
	k.update(func(s *keeping) {
		s.pace, s.job.Alerts, s.job.HeldAt = pace{}, nil, time.Time{}
		s.job.State, s.job.Began, s.job.Ended, s.job.Done, s.job.Total, s.job.Text = sinks.JobRunning, began, time.Time{}, 0, 0, ""
	})
	run, ended := k.begin(ctx)
	defer ended()
	out, err := k.run(run, of, k)
	var held *repository.HeldError
	switch {
	case err == nil:
		k.succeed(out)
	case k.ordered(run):
	case ctx.Err() != nil:
		k.update(func(s *keeping) { s.job.State, s.job.Text = sinks.JobWaiting, "stopped" })
	case errors.As(err, &held):
		k.stepAside(ctx, held)
	default:
		k.fail(err)
	}
}

func (k *keeper) succeed(out ran) {
	k.update(func(s *keeping) {
		s.job.State, s.job.Ended, s.job.Point, s.job.Text = sinks.JobWaiting, k.now(), out.point, out.text
		s.job.Next, s.job.Alerts = time.Time{}, alertsOf(out.left)
		s.last, s.left = out.taken, out.left
		if !out.bad {
			s.newest = out.taken
		}
		s.failed, s.failures, s.firstFail = nil, 0, time.Time{}
	})
}

func alertsOf(left []problem) (all []sinks.JobAlert) {
	for _, p := range left {
		all = append(all, sinks.JobAlert{Kind: p.Kind, Topic: p.Topic, Text: p.Words})
	}
	return all
}

func (k *keeper) fail(err error) {
	k.update(func(s *keeping) {
		s.failures++
		s.failed, s.failedAt = err, k.now()
		if s.firstFail.IsZero() {
			s.firstFail = s.failedAt
		}
		s.job.State, s.job.Ended, s.job.Text = sinks.JobFailing, s.failedAt, err.Error()
	})
}

// stepAside waits for another agent that runs the same policy, and then looks
// what it left.
func (k *keeper) stepAside(ctx context.Context, held *repository.HeldError) {
	k.update(func(s *keeping) {
		s.known = false
		s.job.State, s.job.Text, s.job.HeldAt = sinks.JobWaiting, held.Error(), k.now()
	})
	select {
	case <-ctx.Done():
	case <-k.wake:
	case <-time.After(heldRetry):
	}
}

// keepFollowing runs a continuous policy until it changes or fails.
func (k *keeper) keepFollowing(ctx context.Context, of policyRun) {
	if !k.recall(ctx, of) {
		return
	}
	if k.rests() {
		select {
		case <-ctx.Done():
		case <-k.wake:
		}
		return
	}
	k.update(func(s *keeping) { s.job.State, s.job.Began, s.job.Text = sinks.JobRunning, k.now(), "follows" })
	run, ended := k.begin(ctx)
	defer ended()
	following, stop := context.WithCancel(run)
	done := make(chan error, 1)
	go func() { done <- k.follow(following, of, k) }()
	var err error
	select {
	case err = <-done:
	case <-k.wake:
		stop()
		<-done //nolint:errcheck // it was told to end
	}
	stop()
	var held *repository.HeldError
	switch {
	case err == nil || ctx.Err() != nil || k.ordered(run):
	case errors.As(err, &held):
		k.stepAside(ctx, held)
	default:
		k.fail(err)
		select {
		case <-ctx.Done():
		case <-k.wake:
		case <-time.After(pauseAfter(k.snapshot().failures)):
		}
	}
}

// pauseAfter grows with the failures in a row.
func pauseAfter(failures int) time.Duration {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier, b.RandomizationFactor = firstRetry, lastRetry, 2, 0
	b.Reset()
	pause := b.NextBackOff()
	for range min(failures-1, 16) {
		pause = b.NextBackOff()
	}
	return pause
}

// jittered spreads policies that are due at one moment: each by its own share
// of the time it allows, the same one after a restart.
func jittered(at time.Time, of policyRun) time.Time {
	most := of.spec.Duration("jitter")
	if most <= 0 || at.IsZero() {
		return at
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(of.id.String() + at.UTC().Format(time.RFC3339)))
	return at.Add(time.Duration(h.Sum64() % uint64(most))) //nolint:gosec // a remainder of an int64 is one
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
