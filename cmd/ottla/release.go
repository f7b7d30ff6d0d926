package main

import (
	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/reconcile"
)

func (a *app) releaseCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "release KIND/NAME",
		Short:   "Give a resource up without touching it",
		Long:    "Give a resource up without touching it: the ledger no longer owns it, so it is not deleted when it leaves Git.\nA document that still declares it adopts it again.",
		Example: "  ottla release Topic/orders",
		Args:    arguments(1, 1, "KIND/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := reconcile.ParseID(args[0])
			if err != nil {
				return &usageError{err, "ottla get lists what is owned"}
			}
			return a.with(cmd.Context(), func(s *steering) error {
				sync, err := s.Release(cmd.Context(), id)
				if err != nil {
					return err
				}
				value := struct {
					ID   reconcile.ID `json:"id"`
					Sync string       `json:"sync"`
				}{id, sync}
				if done, err := a.printer(a.out).Value(value); done {
					return err
				}
				a.say("%s is released: sync %s no longer owns it. Nothing was touched.\nIf Git still declares it, the next round adopts it again: take it out of Git first.", id, sync)
				return nil
			})
		},
	}
}
