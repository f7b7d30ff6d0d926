package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/work"
)

// nowFlags are one run of a backup.
type nowFlags struct {
	storeFlags
	source      clusterFlags
	topics      []string
	exclude     []string
	recipients  []string
	codec       string
	level       int
	mode        string
	bytesPerSec size
	memory      size
	brokers     int
	archive     time.Duration
	given       func(flag string) bool
}

func (a *app) backupNowCommand() *cobra.Command {
	o := nowFlags{topics: []string{"*"}, mode: string(capture.Verbatim)}
	cmd := &cobra.Command{
		Use:   "now",
		Short: "Make a point now",
		Long: "Copy what is new since the newest good point, and make a point of it. Batches are copied as they are, up to the\n" +
			"last stable offset of each partition. An internal topic is copied only where it is named.\n\n" +
			"With --backup alone, a backup that a running agent keeps is run by that agent, as its document says. Otherwise\n" +
			"this process does it: into --store, as backup default/manual if --backup names none, from --bootstrap-server or\n" +
			"--cluster; a backup that a document declares keeps its topics, codec and limits where no flag says otherwise.\n" +
			"default/manual is a backup of its own: beside a declared backup in the same store it copies everything once more.\n" +
			"Nothing that is there is ever overwritten: killed at any time, it leaves the older points as they were.\n\n" +
			"Into a store of the configuration points are signed with the agent's key. Into a --store URL they are signed with\n" +
			"--signing-key alone; with --recipient one is needed, for age does not say who has encrypted.\n\n" +
			"Ends with 3 where the point was made and a person should know something of it (a gap, an open transaction).",
		Example: "  ottla backup now --store s3://backups/kafka --bootstrap-server broker:9092\n" +
			"  ottla backup now --store /var/backups/kafka --bootstrap-server broker:9093 --command-config client.properties --topics 'orders*' --exclude '*.tmp'\n" +
			"  ottla backup now --backup nightly",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.backupNow(cmd, o) },
	}
	o.flags(cmd)
	o.source.flags(cmd, "source")
	f := cmd.Flags()
	f.StringSliceVar(&o.topics, "topics", o.topics, "topics, as globs: * and ? as in file names")
	f.StringSliceVar(&o.exclude, "exclude", nil, "topics that are left out, as globs")
	f.StringSliceVar(&o.recipients, "recipient", nil, "age recipient (age1…) that packs are encrypted to; may be repeated. Into a --store URL it takes a --signing-key, too")
	f.StringVar(&o.codec, "codec", "zstd", "how what no producer has compressed is compressed: none, lz4 or zstd")
	f.IntVar(&o.level, "level", 0, "of the codec; 0 is its default")
	f.StringVar(&o.mode, "mode", o.mode, "verbatim keeps batches as they are; repack compresses all anew, smaller and slower")
	f.Var(&o.bytesPerSec, "bytes-per-second", "the most that is read from the brokers, such as 50MiB; no limit if not given")
	f.IntVar(&o.brokers, "brokers", 0, "brokers that are read from at once; 0 is all")
	f.Var(&o.memory, "memory", "the most memory that records take; 256 MiB if not given")
	return cmd
}

func (a *app) backupNow(cmd *cobra.Command, o nowFlags) error {
	ctx := cmd.Context()
	o.given = cmd.Flags().Changed
	if o.backup != "" && o.store == "" && !o.source.given() {
		done, err := a.backupByAgent(cmd, o.backup)
		if done || err != nil {
			return err
		}
	}
	if err := o.check(); err != nil {
		return err
	}
	source, err := a.cluster(o.source, true)
	if err != nil {
		return err
	}
	return a.withStore(ctx, o.storeFlags, func(s *openStore) error { return a.capture(ctx, s, source, o) })
}

func (o nowFlags) check() error {
	if o.codec != "none" && o.codec != "lz4" && o.codec != "zstd" {
		return &usageError{fmt.Errorf("--codec %q is none", o.codec), "none, lz4 or zstd"}
	}
	if o.brokers < 0 {
		return &usageError{fmt.Errorf("--brokers %d is no number of brokers", o.brokers), "1 or more, or 0 for all"}
	}
	if o.mode != string(capture.Verbatim) && o.mode != string(capture.Repack) {
		return &usageError{fmt.Errorf("--mode %q is none", o.mode), "verbatim or repack"}
	}
	return nil
}

// capture makes a point in this process.
func (a *app) capture(ctx context.Context, s *openStore, source *dialed, o nowFlags) error {
	for _, text := range o.recipients {
		recipient, err := age.ParseX25519Recipient(text)
		if err != nil {
			return &usageError{fmt.Errorf("--recipient %s is no age recipient", text), "it begins with age1; age-keygen prints it"}
		}
		s.recipients = append(s.recipients, recipient)
	}
	if len(s.recipients) > 0 && s.key == nil {
		return &usageError{
			errors.New("an encrypted point must be signed, too: age does not say who has encrypted, so whoever can write to the store could put other packs there"),
			"--signing-key FILE; write one with: openssl genpkey -algorithm ed25519 -out FILE. A configured store has its own",
		}
	}
	cluster, err := source.id(ctx)
	if err != nil {
		return err
	}
	id, err := o.identity(cluster, "default/manual")
	if err != nil {
		return err
	}
	r, err := s.open(ctx, id)
	if err != nil {
		return err
	}
	declared, err := work.PolicyOf(ctx, r)
	if err != nil {
		return err
	}
	if declared != nil {
		o.asDeclared(declared)
	}
	m := a.meter("read from "+source.label, true)
	report, err := capture.Run(ctx, o.options(a, source, r, m))
	m.end()
	if err != nil {
		return fmt.Errorf("back up %s into %s: %w", source.label, s.name, err)
	}
	if err := a.printer(a.out).Captured(show.CapturedOf(s.name, report)); err != nil {
		return err
	}
	if len(report.Alerts) > 0 {
		return exit(exitPartial)
	}
	return nil
}

// asDeclared takes from a document what no flag says: a point of fewer or of more
// topics than the backup has is not what its name promises.
func (o *nowFlags) asDeclared(spec backup.Spec) {
	take := func(flag string, do func()) {
		if !o.given(flag) {
			do()
		}
	}
	take("topics", func() { o.topics = spec.List(backup.FieldTopics) })
	take("exclude", func() { o.exclude = spec.List(backup.FieldExclude) })
	take("codec", func() { o.codec = spec["codec"] })
	take("level", func() { o.level = int(spec.Int("level")) })
	take("mode", func() { o.mode = spec["mode"] })
	take("bytes-per-second", func() { o.bytesPerSec = size(spec.Int("bytesPerSec")) })
	o.archive = spec.Duration("archive")
}

func (o nowFlags) options(a *app, source *dialed, r *repository.Repository, m *meter) capture.Options {
	codec := strings.TrimPrefix(o.codec, "none")
	return capture.Options{
		Dial: source.dial, Repository: r, Kind: format.Manual, Topics: o.topics, Exclude: o.exclude,
		Mode: capture.Mode(o.mode), Codec: codec, Level: o.level, BytesPerSec: int64(o.bytesPerSec), Archive: o.archive, Memory: int64(o.memory), Brokers: o.brokers,
		Now: time.Now, Step: a.step,
		Progress: func(p capture.Progress) { m.at(p.Bytes, p.BytesTotal) },
	}
}
