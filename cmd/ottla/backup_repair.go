package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

func (a *app) backupRepairCommand() *cobra.Command {
	var o storeFlags
	dry := false
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Rebuild a point from the packs that can be read",
		Long: "Rebuild a complete point from the packs that can be read, beside the points there are, and list what is lost.\n" +
			"Nothing is overwritten. Ends with 3 where something is lost.",
		Example: "  ottla backup repair --store s3://backups/kafka --dry-run",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), o, func(s *openStore) error { return a.backupRepair(cmd.Context(), s, o, dry) })
		},
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be saved and what is lost")
	return cmd
}

func (a *app) backupRepair(ctx context.Context, s *openStore, o storeFlags, dry bool) error {
	r, err := s.find(ctx, o)
	if err != nil {
		return err
	}
	found, err := repair(ctx, r, dry)
	if err != nil {
		return fmt.Errorf("repair %s: %w", spelled(r.Identity()), err)
	}
	out := show.Repaired{DryRun: dry, Lost: append([]string{}, found.Lost...)}
	if found.Point != nil {
		out.Point, out.Topics = found.Point.Number, len(found.Point.Topics)
	}
	if err := a.printer(a.out).Repaired(out); err != nil {
		return err
	}
	switch {
	case len(out.Lost) > 0:
		return exit(exitPartial)
	case dry && out.Topics > 0:
		return exit(exitPending)
	default:
		return nil
	}
}

// repair needs the lease, save where it only looks.
func repair(ctx context.Context, r *repository.Repository, dry bool) (repository.Repaired, error) {
	if dry {
		return r.Repair(ctx, nil, true)
	}
	lease, err := r.Acquire(ctx, leaseTime)
	if err != nil {
		return repository.Repaired{}, err
	}
	defer func() { _ = lease.Release(ctx) }() // one that is left runs out
	return r.Repair(lease.Context(), lease, false)
}
