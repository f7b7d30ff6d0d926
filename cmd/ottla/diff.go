package main

import (
	"github.com/spf13/cobra"
)

func (a *app) diffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff",
		Short: "Show live against declared, whoever is to blame",
		Args:  arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(s *steering) error {
				views, err := s.Plan(cmd.Context())
				if err != nil {
					return err
				}
				if err := a.printer(a.out).Diff(views); err != nil {
					return err
				}
				return exit(planCode(views))
			})
		},
	}
}
