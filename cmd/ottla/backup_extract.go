package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/backup/extract"
)

// extractFlags say what is written where.
type extractFlags struct {
	storeFlags
	point  pointFlag
	topics []string
	format string
	output string
}

func (a *app) backupExtractCommand() *cobra.Command {
	o := extractFlags{format: "log"}
	cmd := &cobra.Command{
		Use:   "extract",
		Short: "Write a point as plain files that need no Ottla",
		Long: "Write a point as plain files that need no Ottla: log, segments that Kafka's own kafka-dump-log.sh reads, with\n" +
			"original offsets; or json, a line a record. Nobody is locked in.",
		Example: "  ottla backup extract --store s3://backups/kafka --topics orders --output orders\n" +
			"  ottla backup extract --store s3://backups/kafka --point 12 --format json --output orders.jsonl",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), o.storeFlags, func(s *openStore) error { return a.backupExtract(cmd.Context(), s, o) })
		},
	}
	o.flags(cmd)
	o.point.flags(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&o.topics, "topics", nil, "only these topics, as globs")
	f.StringVar(&o.format, "format", o.format, "log or json")
	f.StringVar(&o.output, "output", "", "a new or empty directory; with json a new file, or - for standard output")
	_ = cmd.MarkFlagRequired("output")
	return cmd
}

func (a *app) backupExtract(ctx context.Context, s *openStore, o extractFlags) error {
	if o.format != "log" && o.format != "json" {
		return &usageError{fmt.Errorf("--format %q is none", o.format), "log or json"}
	}
	r, err := s.find(ctx, o.storeFlags)
	if err != nil {
		return err
	}
	p, err := o.point.read(ctx, r)
	if err != nil {
		return err
	}
	m := a.meter("extract", true)
	options := extract.Options{Repository: r, Point: p, Topics: o.topics, Progress: m.at}
	out := show.Extracted{Point: p.Number, Format: o.format, Output: o.output}
	if o.format == "log" {
		out.Report, err = extract.Segments(ctx, options, o.output)
	} else {
		out.Report, err = a.extractLines(ctx, options, o.output)
	}
	m.end()
	if err != nil {
		return fmt.Errorf("point %d: %w", p.Number, err)
	}
	if o.output == "-" {
		return nil // what was asked for is all that is printed
	}
	return a.printer(a.out).Extracted(out)
}

// extractLines writes JSON lines; a file that is there is never written over.
func (a *app) extractLines(ctx context.Context, options extract.Options, name string) (extract.Report, error) {
	if name == "-" {
		return extract.JSON(ctx, options, a.out)
	}
	file, err := os.OpenFile(filepath.Clean(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return extract.Report{}, err
	}
	report, err := extract.JSON(ctx, options, file)
	report.Files = 1
	return report, errors.Join(err, file.Close())
}
