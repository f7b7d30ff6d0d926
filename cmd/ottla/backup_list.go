package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
)

func (a *app) backupListCommand() *cobra.Command {
	var o storeFlags
	last := 50
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the backups of a store, and their points",
		Long: "List the backups of a store, and their points: when each was taken, what it holds, how good it is and when\n" +
			"somebody looked. NEW is what a point added, TOTAL is what it holds, both as stored.",
		Example: "  ottla backup list --store s3://backups/kafka\n  ottla backup list --store /var/backups/kafka --backup nightly -o json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), o, func(s *openStore) error { return a.backupList(cmd.Context(), s, o, last) })
		},
	}
	o.flags(cmd)
	cmd.Flags().IntVar(&last, "last", last, "the newest points of each backup; 0 lists all")
	return cmd
}

// withStore opens a store for a function.
func (a *app) withStore(ctx context.Context, o storeFlags, do func(*openStore) error) error {
	s, err := a.openStore(ctx, o)
	if err != nil {
		return err
	}
	err = do(s)
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}

func (a *app) backupList(ctx context.Context, s *openStore, o storeFlags, last int) error {
	found, err := s.all(ctx, o)
	if err != nil {
		return err
	}
	out := show.Backups{Store: s.name}
	for _, id := range found {
		r, err := s.open(ctx, id)
		if err != nil {
			return err
		}
		points, err := listPoints(ctx, s, r, last)
		if err != nil {
			return err
		}
		out.Backups = append(out.Backups, points)
	}
	return a.printer(a.out).Backups(out, time.Now())
}
