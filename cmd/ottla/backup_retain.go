package main

import (
	"context"
	"errors"
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
			"2 where something would be dropped. Ends with 3 where the store refuses to delete and no object lock is why.",
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
	o.policy.Within = o.within.Duration
	out, err := retain(ctx, r, o.policy, o.dry)
	if errors.Is(err, retention.ErrEmpty) || errors.Is(err, retention.ErrNewest) {
		return &sources.HintError{Err: err, Hint: "here the rules are --keep-last, --keep-within, --keep-hourly, --keep-daily, --keep-weekly, --keep-monthly and --keep-yearly"}
	}
	if err != nil {
		return err
	}
	out.Store, out.Backup = s.name, r.Identity()
	if err := a.printer(a.out).Retained(out, time.Now()); err != nil {
		return err
	}
	switch {
	case out.Swept.Rights() != "":
		return exit(exitPartial)
	case o.dry && out.Drops() > 0:
		return exit(exitPending)
	default:
		return nil
	}
}

// retain decides, drops points, and sweeps what was dropped long enough ago. It
// takes the lease before it decides, which tells the store's time. A dry run
// needs no lease and writes nothing.
func retain(ctx context.Context, r *repository.Repository, p retention.Policy, dry bool) (show.Retained, error) {
	out := show.Retained{DryRun: dry}
	var lease *repository.Lease
	if !dry {
		var err error
		if lease, err = r.Acquire(ctx, leaseTime); err != nil {
			return out, err
		}
		defer func() { _ = lease.Release(ctx) }() // one that is left runs out
		ctx = lease.Context()
	}
	decisions, err := r.Decide(ctx, p)
	if err != nil {
		return out, err
	}
	out.Points = show.RetainedOf(decisions)
	if out.Freed, err = r.Freed(ctx, decisions); err != nil {
		return out, err
	}
	var swept repository.Swept
	if dry {
		swept, err = r.Sweep(ctx, nil, true)
	} else {
		swept, err = r.Retain(ctx, lease, repository.Dropped(decisions), true)
	}
	out.Swept = &swept
	return out, err
}
