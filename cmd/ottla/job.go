package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sources"
)

func (a *app) jobCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "job",
		Short: "See and steer what goes on beside the rounds: backups, restores, drills",
		Long: "See and steer what goes on beside the rounds: backups, restores, drills.\n\n" +
			"A job is waiting (for its time, or another run), running, paused (by hand, until it is resumed), failing (it is\n" +
			"tried again with growing pauses), suspended (its document says so), done, failed (it is not tried again) or cancelled.",
		Args: cobra.ArbitraryArgs,
		RunE: unknownCommand,
	}
	cmd.AddCommand(
		a.jobListCommand(),
		a.jobSteerCommand(sinks.PauseJob, "Stop a job between two steps, or a schedule, until it is resumed",
			"It stays paused when the agent starts again. While a restore is paused its topics keep everything: retention and\n"+
				"cleanup stay lifted, and nobody else changes them."),
		a.jobSteerCommand(sinks.ResumeJob, "Let a paused job go on where it stopped, or a schedule run again", "It doubles nothing."),
		a.jobSteerCommand(sinks.CancelJob, "End a job, or the run of a schedule that is under way; what it has done stays",
			"Records that a restore has written stay, and its topics get their configuration back. Its document does not start\n"+
				"it again, and its name cannot be used again: to restore once more, declare it under another name."),
	)
	return cmd
}

func (a *app) jobListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the jobs of the running agent",
		Example: "  ottla job list\n  ottla job list -o json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDaemon(cmd.Context(), func(s *steering) error {
				jobs, err := s.Jobs(cmd.Context())
				if err != nil {
					return err
				}
				return a.printer(a.out).Jobs(append([]sinks.Job{}, jobs...), time.Now())
			})
		},
	}
}

func (a *app) jobSteerCommand(do sinks.JobAction, short, long string) *cobra.Command {
	return &cobra.Command{
		Use:     string(do) + " JOB",
		Short:   short,
		Long:    short + ". " + long,
		Example: fmt.Sprintf("  ottla job %s restore/default/orders-of-tuesday", do),
		Args:    arguments(1, 1, "job (ottla job list shows them)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDaemon(cmd.Context(), func(s *steering) error {
				job, err := s.SteerJob(cmd.Context(), args[0], do)
				if err != nil {
					return err
				}
				return a.printer(a.out).Jobs([]sinks.Job{job}, time.Now())
			})
		},
	}
}

// withDaemon lets a function ask the running agent: jobs live nowhere else.
func (a *app) withDaemon(ctx context.Context, do func(*steering) error) error {
	return a.with(ctx, func(s *steering) error {
		if !s.daemon {
			return &sources.HintError{Err: fmt.Errorf("no agent runs with the configuration %s", a.config), Hint: "jobs live in a running agent; without one, ottla backup now and ottla restore work by themselves"}
		}
		return do(s)
	})
}
