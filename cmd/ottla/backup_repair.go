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
			"Nothing is overwritten. Look with ottla backup verify first: it names what is damaged, and repair looks no deeper\n" +
			"than it must. Points that cannot be given back any more are marked as bad, and dropped where not even their\n" +
			"manifest can be used. Topics' configurations, groups, access and quotas come from manifests that can still be read;\n" +
			"--dry-run says how many, and writes nothing. Without a configured store or --signing-key the new point is unsigned.\n\n" +
			"Ends with 3 where something is lost, and a dry run with 2 where a point would be made.",
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
	out := show.Repaired{DryRun: dry, Whole: found.Whole, Groups: []string{}, Lost: append([]string{}, found.Lost...)}
	if found.Point != nil {
		survivors(&out, found.Point)
	}
	if err := a.printer(a.out).Repaired(out); err != nil {
		return err
	}
	switch {
	case len(out.Lost) > 0:
		return exit(exitPartial)
	case dry && !out.Whole && out.Topics > 0:
		return exit(exitPending)
	default:
		return nil
	}
}

// survivors says what a rebuilt point has.
func survivors(out *show.Repaired, p *repository.Point) {
	out.Point, out.Topics, out.ACLs, out.Quotas = p.Number, len(p.Topics), len(p.ACLs), len(p.Quotas)
	for _, t := range p.Topics {
		if len(t.Config) > 0 {
			out.Configured++
		}
	}
	for _, g := range p.Groups {
		out.Groups = append(out.Groups, g.Name)
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
