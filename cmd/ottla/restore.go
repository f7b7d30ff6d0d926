package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/backup/proof"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

func (a *app) restoreCommand() *cobra.Command {
	o := restoreFlags{create: true}
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "Give a point back to a cluster: topics, records, groups",
		Long: "Give a point back to a cluster: every committed record with key, value, headers, timestamp, partition and order.\n" +
			"A topic that is not there is created as it was (--create=false refuses instead); one that holds data is refused,\n" +
			"unless --existing says how to treat it. Look first with --dry-run: it asks the target for reach, rights, data and\n" +
			"limits, writes nothing, and ends with 2, or with 3 where something is in the way.\n\n" +
			"--point and --at give a point back exactly; --from and --to filter records by their timestamps, and a record that\n" +
			"its producer dated otherwise is filtered by that. Times are RFC 3339 (2026-11-21T17:59:00.123Z), or as lists print\n" +
			"them ('2026-11-21 17:59', in UTC where no zone is given), or milliseconds. To a moment between two points: the\n" +
			"first point after it, with --point N --to TIME.\n\n" +
			"Consumer groups stay where they are unless --groups names them. --existing purge takes no final backup, so on a\n" +
			"cluster of a configuration with backups.finalBackup it is refused: a KafkaRestore with purgeTopics takes one first.\n\n" +
			"A topic that the running agent of the configuration keeps is refused, whichever address names the cluster: declare\n" +
			"a KafkaRestore, or pause the topic (strimzi.io/pause-reconciliation: \"true\"), or use --rename. An agent that runs\n" +
			"elsewhere is not seen: pause the topic first, or it sets retention back while old records are written.\n\n" +
			"A restore has a name and its record in the store. Killed, and run again under that name, it goes on where the\n" +
			"target says it stopped, and doubles nothing. Until it is done, its topics keep everything: retention and cleanup\n" +
			"stay lifted. ottla backup list names the restores that are not over. To give one up, --abandon --name NAME\n" +
			"configures its topics as they were; it takes the store, the target cluster, and --backup where the store holds\n" +
			"several. What was written stays, and the name cannot be used again.\n\n" +
			"Ends with 0 when all is done, 1 where it failed or --prove found a difference, 2 where a dry run would do something,\n" +
			"3 where something is in the way or was left alone (a group with live members), 130 when interrupted.",
		Example: "  ottla restore --store s3://backups/kafka --bootstrap-server broker:9092 --dry-run\n" +
			"  ottla restore --store s3://backups/kafka --bootstrap-server broker:9092 --topics orders --rename orders=orders-copy --prove\n" +
			"  ottla restore --store s3://backups/kafka --cluster production --at '2026-11-21 17:59:00' --topics orders --existing purge --purge orders --groups 'billing*'\n" +
			"  ottla restore --store s3://backups/kafka --cluster staging --rename 'prod.*=test.*' --to 2026-11-21T17:59:00.123Z\n" +
			"  ottla restore --deleted-topic orders",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.deletedFrom(&o); err != nil {
				return err
			}
			return a.withStore(cmd.Context(), o.storeFlags, func(s *openStore) error {
				if o.abandon {
					return a.abandonRestore(cmd.Context(), s, &o)
				}
				return a.restore(cmd, s, &o)
			})
		},
	}
	o.flags(cmd)
	return cmd
}

// restore plans, and carries out what nothing stands against.
func (a *app) restore(cmd *cobra.Command, s *openStore, o *restoreFlags) error {
	ctx := cmd.Context()
	target, err := a.cluster(o.target, o.deleted != "") // a deleted topic goes back to where it was
	if err != nil {
		return err
	}
	target = a.recognised(ctx, target)
	r, point, err := o.choose(ctx, s)
	if err != nil {
		return err
	}
	options, err := o.options(target, r, point)
	if err != nil {
		return err
	}
	options.Step = a.step
	plan, err := restore.Check(ctx, options)
	if err != nil {
		return fmt.Errorf("look at %s: %w", target.label, err)
	}
	kept, err := a.kept(ctx, plan, target)
	if err != nil {
		return err
	}
	plan.Problems = slices.Concat(plan.Problems, o.refused(plan, target), kept)
	if o.dry || len(plan.Problems) > 0 {
		return a.restorePlanned(show.RestorePlan{Name: options.Name, Plan: plan})
	}
	return a.carryRestore(cmd, s, o, options, plan)
}

// restorePlanned prints a plan that is not carried out.
func (a *app) restorePlanned(p show.RestorePlan) error {
	if err := a.printer(a.out).RestorePlan(p, time.Now()); err != nil {
		return err
	}
	return exit(restorePlanCode(p.Plan))
}

func restorePlanCode(p restore.Plan) int {
	if len(p.Problems) > 0 {
		return exitPartial
	}
	for _, t := range p.Topics {
		if t.Action != "done" {
			return exitPending
		}
	}
	if len(p.Groups)+p.ACLs+p.Quotas > 0 {
		return exitPending
	}
	return exitDone
}

// carryRestore restores, and says how to go on where it is interrupted.
func (a *app) carryRestore(cmd *cobra.Command, s *openStore, o *restoreFlags, options restore.Options, plan restore.Plan) error {
	name := options.Name
	repeat := again(cmd, map[string]string{"name": name, "point": fmt.Sprint(plan.Point), "at": ""})
	if show.Format(a.format) == show.Text {
		_, _ = fmt.Fprintf(a.err, "restore %s of point %d; if it is interrupted, this goes on with it:\n  %s\n", name, plan.Point, repeat)
	}
	m := a.meter("restore", true)
	options.Progress = func(p restore.Progress) {
		m.now(p.Phase)
		m.at(p.Bytes, p.BytesTotal)
	}
	report, err := restore.Run(cmd.Context(), options)
	m.end()
	if err != nil {
		_, _ = fmt.Fprintf(a.err, "restore %s is not done, and until it is, retention of its topics stays lifted; go on with it:\n  %s\nor give it up:\n  %s --abandon\n", name, repeat, repeat)
		return fmt.Errorf("restore %s: %w", name, err)
	}
	out := show.Restored{Name: name, Report: report}
	if o.evidence != "" {
		out.Signed = s.key != nil
		if out.Files, err = writeEvidence(o.evidence, proof.Restored(options.Repository.Identity(), report), s); err != nil {
			return err
		}
	}
	if err := a.printer(a.out).Restored(out); err != nil {
		return err
	}
	return exit(restoredCode(report))
}

// abandonRestore gives a restore up that is not done.
func (a *app) abandonRestore(ctx context.Context, s *openStore, o *restoreFlags) error {
	if o.name == "" {
		return &usageError{errors.New("--abandon gives up the restore of a name"), "say which: --name NAME; ottla backup list names those that are under way"}
	}
	target, err := a.cluster(o.target, false)
	if err != nil {
		return err
	}
	r, err := s.find(ctx, o.storeFlags)
	if err != nil {
		return err
	}
	words, err := restore.Abandon(ctx, restore.Options{Name: o.name, Dial: target.dial, Repository: r, Now: time.Now})
	return errors.Join(err, a.printer(a.out).Abandoned(show.Abandoned{Name: o.name, Done: err == nil, Became: words}))
}

// restoredCode is 1 where the proof failed, and 3 where something was left alone.
func restoredCode(r restore.Report) int {
	switch {
	case len(r.Unequal) > 0:
		return exitFailed
	case len(r.Left) > 0:
		return exitPartial
	default:
		return exitDone
	}
}

// choose finds the backup and the point that are given back.
func (o *restoreFlags) choose(ctx context.Context, s *openStore) (*repository.Repository, int64, error) {
	r, err := s.find(ctx, o.storeFlags)
	if err != nil {
		return nil, 0, err
	}
	n, err := o.point.number()
	switch {
	case err != nil:
		return nil, 0, err
	case o.deleted != "" && n == 0:
		n, err = finalPoint(ctx, r, o.deleted)
	case n > 0 && !o.at.IsZero():
		err = &usageError{errors.New("--point and --at both choose a point"), "give one of them"}
	case !o.at.IsZero():
		n, err = newestAt(ctx, r, o.at.Time)
	case n == 0 && o.name == "":
		var p *repository.Point
		if p, err = o.point.read(ctx, r); err == nil {
			n = p.Number
		}
	}
	return r, n, err
}
