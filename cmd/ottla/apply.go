package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sources"
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
		if err := unchanged(ctx, s, saved); err != nil {
			return err
		}
	}
	views, err := s.Sync(ctx)
	if err != nil {
		return err
	}
	return a.applied(views)
}

func (a *app) applied(views []agent.View) error {
	if err := a.printer(a.out).Applied(views); err != nil {
		return err
	}
	return exit(applyCode(views))
}

// unchanged makes sure that a fresh plan is the saved one.
func unchanged(ctx context.Context, s *steering, saved string) error {
	old, err := loadPlan(saved)
	if err != nil {
		return err
	}
	views, err := s.Plan(ctx)
	if err != nil {
		return err
	}
	if name := old.differs(views); name != "" {
		return &exitError{exitPartial, &sources.HintError{
			Err:  fmt.Errorf("nothing was done: the plan of %s is no longer the one in %s", name, saved),
			Hint: "look at it again: ottla plan --out " + saved,
		}}
	}
	return nil
}
