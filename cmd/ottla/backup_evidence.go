package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
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
	var files []string
	cmd := &cobra.Command{
		Use:   "evidence [NAME]",
		Short: "Show what drills and validations that Git declares have found",
		Long: "Show what drills and validations that Git declares have found, oldest first; signatures are checked,\n" +
			"and whoever signed is shown. --trusted-key refuses what anybody else has signed: the key of evidence.signing is verified with it, too.\n" +
			"With a name and --output the newest of it is written as signed JSON, and as a page for people, also as PDF.\n\n" +
			"--file reads signed JSON that was copied out of a store (evidence.storage), or written by --output; it needs no store.",
		Example: "  ottla backup evidence --store s3://backups/kafka\n" +
			"  ottla backup evidence default.quarterly --store s3://backups/kafka --output evidence\n" +
			"  ottla backup evidence --file 000000000007.json --trusted-key oxqr2Kmw8Usrako8pDOyKrA6ej95j1htSiW8SUyPA4E=",
		Args: arguments(0, 1, "name of a validation, such as default.quarterly"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := append(args, "")[0]
			if dir != "" && name == "" {
				return &usageError{errors.New("--output writes the evidence of one validation"), "name it: ottla backup evidence lists the names"}
			}
			if len(files) > 0 {
				return a.evidenceFiles(files, name+dir+o.store, o)
			}
			return a.withStore(cmd.Context(), o, func(s *openStore) error { return a.backupEvidence(cmd.Context(), s, o, name, dir) })
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&dir, "output", "", "with NAME: write the newest into this directory")
	cmd.Flags().StringArrayVar(&files, "file", nil, "signed JSON of evidence to read instead of a store; may be repeated")
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

// evidenceFiles reads signed evidence that somebody has as files. Without a
// trusted key whoever signed is only shown.
func (a *app) evidenceFiles(files []string, more string, o storeFlags) error {
	if more != "" {
		return &usageError{errors.New("--file reads files alone"), "leave out NAME, --store and --output"}
	}
	var s openStore
	if err := s.trust(o.trusted); err != nil {
		return err
	}
	var all []show.Evidence
	for _, file := range files {
		signed, err := os.ReadFile(file) //nolint:gosec // the operator names the file
		if err != nil {
			return fmt.Errorf("read evidence: %w", err)
		}
		found, signer, err := proof.Read(signed)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if !s.trusts(signer) {
			return &sources.HintError{
				Err:  fmt.Errorf("%s: %w", file, &repository.UntrustedError{Signer: signer}),
				Hint: "without --trusted-key it is read, and whoever signed it is shown",
			}
		}
		all = append(all, show.Evidence{Name: filepath.Base(file), Object: file, Signer: base64.StdEncoding.EncodeToString(signer), Found: found})
	}
	return a.printer(a.out).Evidence(all, time.Now())
}

// trusts tells whether a key may have signed what is read.
func (s *openStore) trusts(signer ed25519.PublicKey) bool {
	return len(s.trusted) == 0 || slices.ContainsFunc(s.trusted, func(k ed25519.PublicKey) bool { return k.Equal(signer) })
}

func evidenceOf(ctx context.Context, r *repository.Repository, name string) ([]show.Evidence, error) {
	var all []show.Evidence
	series := evidenceDir + "/" + name
	found := r.Series(series, "evidence")
	err := found.Each(ctx, func(number int64, _ time.Time, _ func(any) error) error {
		one := show.Evidence{Name: name, Number: number, Object: fmt.Sprintf("%s/%012d.json", series, number)}
		signer, err := found.Read(ctx, number, &one.Found)
		if err != nil {
			return err
		}
		one.Signer = base64.StdEncoding.EncodeToString(signer)
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

// writeReport writes signed evidence, and the page for people beside it, also
// as PDF.
func writeReport(base string, e proof.Evidence, signed []byte) ([]string, error) {
	page, err := e.HTML()
	if err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	printed, err := e.PDF()
	if err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	err = os.MkdirAll(filepath.Dir(base), 0o750)
	var files []string
	for _, one := range []struct {
		ending string
		body   []byte
	}{{".json", signed}, {".html", page}, {".pdf", printed}} {
		files = append(files, base+one.ending)
		err = errors.Join(err, os.WriteFile(base+one.ending, one.body, 0o640)) //nolint:gosec // evidence is for others to read
	}
	if err != nil {
		return nil, fmt.Errorf("write the evidence: %w", err)
	}
	return files, nil
}
