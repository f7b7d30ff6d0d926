package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/retention"
	"github.com/ottla-io/ottla/sources"
)

// retainFlags say what is kept.
type retainFlags struct {
	storeFlags
	policy retention.Policy
	within period
	dry    bool
}

const leaseTime = time.Minute

func (a *app) backupRetainCommand() *cobra.Command {
	var o retainFlags
	cmd := &cobra.Command{
		Use:   "retain",
		Short: "Drop the points that no rule keeps",
		Long: "Drop the points that no rule keeps, and sweep what was dropped a day ago or before. A point is kept if any rule\n" +
			"keeps it; counts are of good points. The newest good point and final backups of deleted topics always stay, and\n" +
			"what a kept point stands on does, too. --dry-run says why each stays or goes, and what that frees; it ends with\n" +
			"2 where something would be dropped.",
		Example: "  ottla backup retain --store s3://backups/kafka --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run\n" +
			"  ottla backup retain --store s3://backups/kafka --keep-within 30d",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), o.storeFlags, func(s *openStore) error { return a.backupRetain(cmd.Context(), s, o) })
		},
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.IntVar(&o.policy.Last, "keep-last", 0, "this many newest good points")
	f.Var(&o.within, "keep-within", "points younger than that: 36h, 30d, 2w, 1y")
	f.IntVar(&o.policy.Hourly, "keep-hourly", 0, "the newest good point of each of so many hours")
	f.IntVar(&o.policy.Daily, "keep-daily", 0, "of so many days")
	f.IntVar(&o.policy.Weekly, "keep-weekly", 0, "of so many weeks")
	f.IntVar(&o.policy.Monthly, "keep-monthly", 0, "of so many months")
	f.IntVar(&o.policy.Yearly, "keep-yearly", 0, "of so many years")
	f.BoolVar(&o.dry, "dry-run", false, "only say what would be done")
	return cmd
}

func (a *app) backupRetain(ctx context.Context, s *openStore, o retainFlags) error {
	r, err := s.find(ctx, o.storeFlags)
	if err != nil {
		return err
	}
	entries, err := r.Points(ctx)
	if err != nil {
		return err
	}
	o.policy.Within = o.within.Duration
	decisions, err := retention.Apply(retainable(entries), o.policy, time.Now())
	if err != nil {
		return &sources.HintError{Err: err, Hint: "here the rules are --keep-last, --keep-within, --keep-hourly, --keep-daily, --keep-weekly, --keep-monthly and --keep-yearly"}
	}
	restoring, err := r.Restoring(ctx)
	if err != nil {
		return err
	}
	for i, d := range decisions {
		if name := restoring[d.Point.Number]; name != "" {
			decisions[i].Keep = append(d.Keep, "a restore is under way: "+name)
		}
	}
	out := show.Retained{Store: s.name, Backup: r.Identity(), DryRun: o.dry, Points: show.RetainedOf(decisions)}
	drop := dropped(decisions)
	if out.Freed, err = freed(ctx, r, decisions); err != nil {
		return err
	}
	if out.Swept, err = carryOut(ctx, r, drop, o.dry); err != nil {
		return err
	}
	if err := a.printer(a.out).Retained(out, time.Now()); err != nil {
		return err
	}
	if o.dry && len(drop) > 0 {
		return exit(exitPending)
	}
	return nil
}

// retainable are the points that are not dropped yet.
func retainable(entries []repository.Entry) []retention.Point {
	var points []retention.Point
	for _, e := range entries {
		if e.Removed == "" {
			points = append(points, retention.Point{Number: e.Manifest.Number, Taken: e.Manifest.Taken, Good: e.Bad == "", Pinned: e.Manifest.Pinned})
		}
	}
	return points
}

func dropped(decisions []retention.Decision) map[int64]string {
	out := map[int64]string{}
	for _, d := range decisions {
		if len(d.Keep) == 0 {
			out[d.Point.Number] = d.Drop
		}
	}
	return out
}

// carryOut drops points and sweeps what was dropped long enough ago. A dry run
// needs no lease and writes nothing.
func carryOut(ctx context.Context, r *repository.Repository, drop map[int64]string, dry bool) (*repository.Swept, error) {
	if dry {
		swept, err := r.Sweep(ctx, nil, true)
		return &swept, err
	}
	lease, err := r.Acquire(ctx, leaseTime)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lease.Release(context.WithoutCancel(ctx)) }() // one that is left runs out
	if len(drop) > 0 {
		if err := r.Remove(lease.Context(), lease, drop); err != nil {
			return nil, fmt.Errorf("drop points: %w", err)
		}
	}
	swept, err := r.Sweep(lease.Context(), lease, false)
	return &swept, err
}

// frame is where stored bytes stand.
type frame struct {
	pack   string
	offset int64
}

// freed adds up the frames that only dropped points hold.
func freed(ctx context.Context, r *repository.Repository, decisions []retention.Decision) (int64, error) {
	kept, gone := map[frame]int64{}, map[frame]int64{}
	for _, d := range decisions {
		into := kept
		if len(d.Keep) == 0 {
			into = gone
		}
		if !d.Point.Good {
			continue // what it stands on may not be there
		}
		p, err := r.Point(ctx, d.Point.Number)
		if err != nil {
			return 0, fmt.Errorf("read point %d: %w", d.Point.Number, err)
		}
		frames(p, into)
	}
	total := int64(0)
	for at, length := range gone {
		if _, stays := kept[at]; !stays {
			total += length
		}
	}
	return total, nil
}

func frames(p *repository.Point, into map[frame]int64) {
	for _, t := range p.Topics {
		for _, one := range t.Partitions {
			for _, ref := range p.Refs(t.Name, one.Partition) {
				into[frame{ref.Pack.ID, ref.Offset}] = ref.Length
			}
		}
	}
}
