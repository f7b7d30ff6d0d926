package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/backup/proof"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sources"
)

// evidenceDir is where drills and validations leave what they found.
const evidenceDir = "evidence"

func (a *app) backupEvidenceCommand() *cobra.Command {
	var o storeFlags
	dir := ""
	cmd := &cobra.Command{
		Use:   "evidence [NAME]",
		Short: "Show what drills and validations that Git declares have found",
		Long: "Show what drills and validations that Git declares have found, oldest first; signatures are checked.\n" +
			"With a name and --output the newest of it is written as signed JSON, and as a page for people.",
		Example: "  ottla backup evidence --store s3://backups/kafka\n  ottla backup evidence default.quarterly --store s3://backups/kafka --output evidence",
		Args:    arguments(0, 1, "name of a validation, such as default.quarterly"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := append(args, "")[0]
			if dir != "" && name == "" {
				return &usageError{errors.New("--output writes the evidence of one validation"), "name it: ottla backup evidence lists the names"}
			}
			return a.withStore(cmd.Context(), o, func(s *openStore) error { return a.backupEvidence(cmd.Context(), s, o, name, dir) })
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&dir, "output", "", "with NAME: write the newest into this directory")
	return cmd
}

func (a *app) backupEvidence(ctx context.Context, s *openStore, o storeFlags, name, dir string) error {
	r, err := s.find(ctx, o)
	if err != nil {
		return err
	}
	names, err := r.Names(ctx, evidenceDir)
	if err != nil {
		return err
	}
	if name != "" && !slices.Contains(names, name) {
		return &sources.HintError{
			Err: fmt.Errorf("%s holds no evidence of %s", spelled(r.Identity()), name), Hint: fmt.Sprintf("there is evidence of %q", names)}
	}
	if name != "" {
		names = []string{name}
	}
	var all []show.Evidence
	for _, one := range names {
		found, err := evidenceOf(ctx, r, one)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	if dir != "" {
		last := &all[len(all)-1]
		if last.Files, err = exportEvidence(ctx, r, *last, dir); err != nil {
			return err
		}
	}
	return a.printer(a.out).Evidence(all, time.Now())
}

func evidenceOf(ctx context.Context, r *repository.Repository, name string) ([]show.Evidence, error) {
	var all []show.Evidence
	series := evidenceDir + "/" + name
	err := r.Series(series, "evidence").Each(ctx, func(number int64, _ time.Time, read func(any) error) error {
		one := show.Evidence{Name: name, Number: number, Object: fmt.Sprintf("%s/%012d.json", series, number)}
		if err := read(&one.Found); err != nil {
			return err
		}
		all = append(all, one)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the evidence of %s: %w", name, err)
	}
	return all, nil
}

// exportEvidence writes the object as it stands, signature and all, and the
// page for people.
func exportEvidence(ctx context.Context, r *repository.Repository, e show.Evidence, dir string) ([]string, error) {
	from, err := r.Reader(ctx, e.Object)
	if err != nil {
		return nil, err
	}
	signed, err := io.ReadAll(from)
	if err = errors.Join(err, from.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", e.Object, err)
	}
	return writeReport(filepath.Join(dir, fmt.Sprintf("%s-%012d", e.Name, e.Number)), e.Found, signed)
}

// writeReport writes signed evidence, and the page for people beside it.
func writeReport(base string, e proof.Evidence, signed []byte) ([]string, error) {
	page, err := e.HTML()
	if err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	files := []string{base + ".json", base + ".html"}
	err = errors.Join(os.MkdirAll(filepath.Dir(base), 0o750), os.WriteFile(files[0], signed, 0o640), os.WriteFile(files[1], page, 0o640)) //nolint:gosec // evidence is for others to read
	if err != nil {
		return nil, fmt.Errorf("write the evidence: %w", err)
	}
	return files, nil
}
