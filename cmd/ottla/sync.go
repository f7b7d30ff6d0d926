package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/sources"
)

func (a *app) syncCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sync",
		Short: "Ask the running agent for a round at once, and wait for it",
		Args:  arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(s *steering) error {
				if !s.daemon {
					return &sources.HintError{Err: fmt.Errorf("no agent runs with the configuration %s", a.config), Hint: "run one round without it: ottla apply"}
				}
				views, err := s.Sync(cmd.Context())
				if err != nil {
					return err
				}
				return a.applied(views)
			})
		},
	}
}
