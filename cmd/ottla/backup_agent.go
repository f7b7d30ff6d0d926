package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ottla-io/ottla/agent/control"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sources"
)

// backupByAgent has the running agent make a point of a backup that it keeps,
// and waits for it. It is false where no agent keeps that backup.
func (a *app) backupByAgent(cmd *cobra.Command, name string) (bool, error) {
	ctx := cmd.Context()
	config, err := a.loadConfig()
	if err != nil {
		return false, nil //nolint:nilerr // it is said again where the configuration is needed
	}
	daemon, err := control.Dial(ctx, config.Socket)
	if errors.Is(err, control.ErrNoDaemon) {
		return false, nil
	}
	if err != nil {
		return false, &sources.HintError{Err: err, Hint: "run this command as the agent's own user"}
	}
	jobs, err := daemon.Jobs(ctx)
	if err != nil || !slices.ContainsFunc(jobs, func(j sinks.Job) bool { return keeps(j, name) }) {
		return false, err
	}
	if err := onlyDeclared(cmd); err != nil {
		return true, err
	}
	asked := time.Now()
	job, err := daemon.BackupNow(ctx, name)
	if err != nil {
		return true, err
	}
	job, err = a.follow(ctx, daemon, job.ID, asked)
	if err != nil {
		return true, err
	}
	if err := a.printer(a.out).Jobs([]sinks.Job{job}, time.Now()); err != nil {
		return true, err
	}
	return true, exit(codeOfRun(job))
}

// codeOfRun is what a run that an agent made ends the command with.
func codeOfRun(job sinks.Job) int {
	switch {
	case job.State == sinks.JobFailing || job.State == sinks.JobFailed:
		return exitFailed
	case len(job.Alerts) > 0:
		return exitPartial
	default:
		return exitDone
	}
}

// overSince tells whether a run that was asked for is over. One that another
// writer kept from beginning is not made later: whoever asked is told.
func overSince(job sinks.Job, asked time.Time) (bool, error) {
	switch {
	case job.State == sinks.JobRunning:
		return false, nil
	case job.HeldAt.After(asked):
		return false, &exitError{exitLocked, fmt.Errorf("%s made no point: %s; ask again once it is done", job.ID, job.Text)}
	case job.State == sinks.JobPaused:
		return false, fmt.Errorf("%s was paused meanwhile: ottla job resume %s", job.ID, job.ID)
	}
	return job.Ended.After(asked), nil
}

// keeps tells whether a job is the schedule of a backup: backup/NAMESPACE/NAME.
func keeps(j sinks.Job, name string) bool {
	id, is := strings.CutPrefix(j.ID, "backup/")
	return is && (id == name || strings.HasSuffix(id, "/"+name))
}

// onlyDeclared refuses what a document says already.
func onlyDeclared(cmd *cobra.Command) error {
	var given []string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "backup" && cmd.InheritedFlags().Lookup(f.Name) == nil {
			given = append(given, "--"+f.Name)
		}
	})
	if len(given) == 0 {
		return nil
	}
	return &usageError{
		fmt.Errorf("a running agent keeps this backup as its document says: %s would have no effect", strings.Join(given, ", ")),
		"leave it out, or name --store and another --backup to make a point of one's own",
	}
}

// follow waits until a run that was asked for is over.
func (a *app) follow(ctx context.Context, daemon *control.Client, id string, asked time.Time) (sinks.Job, error) {
	m := a.meter(id, false)
	defer m.end()
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		jobs, err := daemon.Jobs(ctx)
		if err != nil {
			return sinks.Job{}, err
		}
		i := slices.IndexFunc(jobs, func(j sinks.Job) bool { return j.ID == id })
		if i < 0 {
			return sinks.Job{}, fmt.Errorf("%s is no longer there: its document has left Git", id)
		}
		job := jobs[i]
		m.at(job.Done, job.Total)
		if over, err := overSince(job, asked); over || err != nil {
			return job, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return job, fmt.Errorf("%s goes on in the agent; ottla job list shows it: %w", id, ctx.Err())
		}
	}
}
