package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/agent"
)

func (a *app) applyCommand() *cobra.Command {
	var saved string
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Run one round: carry out what Git declares",
		Long: "Run one round: carry out what Git declares, and look whether it shows.\n\n" +
			"The running agent does it if there is one; otherwise this process takes the ledger's lock.",
		Example: "  ottla apply\n  ottla apply --plan today.plan",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(s *steering) error { return a.apply(cmd.Context(), s, saved) })
		},
	}
	cmd.Flags().StringVar(&saved, "plan", "", "a saved plan: nothing is done if a fresh one differs")
	return cmd
}

func (a *app) apply(ctx context.Context, s *steering, saved string) error {
	if saved != "" {
		return a.applySaved(ctx, s, saved)
	}
	views, err := s.Sync(ctx)
	if err != nil {
		return err
	}
	return a.applied(views)
}

// applySaved carries out a saved plan, or nothing. A fresh plan is looked at
// first, so that of several syncs none is begun; the round itself looks again.
func (a *app) applySaved(ctx context.Context, s *steering, saved string) error {
	old, err := loadPlan(saved)
	if err != nil {
		return err
	}
	views, err := s.Plan(ctx)
	if err == nil {
		err = old.unchanged(views, saved)
	}
	if err != nil {
		return err
	}
	if views, err = s.Apply(ctx, old.Digests); err != nil {
		return err
	}
	done := a.applied(views)
	if err := old.unchanged(views, saved); err != nil {
		return err
	}
	return done
}

func (a *app) applied(views []agent.View) error {
	if err := a.printer(a.out).Applied(views); err != nil {
		return err
	}
	return exit(applyCode(views))
}
