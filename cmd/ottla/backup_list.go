package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

func (a *app) backupListCommand() *cobra.Command {
	var o storeFlags
	var topics []string
	last := 50
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the backups of a store, and their points",
		Long: "List the backups of a store, and their points: when each was taken, what it holds, how good it is and when\n" +
			"somebody looked. NEW is what a point added, TOTAL is what it holds, both as stored. Below them stand the restores\n" +
			"that are not over, by name.\n\n" +
			"Ends with 3 where some of it cannot be read: the rest is listed, and what is damaged is named.",
		Example: "  ottla backup list --store s3://backups/kafka\n  ottla backup list --store /var/backups/kafka --backup nightly -o json\n  ottla backup list --store s3://backups/kafka --topics orders",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), o, func(s *openStore) error { return a.backupList(cmd.Context(), s, o, topics, last) })
		},
	}
	o.flags(cmd)
	cmd.Flags().StringSliceVar(&topics, "topics", nil, "only the points that hold one of these topics, as globs, and what they hold of them")
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

func (a *app) backupList(ctx context.Context, s *openStore, o storeFlags, topics []string, last int) error {
	found, err := s.all(ctx, o)
	if err != nil {
		return err
	}
	out := show.Backups{Store: s.name}
	whole, failed := true, error(nil)
	for _, id := range found {
		points, err := s.points(ctx, id, topics, last)
		failed = errors.Join(failed, err)
		if err == nil {
			out.Backups = append(out.Backups, points)
			whole = whole && points.Whole()
		}
	}
	if len(out.Backups) == 0 && failed != nil {
		return failed
	}
	if err := a.printer(a.out).Backups(out, time.Now()); err != nil || failed != nil {
		return errors.Join(failed, err) // one that cannot be listed hides no other
	}
	return exit(wholeCode(whole))
}

func (s *openStore) points(ctx context.Context, id format.Identity, topics []string, last int) (show.Points, error) {
	r, err := s.open(ctx, id)
	if err != nil {
		return show.Points{}, err
	}
	return listPoints(ctx, s, r, topics, last)
}

// wholeCode is 3 where some of a backup could not be read.
func wholeCode(whole bool) int {
	if !whole {
		return exitPartial
	}
	return exitDone
}
