package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/glob"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

func (a *app) backupShowCommand() *cobra.Command {
	var o storeFlags
	var topics []string
	partitions := false
	cmd := &cobra.Command{
		Use:   "show [POINT]",
		Short: "Show all that a point holds",
		Long: "Show all that a point holds, the newest good one if none is named: topics with their offsets, times and gaps,\n" +
			"groups, access, notes, what it stands on, who signed it and who verified it. -o json has every field.",
		Example: "  ottla backup show --store s3://backups/kafka\n  ottla backup show 12 --store s3://backups/kafka --topics 'orders*' --partitions",
		Args:    arguments(0, 1, "point"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), o, func(s *openStore) error {
				point := pointFlag{append(args, "latest")[0]}
				return a.backupShow(cmd.Context(), s, o, point, topics, partitions)
			})
		},
	}
	o.flags(cmd)
	cmd.Flags().StringSliceVar(&topics, "topics", nil, "only these topics, as globs")
	cmd.Flags().BoolVar(&partitions, "partitions", false, "every partition and every committed offset, too; as -v does")
	return cmd
}

func (a *app) backupShow(ctx context.Context, s *openStore, o storeFlags, point pointFlag, topics []string, partitions bool) error {
	r, err := s.find(ctx, o)
	if err != nil {
		return err
	}
	p, err := point.read(ctx, r)
	if err != nil {
		return err
	}
	all, err := surveyOf(ctx, r)
	if err != nil {
		return err
	}
	e, ok := all.entry(p.Number)
	if !ok {
		return pointless(fmt.Errorf("point %d: %w", p.Number, repository.ErrNoPoint), r)
	}
	v := show.ViewOf(e, p, all.standsOn(e))
	v.Store, v.Unreadable, v.Damaged = s.name, all.unreadable, all.damaged
	v.Restores = slices.DeleteFunc(all.restores, func(u repository.UnderWay) bool { return u.Point != p.Number })
	if len(topics) > 0 {
		narrow(&v, topics)
	}
	if err := a.printer(a.out).PointView(v, partitions || a.verbose, time.Now()); err != nil {
		return err
	}
	return exit(wholeCode(len(v.Unreadable)+len(v.Damaged) == 0))
}

// narrow leaves only some topics, and what groups have committed to them.
func narrow(v *show.PointView, topics []string) {
	v.Contents = slices.DeleteFunc(v.Contents, func(t show.TopicView) bool { return !chosen(t.Name, topics) })
	var groups []format.Group
	for _, g := range v.Groups {
		g.Offsets = slices.DeleteFunc(slices.Clone(g.Offsets), func(c format.Commit) bool { return !chosen(c.Topic, topics) })
		if len(g.Offsets) > 0 {
			groups = append(groups, g)
		}
	}
	v.Groups = groups
}

// chosen tells whether one of the globs chooses a topic, as a run of a backup does.
func chosen(topic string, globs []string) bool { return glob.Topic(globs, topic, false) }
