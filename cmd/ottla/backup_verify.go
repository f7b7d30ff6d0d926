package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// verifyFlags say how deep is looked at what.
type verifyFlags struct {
	storeFlags
	point  string
	data   bool
	subset string
}

func (a *app) backupVerifyCommand() *cobra.Command {
	var o verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Look whether a backup is whole",
		Long: "Look whether a backup is whole, and write down in the store what was found. Without more, manifests, signatures\n" +
			"and the presence of every pack are looked at; --read-data reads every record and works out the record digests,\n" +
			"--read-data-subset reads a share of the packs, other ones each time. Encrypted packs need --identity.\n\n" +
			"What is found counts: a point that fails is bad from then on, for restores, retention and the next run, until a\n" +
			"later look at least as deep finds it good. Without the right to write it looks all the same, and says that nothing\n" +
			"was written down.\n\n" +
			"Ends with 1 where something is damaged, and names the objects.",
		Example: "  ottla backup verify --store s3://backups/kafka\n  ottla backup verify --store s3://backups/kafka --point latest --read-data\n" +
			"  ottla backup verify --store s3://backups/kafka --read-data-subset 10%",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), o.storeFlags, func(s *openStore) error { return a.backupVerify(cmd.Context(), s, o) })
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.point, "point", "", "number of one point, or latest; all kept points if not given")
	cmd.Flags().BoolVar(&o.data, "read-data", false, "read every record")
	cmd.Flags().StringVar(&o.subset, "read-data-subset", "", "read a share of the packs, such as 10%")
	return cmd
}

func (a *app) backupVerify(ctx context.Context, s *openStore, o verifyFlags) error {
	options, err := o.options()
	if err != nil {
		return err
	}
	r, err := s.find(ctx, o.storeFlags)
	if err != nil {
		return err
	}
	if o.point != "" {
		p, err := pointFlag{o.point}.read(ctx, r)
		if err != nil {
			return err
		}
		options.Point = p.Number
	}
	m := a.meter("verify", options.Level != repository.Structure)
	options.Progress = m.at
	found, err := r.Verify(ctx, options)
	m.end()
	if err != nil {
		return fmt.Errorf("verify %s: %w", spelled(r.Identity()), err)
	}
	if err := a.printer(a.out).Verifications(found); err != nil {
		return err
	}
	return exit(verifyCode(found))
}

// options turn flags into a depth.
func (o verifyFlags) options() (repository.VerifyOptions, error) {
	switch {
	case o.data && o.subset != "":
		return repository.VerifyOptions{}, &usageError{fmt.Errorf("--read-data reads all, --read-data-subset a share"), "give one of them"}
	case o.data:
		return repository.VerifyOptions{Level: repository.Data}, nil
	case o.subset != "":
		share, err := strconv.ParseFloat(strings.TrimSuffix(o.subset, "%"), 64)
		if err != nil || share <= 0 || share > 100 || !strings.HasSuffix(o.subset, "%") {
			return repository.VerifyOptions{}, &usageError{fmt.Errorf("--read-data-subset %q is no share", o.subset), "write a percentage, such as 10%"}
		}
		return repository.VerifyOptions{Level: repository.Subset, Share: share / 100}, nil
	default:
		return repository.VerifyOptions{Level: repository.Structure}, nil
	}
}

func verifyCode(all []format.Verification) int {
	for _, v := range all {
		if !v.Good {
			return exitFailed
		}
	}
	return exitDone
}
