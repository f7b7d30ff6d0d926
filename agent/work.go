package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sources"
)

// Work is what takes longer than a round and goes on beside the rounds:
// schedules and jobs of one cluster. It is safe for concurrent use.
type Work interface {
	// Run works until the context ends; what is not done by then goes on at the
	// next start. It may be called again after it has returned.
	Run(context.Context)
	Jobs() []sinks.Job
	// Steer pauses, resumes or cancels a job; ErrNoSuchJob if there is none.
	Steer(ctx context.Context, id string, do sinks.JobAction) (sinks.Job, error)
	// BackupNow has a declared backup run at once, also where it is suspended.
	BackupNow(ctx context.Context, id string) (sinks.Job, error)
}

// ErrNoSuchJob says that no job has that name.
var ErrNoSuchJob = errors.New("there is no such job")

// Jobs lists what goes on beside the rounds of all clusters that this agent
// leads, sorted.
func (a *Agent) Jobs(ctx context.Context) ([]sinks.Job, error) {
	if _, err := a.claimed(ctx); err != nil {
		return nil, err
	}
	var all []sinks.Job
	for _, c := range a.Clusters {
		if c.Work != nil {
			all = append(all, c.Work.Jobs()...)
		}
	}
	slices.SortStableFunc(all, func(a, b sinks.Job) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// SteerJob pauses, resumes or cancels a job.
func (a *Agent) SteerJob(ctx context.Context, id string, do sinks.JobAction) (sinks.Job, error) {
	if _, err := a.claimed(ctx); err != nil {
		return sinks.Job{}, err
	}
	work, job, err := a.job(id)
	if err != nil {
		return sinks.Job{}, err
	}
	return work.Steer(ctx, job, do)
}

// BackupNow has a declared backup run at once; the job it returns can be
// followed with Jobs. name is as its document's, with or without namespace.
func (a *Agent) BackupNow(ctx context.Context, name string) (sinks.Job, error) {
	if _, err := a.claimed(ctx); err != nil {
		return sinks.Job{}, err
	}
	work, job, err := a.job(name)
	if err != nil {
		return sinks.Job{}, err
	}
	return work.BackupNow(ctx, job)
}

// job finds a job by its id, or by the end of one that only one has.
func (a *Agent) job(name string) (Work, string, error) {
	var works []Work
	var found, all []string
	for _, c := range a.Clusters {
		if c.Work == nil || c.deposed() {
			continue // its jobs are where it is led
		}
		for _, j := range c.Work.Jobs() {
			all = append(all, j.ID)
			if j.ID == name {
				return c.Work, j.ID, nil
			}
			if strings.HasSuffix(j.ID, "/"+name) {
				works, found = append(works, c.Work), append(found, j.ID)
			}
		}
	}
	switch len(found) {
	case 1:
		return works[0], found[0], nil
	case 0:
		return nil, "", &sources.HintError{Err: fmt.Errorf("%s: %w", name, ErrNoSuchJob), Hint: known(all)}
	default:
		return nil, "", &sources.HintError{Err: fmt.Errorf("%s is the name of %d jobs", name, len(found)), Hint: "name one of " + strings.Join(found, ", ")}
	}
}

func known(all []string) string {
	if len(all) == 0 {
		return "none is declared: write a KafkaBackup"
	}
	slices.Sort(all)
	return "there are " + strings.Join(all, ", ")
}
