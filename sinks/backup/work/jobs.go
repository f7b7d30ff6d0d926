package work

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
)

// jobs is the kind Job: what is carried out once under its name.
type jobs struct{ s *Service }

// Name is Job.
func (*jobs) Name() string { return backup.KindJob }

// Rules are JobRules.
func (*jobs) Rules() reconcile.Rules { return JobRules() }

// JobRules say that a job is carried out once.
func JobRules() reconcile.Rules {
	return reconcile.Rules{OneShot: true, Field: func(string) reconcile.Rule { return reconcile.Rule{} }}
}

// Brief implements reconcile.Briefed.
func (k *jobs) Brief(all []reconcile.Brief) { k.s.brief(backup.KindJob, all) }

// Observe reads how jobs are: from memory those at work, from where their data
// is the others.
func (k *jobs) Observe(ctx context.Context, scope reconcile.Scope) ([]reconcile.Live, []reconcile.Unobserved, error) {
	live, unseen, err := k.s.all(ctx, scope.Name, k.one)
	for i := range live {
		k.s.current(&live[i])
	}
	return live, unseen, err
}

func (k *jobs) one(ctx context.Context, b brief) (reconcile.Live, bool, error) {
	if b.spec() == nil && !b.ours || b.refused && !b.ours {
		return reconcile.Live{}, false, nil
	}
	h, err := k.s.homeFor(ctx, b)
	if errors.Is(err, errNoBackup) && !b.ours {
		return reconcile.Live{}, false, nil // its Check says so in words
	}
	if err != nil {
		return reconcile.Live{}, false, err
	}
	r, found, err := recordOf(ctx, h, b.id)
	if err != nil || !found || r.State == sinks.JobCancelled {
		return reconcile.Live{}, false, err
	}
	if err := k.s.elsewhere(ctx, b, r); err != nil {
		return reconcile.Live{}, false, err
	}
	k.s.learn(b.id, r)
	var claims []reconcile.ID // of another cluster's topics nothing here is claimed
	if k.s.isOwn(r.Spec) {
		claims = slices.Concat(b.claims, r.Claims)
	}
	return reconcile.Live{ID: b.id, Claims: claims, ClaimBy: "job " + b.id.Name, Done: r.over(), Whole: true}, true, nil
}

// current puts what is known in memory over what was read some time ago.
func (s *Service) current(l *reconcile.Live) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.jobs[l.ID]; j != nil {
		l.Done = j.isOver()
		l.Claims = append(l.Claims[:len(l.Claims):len(l.Claims)], j.working()...)
	}
}

// Check refuses what the configuration does not allow, and references to
// backups that are not there or are two.
func (k *jobs) Check(ctx context.Context, changes []reconcile.Change) ([]reconcile.Verdict, error) {
	out := k.s.verdicts(changes)
	for _, c := range changes {
		b := k.s.briefOf(c.ID)
		if b.want == nil || b.refused || b.want[backup.FieldBackup] == "" {
			continue
		}
		if words := k.s.keptElsewhere(c.ID, b.want); words != "" {
			out = append(out, reconcile.Verdict{ID: c.ID, Refused: words})
			continue
		}
		patient, cancel := context.WithTimeout(ctx, lookMost)
		if _, err := k.s.homeRef(patient, c.ID, b.want, b.means); err != nil {
			out = append(out, reconcile.Verdict{ID: c.ID, Refused: err.Error()})
		}
		cancel()
	}
	return out, nil
}

// Apply records what begins, and begins it beside the rounds; a job whose
// document is gone is cancelled between two batches.
func (k *jobs) Apply(ctx context.Context, changes []reconcile.Change, report func(...reconcile.Outcome)) {
	for _, c := range ahead(changes) {
		o := reconcile.Outcome{ID: c.ID}
		err := k.apply(ctx, c)
		if err != nil {
			o.Failed = err.Error()
		} else if c.Action == reconcile.Create && !k.s.isWorking() {
			o.Note = "recorded; it is carried out by a running agent (ottla run)"
		}
		k.s.looks.forget(c.ID)
		report(o)
	}
	k.s.tend()
}

func (k *jobs) apply(ctx context.Context, c reconcile.Change) error {
	b := k.s.briefOf(c.ID)
	if c.Action == reconcile.Delete {
		return k.s.cancel(ctx, b)
	}
	h, err := k.s.homeFor(ctx, b)
	if err != nil {
		return err
	}
	if err := h.Begin(ctx); err != nil {
		return err
	}
	digest := digestOf(b.want)
	old, found, err := recordOf(ctx, h, c.ID)
	if err != nil {
		return err
	}
	if found && old.Digest == digest && old.State != sinks.JobCancelled {
		k.s.learn(c.ID, old) // a crash after it was written: it is the same job
		return nil
	}
	r := record{Job: c.ID.Name, Digest: digest, Spec: b.want, State: sinks.JobRunning, Began: k.s.o.Now(), By: k.s.o.Writer}
	if err := write(ctx, h, c.ID, r); err != nil {
		return err
	}
	k.s.forgetJob(c.ID)
	k.s.learn(c.ID, r)
	return nil
}

func (s *Service) isWorking() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.working != nil
}

// learn takes a record that was read or written.
func (s *Service) learn(id reconcile.ID, r record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs[id] == nil {
		s.jobs[id] = newJob(id, r, s.o.Now, s.touch)
	}
}

// forgetJob makes room for another job of the same name.
func (s *Service) forgetJob(id reconcile.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.jobs[id]; j != nil && j.isOver() {
		delete(s.jobs, id)
	}
}

// cancel stops a job and writes that down. What it did stays.
func (s *Service) cancel(ctx context.Context, b brief) error {
	s.mu.Lock()
	j := s.jobs[b.id]
	s.mu.Unlock()
	if j != nil {
		j.hold(errCancelled)
		defer j.release()
		if err := j.wait(ctx); err != nil {
			return err
		}
	}
	h, err := s.homeFor(ctx, b)
	if err != nil {
		return err
	}
	r, found, err := recordOf(ctx, h, b.id)
	if err != nil || !found || r.over() {
		return err
	}
	words, err := s.abandon(ctx, b.id, r, b.means)
	if err != nil {
		return err
	}
	r.State, r.Ended, r.Text = sinks.JobCancelled, s.o.Now(), append([]string{"its document left Git; what it did stays"}, words...)
	if err := write(ctx, h, b.id, r); err != nil {
		return err
	}
	if j != nil {
		j.set(r)
	}
	return nil
}

// Steer pauses, resumes or cancels a job, or a policy that runs.
func (s *Service) Steer(ctx context.Context, id string, do sinks.JobAction) (sinks.Job, error) {
	at := reconcile.ID{Kind: backup.KindJob, Name: id}
	s.mu.Lock()
	j, b, k := s.jobs[at], s.briefs[at], s.keepers[policyID(id)]
	s.mu.Unlock()
	if j == nil && k != nil {
		err := s.steerPolicy(ctx, k, do)
		out := k.view()
		out.ID, out.Cluster = id, s.o.Cluster
		return out, err
	}
	if j == nil {
		return sinks.Job{}, fmt.Errorf("%s is not at work here: there is nothing to %s", id, do)
	}
	if err := s.steer(ctx, j, b, do); err != nil {
		return sinks.Job{}, err
	}
	s.tend()
	out := j.view()
	out.ID, out.Cluster = id, s.o.Cluster
	return out, nil
}

func (s *Service) steer(ctx context.Context, j *job, b brief, do sinks.JobAction) error {
	if j.isOver() {
		return fmt.Errorf("it is %s: there is nothing to %s", j.view().State, do)
	}
	switch do {
	case sinks.PauseJob:
		return s.end(ctx, j, b, sinks.JobPaused, errPaused)
	case sinks.ResumeJob:
		return s.mark(ctx, j, b, sinks.JobRunning)
	case sinks.CancelJob:
		return s.end(ctx, j, b, sinks.JobCancelled, errCancelled)
	}
	return fmt.Errorf("%q is none of pause, resume, cancel", do)
}

// end stops the run, and lets none begin before it is written down why.
func (s *Service) end(ctx context.Context, j *job, b brief, state sinks.JobState, why error) error {
	j.hold(why)
	defer j.release()
	if err := j.wait(ctx); err != nil {
		return err
	}
	if j.isOver() {
		return fmt.Errorf("it is %s by now", j.view().State)
	}
	return s.mark(ctx, j, b, state)
}

// mark writes down what a person decided, so that a restart knows.
func (s *Service) mark(ctx context.Context, j *job, b brief, state sinks.JobState) error {
	h, err := s.homeFor(ctx, b)
	if err != nil {
		return err
	}
	r := j.recordNow()
	r.State, r.Text = state, []string{"by hand"}
	if state == sinks.JobCancelled {
		words, err := s.abandon(ctx, b.id, r, b.means)
		if err != nil {
			return err
		}
		r.Ended, r.Text = s.o.Now(), append(r.Text, words...)
	}
	if err := write(ctx, h, b.id, r); err != nil {
		return err
	}
	j.set(r)
	return nil
}
