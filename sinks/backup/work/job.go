package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
)

// Why a job stops before it is done. A job whose service ends has no reason: it
// goes on at the next start.
var (
	errPaused    = errors.New("paused")
	errCancelled = errors.New("cancelled")
)

// job is one job while this process knows of it.
type job struct {
	id   reconcile.ID
	now  func() time.Time
	told func()

	mu       sync.Mutex
	record   record
	shown    sinks.Job // progress
	pace     pace
	failures int   // since it last got on
	reached  int64 // how far it was when it last failed
	why      string
	failedAt time.Time
	stopped  context.CancelCauseFunc // of the run, nil where none is
	holding  bool                    // a person decides: nothing begins until that is written down
	ended    chan struct{}           // closed when the run has ended
	sent     bool                    // what it found is told, or being told, to whom its document names
}

// result is what a job did.
type result struct {
	point  int64
	text   []string
	left   []problem // what people should know, though it is done
	report any
	failed bool // it was carried out, and what it was to prove is not so
}

func newJob(id reconcile.ID, r record, now func() time.Time, told func()) *job {
	return &job{id: id, now: now, told: told, record: r}
}

func (j *job) isOver() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.record.over()
}

func (j *job) recordNow() record {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.record
}

func (j *job) set(r record) {
	j.mu.Lock()
	j.record = r
	j.mu.Unlock()
	j.told()
}

// working is what it was found to work on, beside what its document claims.
func (j *job) working() []reconcile.ID {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.record.over() {
		return nil
	}
	return j.record.Claims
}

// progress is for whoever watches. A job that is further than when it failed is
// not failing any more.
func (j *job) progress(do func(*sinks.Job)) {
	j.mu.Lock()
	do(&j.shown)
	j.pace.see(j.now(), j.shown.Done)
	recovered := j.failures > 0 && j.shown.Done > j.reached
	if recovered {
		j.failures = 0
	}
	j.mu.Unlock()
	if recovered {
		j.told()
	}
}

// view is the job as people see it, without its id.
func (j *job) view() sinks.Job {
	j.mu.Lock()
	defer j.mu.Unlock()
	v := j.shown
	v.State, v.Began, v.Ended = j.record.State, j.record.Began, j.record.Ended
	if j.record.Point != 0 {
		v.Point = j.record.Point
	}
	if j.failures > 0 && !j.record.over() && v.State == sinks.JobRunning {
		v.State, v.Text = sinks.JobFailing, j.why
	}
	j.pace.show(j.now(), &v)
	if v.Text == "" {
		v.Text = sentence(j.record.Text)
	}
	return v
}

// sentence is what a job has to say in one line: what it did comes first, and
// what it left alone must not be lost.
func sentence(lines []string) string {
	const few = 10
	if more := len(lines) - few; more > 0 {
		lines = append(lines[:few:few], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "; ")
}

// hold ends the run, if there is one, for a reason, and lets none begin before
// release.
func (j *job) hold(why error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.holding = true
	if j.stopped != nil {
		j.stopped(why)
	}
}

// release lets the job go on as its record says.
func (j *job) release() {
	j.mu.Lock()
	j.holding = false
	j.mu.Unlock()
	j.told()
}

// wait waits until no run goes on.
func (j *job) wait(ctx context.Context) error {
	j.mu.Lock()
	ended := j.ended
	j.mu.Unlock()
	if ended == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait until it stops: %w", context.Cause(ctx))
	case <-ended:
		return nil
	}
}

// tendJobs begins jobs whose records say that they are to run: new ones, and
// those that a restart interrupted. The caller holds the lock.
func (s *Service) tendJobs() {
	for id, j := range s.jobs {
		b, ok := s.briefs[id]
		if !ok || !b.declared || !b.ours && b.want == nil || b.skip != "" {
			continue
		}
		j.mu.Lock()
		idle := j.stopped == nil && !j.holding && j.record.State == sinks.JobRunning
		if idle {
			ended := make(chan struct{})
			j.ended = ended
			spec := backup.Spec(j.record.Spec)
			with := b.means
			j.stopped = s.begin(func(ctx context.Context) {
				defer close(ended)
				s.work(ctx, j, policyRun{id: id, spec: spec, means: with})
			})
		}
		j.mu.Unlock()
	}
}

// work runs a job until it is done, trying again with growing pauses.
func (s *Service) work(ctx context.Context, j *job, of policyRun) {
	defer func() {
		j.mu.Lock()
		j.stopped = nil
		j.mu.Unlock()
		s.touch()
		if s.o.Poke != nil {
			s.o.Poke() // others may have waited for what it claimed
		}
	}()
	for ctx.Err() == nil {
		out, err := s.carryOut(ctx, j, of)
		if err == nil && s.finish(ctx, j, of, out) {
			return
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			j.failed(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pauseAfter(j.failuresNow())):
		}
	}
}

func (j *job) failed(err error) {
	j.mu.Lock()
	j.failures++
	j.failedAt = j.now()
	j.why, j.reached = err.Error(), max(j.reached, j.shown.Done)
	j.shown.Text, j.pace = "", pace{}
	j.mu.Unlock()
	j.told()
}

func (j *job) failuresNow() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return max(j.failures, 1)
}

// finish writes down that a job is done. Where that cannot be written it is not
// done yet: the work is repeated, which finds nothing left to do.
func (s *Service) finish(ctx context.Context, j *job, of policyRun, out result) bool {
	r := j.recordNow()
	if r.over() {
		return true // somebody cancelled it meanwhile
	}
	r.State, r.Ended, r.Text, r.Point, r.Left = sinks.JobDone, s.o.Now(), out.text, out.point, out.left
	if out.failed {
		r.State = sinks.JobFailed
	}
	report, err := json.Marshal(out.report)
	if err == nil {
		r.Report = report
		err = s.writeRecord(ctx, j.id, of, r)
	}
	if err != nil {
		j.failed(err)
		return false
	}
	j.mu.Lock()
	j.failures, j.shown.Text = 0, ""
	j.mu.Unlock()
	j.set(r)
	return true
}

func (s *Service) writeRecord(ctx context.Context, id reconcile.ID, of policyRun, r record) error {
	h, err := s.homeFor(ctx, brief{id: id, want: of.spec, means: of.means})
	if err != nil {
		return err
	}
	return write(ctx, h, id, r)
}

// carryOut does what a job is there for.
func (s *Service) carryOut(ctx context.Context, j *job, of policyRun) (result, error) {
	if err := s.place(ctx, j, of); err != nil {
		return result{}, err
	}
	switch doesOf(of.id) {
	case backup.DoesBackup:
		return s.backupOnce(ctx, j, of)
	case backup.DoesRestore:
		return s.restoreOnce(ctx, j, of)
	case backup.DoesReset:
		return s.resetOnce(ctx, j, of)
	case backup.DoesRollback:
		return s.rollbackOnce(ctx, j, of)
	case backup.DoesValidation, backup.DoesDrill:
		return s.validateOnce(ctx, of)
	}
	return result{}, fmt.Errorf("%s: nothing here does that", of.id)
}
