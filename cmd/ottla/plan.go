package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/agent"
)

func (a *app) planCommand() *cobra.Command {
	var out string
	var ad adhoc
	cmd := &cobra.Command{
		Use:   "plan [DIR]",
		Short: "Show what a round would do, and why",
		Long: "Show what a round would do now, and why, without doing it.\n\n" +
			"Without DIR the configured repositories are planned, by the running agent if there is one.\n" +
			"With DIR that directory is planned on a live cluster, without a ledger: what would be removed is not known.",
		Example: "  ottla plan\n  ottla plan --out today.plan; ottla apply --plan today.plan\n" +
			"  ottla plan overlays/dev --bootstrap localhost:9092",
		Args: arguments(0, 1, "DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.planDirectory(cmd.Context(), args[0], ad)
			}
			return a.with(cmd.Context(), func(s *steering) error { return a.plan(cmd.Context(), s, out) })
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "save the plan to this file, for apply --plan")
	ad.flags(cmd)
	return cmd
}

func (a *app) plan(ctx context.Context, s *steering, out string) error {
	views, err := s.Plan(ctx)
	if err != nil {
		return err
	}
	if out != "" {
		if err := savePlan(out, views); err != nil {
			return err
		}
	}
	return a.planned(views)
}

func (a *app) planned(views []agent.View) error {
	if err := a.printer(a.out).Plan(views); err != nil {
		return err
	}
	return exit(planCode(views))
}
