package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/backup/proof"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sources"
)

// drillFlags are one drill.
type drillFlags struct {
	storeFlags
	scratch  clusterFlags
	point    pointFlag
	topics   []string
	prefix   string
	evidence string
}

func (a *app) drillCommand() *cobra.Command {
	var o drillFlags
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "Prove that a point can be restored, and keep the evidence",
		Long: "Restore a point into scratch topics of a scratch cluster, compare the digests of all records with the backup's,\n" +
			"and delete the topics again, also after a failure.\n\n" +
			"Where no scratch cluster is named, here or by backups.scratch, the point is restored into a Kafka in this\n" +
			"process. That proves that the backup can be read and holds what it should, and no more: it is not the broker\n" +
			"that you would restore into. The evidence says so.\n\n" +
			"That Kafka keeps all in memory and takes 1 GiB: choose --topics, or name a cluster, for more. Records are compared,\n" +
			"consumer groups are not restored.\n\n" +
			"Ends with 1 where anything is not equal.",
		Example: "  ottla drill --store s3://backups/kafka --bootstrap-server scratch:9092 --evidence evidence\n" +
			"  ottla drill --store s3://backups/kafka --topics 'orders*'",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), o.storeFlags, func(s *openStore) error { return a.drill(cmd.Context(), s, o) })
		},
	}
	o.flags(cmd)
	o.scratch.flags(cmd, "scratch")
	o.point.flags(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&o.topics, "topics", nil, "only these topics, as globs")
	f.StringVar(&o.prefix, "prefix", "", "what the names of scratch topics begin with; ottla-drill-… if not given")
	f.StringVar(&o.evidence, "evidence", "", "directory for the evidence: JSON, and a page for people; signed with the key of a configured store, or with --signing-key")
	return cmd
}

func (a *app) drill(ctx context.Context, s *openStore, o drillFlags) error {
	r, err := s.find(ctx, o.storeFlags)
	if err != nil {
		return err
	}
	p, err := o.point.read(ctx, r)
	if err != nil {
		return err
	}
	scratch, stop, err := a.scratch(o, p)
	if err != nil {
		return err
	}
	if stop != nil {
		defer stop()
	}
	m := a.meter("drill", true)
	found, err := proof.Drill(ctx, proof.DrillOptions{
		Repository: r, Point: p.Number, Topics: o.topics, Dial: scratch, Embedded: stop != nil, Prefix: o.prefix,
		Now: time.Now, Progress: m.at, Step: a.step,
	})
	m.end()
	if err != nil {
		return fmt.Errorf("drill of point %d: %w", p.Number, err)
	}
	out := show.Drilled{Evidence: found, Signed: o.evidence != "" && s.key != nil}
	if o.evidence != "" {
		if out.Files, err = writeEvidence(o.evidence, found, s); err != nil {
			return err
		}
	}
	if err := a.printer(a.out).Drilled(out, time.Now()); err != nil {
		return err
	}
	if !found.Passed {
		return exit(exitFailed)
	}
	return nil
}

// scratch is where the point is restored into: the cluster that is named, the
// configuration's, or a Kafka in this process, which is to be stopped.
func (a *app) scratch(o drillFlags, p *repository.Point) (dial func(context.Context) (*kgo.Client, error), stop func(), err error) {
	if _, isURL := storeURL(o.store); !o.scratch.given() && !isURL {
		if config, err := a.loadConfig(); err == nil {
			o.scratch.name = config.Backups.Scratch
		}
	}
	if o.scratch.given() {
		d, err := a.cluster(o.scratch, false)
		if err != nil {
			return nil, nil, err
		}
		return d.dial, nil, nil
	}
	if err := proof.Fits(p, o.topics, proof.EmbeddedMost); err != nil {
		var large *proof.TooLargeError
		if errors.As(err, &large) {
			err = &sources.HintError{Err: err, Hint: "choose fewer topics with --topics, or name a scratch cluster: --bootstrap-server HOST:PORT"}
		}
		return nil, nil, err
	}
	return embeddedKafka()
}

// writeEvidence writes the signed JSON and the page for people.
func writeEvidence(dir string, e proof.Evidence, s *openStore) ([]string, error) {
	signed, err := e.Sign(s.key)
	if err != nil {
		return nil, fmt.Errorf("sign the evidence: %w", err)
	}
	base := fmt.Sprintf("%s-%s-%s-point-%d-%s", e.Kind, e.Backup.Namespace, e.Backup.Name, e.Point, e.Ended.UTC().Format("20060102t150405z"))
	return writeReport(filepath.Join(dir, base), e, signed)
}
