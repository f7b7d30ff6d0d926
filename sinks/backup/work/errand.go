package work

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
)

const (
	// errandMost is how long one attempt to tell somebody may take.
	errandMost = 30 * time.Second
	// errandPause is the longest pause between two attempts; they begin a second apart.
	errandPause = 5 * time.Minute
	// newsFor is how old a result may be that is still told: after a restart nobody
	// is told what everybody knows.
	newsFor = 24 * time.Hour
)

// told is written down once somebody was told of a result, under the number of
// its evidence, so that a restart, or another agent, does not tell it again.
type told struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// resultOf ends the key of a result that is told: no trouble, whatever it says.
const resultOf sinks.Trouble = "result"

// toldSeries is where that stands, for each whom a validation tells.
func toldSeries(id reconcile.ID, who string) string {
	namespace, name := nameOf(id)
	return "told/" + namespace + "." + name + "." + who
}

// errand is a result on its way to those whom its document names. It is at work
// beside everything else: whether anybody is reached is no matter of the backup.
type errand struct {
	number int64 // of the evidence
	stop   context.CancelCauseFunc

	mu     sync.Mutex
	failed map[string]error // by whom it does not reach
	since  time.Time
}

// recipients makes those whom a document has told, by name, out of what it says
// and brings now: a secret that Git has put right counts for what is on its way.
func (s *Service) recipients(of policyRun) (map[string]sinks.Notifier, error) {
	all := map[string]sinks.Notifier{}
	if of.spec[backup.FieldSlack] != "" && s.o.Slack != nil {
		n, err := s.o.Slack(s.allowed(of.means.secret(backup.MeansSlack)))
		if err != nil {
			return nil, err
		}
		all["slack"] = n
	}
	severity, key := of.spec[backup.FieldPagerDuty], of.means.secret(backup.MeansPagerDuty)
	if severity != "" && key != nil && s.o.PagerDuty != nil {
		n, err := s.o.PagerDuty(s.pagerDuty(), severity, key)
		if err != nil {
			return nil, err
		}
		all["pagerduty"] = n
	}
	return all, nil
}

// send has a result told to whom its document names, unless that is under way.
// The result before it is not told any more.
func (s *Service) send(of policyRun, h *home, f found) {
	all, err := s.recipients(of)
	if err != nil || len(all) == 0 || s.o.Now().Sub(f.Ended) > newsFor {
		return // what can be made of these options was made before
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.errands[of.id]
	if s.working == nil || s.working.Err() != nil || old != nil && old.number >= f.number {
		return
	}
	if old != nil {
		old.stop(errors.New("there is a newer result"))
	}
	e := &errand{number: f.number, failed: map[string]error{}}
	s.errands[of.id] = e
	e.stop = s.begin(func(ctx context.Context) {
		var all sync.WaitGroup
		for _, who := range []string{"slack", "pagerduty"} {
			all.Go(func() { s.bring(ctx, of, h, f, who, e) })
		}
		all.Wait()
	})
}

// bring tells one of them, trying again with growing pauses until that was done,
// nobody wants it any more, or a newer result takes its place.
func (s *Service) bring(ctx context.Context, of policyRun, h *home, f found, who string, e *errand) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = time.Second, errandPause
	for ctx.Err() == nil {
		err := s.bringOnce(ctx, s.now(of), h, f, who)
		if ctx.Err() != nil {
			return
		}
		e.came(who, err, s.o.Now())
		s.touch()
		if err == nil {
			return
		}
		wait := pause.NextBackOff()
		var later *sinks.RetryAfter
		if errors.As(err, &later) && later.After > 0 {
			wait = later.After
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// now is a run with what its document says and brings by now.
func (s *Service) now(of policyRun) policyRun {
	b := s.briefOf(of.id)
	if b.declared {
		of.means = b.means
	}
	if of.id.Kind == backup.KindPolicy && b.last != nil {
		of.spec = b.last
	}
	return of
}

// bringOnce tells one of them, unless it knows, and writes that down.
func (s *Service) bringOnce(ctx context.Context, of policyRun, h *home, f found, who string) error {
	all, err := s.recipients(of)
	if err != nil || all[who] == nil {
		return err
	}
	series := h.Series(toldSeries(of.id, who), "told")
	numbers, _, err := series.Numbers(ctx)
	if err != nil {
		return fmt.Errorf("see whether it was told: %w", err)
	}
	if slices.Contains(numbers, f.number) {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, errandMost)
	defer cancel()
	if _, err := all[who].Notify(bounded, sinks.Event{Incident: s.resultOf(of.id, f, who)}); err != nil {
		return err
	}
	// Where that cannot be written down a restart tells it twice, which is better
	// than not at all.
	_ = series.Put(ctx, f.number, told{By: s.o.Writer, At: s.o.Now()})
	return nil
}

// resultOf is a result as those are told whom a document names. A pass ends what
// a service for incidents keeps open; for people it is a message of its own.
func (s *Service) resultOf(id reconcile.ID, f found, who string) sinks.Incident {
	var lines []string
	for _, c := range f.Checks {
		mark := "passed"
		if !c.Passed {
			mark = "FAILED"
		}
		lines = append(lines, fmt.Sprintf("%s  %s: %s", mark, c.Name, c.Text))
		for _, found := range c.Found {
			lines = append(lines, "        "+found)
		}
	}
	title, severity := fmt.Sprintf("%s failed for point %d of backup %s/%s", name(id), f.Point, f.Backup.Namespace, f.Backup.Name), sinks.Error
	if f.Passed {
		title, severity = fmt.Sprintf("%s passed for point %d of backup %s/%s", name(id), f.Point, f.Backup.Namespace, f.Backup.Name), sinks.Info
	}
	lines = append(lines, f.Proves, "evidence: "+f.name+" in the backup repository")
	i := s.incident(id.Name, resultOf, severity, f.Ended, title, lines...)
	if f.Passed && who == "pagerduty" {
		i.Resolved = f.Ended
	}
	return i
}

// came takes note of whether somebody was reached.
func (e *errand) came(who string, err error, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil {
		delete(e.failed, who)
		return
	}
	e.failed[who] = err
	if e.since.IsZero() {
		e.since = now
	}
}

// ofErrand says whom a result does not reach. The caller holds the lock.
func (s *Service) ofErrand(id reconcile.ID) []sinks.Incident {
	e := s.errands[id]
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.failed) == 0 {
		return nil
	}
	var lines []string
	for _, who := range slices.Sorted(maps.Keys(e.failed)) {
		lines = append(lines, who+": "+e.failed[who].Error())
	}
	return []sinks.Incident{s.incident(id.Name, sinks.TroubleUntold, sinks.Warning, e.since, name(id)+": its result does not reach whom it is to be told",
		append(lines, "it is tried again; the result stands: ottla backup evidence")...)}
}

// tendErrands ends what no document wants to be told any more, and tells of jobs
// that ended: the one that a restart found too. The caller holds the lock.
func (s *Service) tendErrands() {
	for id, e := range s.errands {
		if b, ok := s.briefs[id]; !ok || !b.declared {
			e.stop(errors.New("its document is gone"))
			delete(s.errands, id)
		}
	}
	for id, j := range s.jobs {
		b, ok := s.briefs[id]
		if !ok || !b.declared || j.isTold() {
			continue
		}
		of := policyRun{id: id, spec: j.recordNow().Spec, means: b.means}
		s.begin(func(ctx context.Context) { s.news(ctx, of) })
	}
}

// isTold tells a job that nobody need be told of, or that somebody takes care
// of from now on.
func (j *job) isTold() bool {
	does := doesOf(j.id)
	j.mu.Lock()
	defer j.mu.Unlock()
	is := j.sent || !j.record.over() || does != backup.DoesValidation && does != backup.DoesDrill
	if !is {
		j.sent = true
	}
	return is
}

// news finds what a job found, and sends it.
func (s *Service) news(ctx context.Context, of policyRun) {
	for failures := 1; ctx.Err() == nil; failures++ {
		h, err := s.homeFor(ctx, of.brief())
		if err == nil {
			var f found
			if f, err = s.newestFound(ctx, h, of); err == nil {
				if f.number > 0 {
					s.send(of, h, f)
				}
				return
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pauseAfter(failures)):
		}
	}
}
