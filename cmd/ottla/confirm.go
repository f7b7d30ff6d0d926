package main

import (
	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/reconcile"
)

func (a *app) confirmCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "confirm DIGEST...",
		Short: "Let held changes go",
		Long: "Let held changes go. The plan lists them with their digests.\n\n" +
			"A confirmation is for exactly what the digest stands for, is used up by its first outcome,\n" +
			"and lapses after a day. The running agent carries it out at once; otherwise the next round does.",
		Args: arguments(1, -1, "the digest of a held change (ottla plan lists them)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(s *steering) error {
				digests := make([]reconcile.Digest, len(args))
				for i, arg := range args {
					digests[i] = reconcile.Digest(arg)
				}
				holds, err := s.Confirm(cmd.Context(), digests)
				if err != nil {
					return err
				}
				return a.printer(a.out).Confirmed(holds, s.daemon)
			})
		},
	}
}
