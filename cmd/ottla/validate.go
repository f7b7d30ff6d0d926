package main

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sources"
)

func (a *app) validateCommand() *cobra.Command {
	var paths []string
	var style string
	var encrypted bool
	var given values
	cmd := &cobra.Command{
		Use:   "validate DIR",
		Short: "Check a repository without cluster and keys",
		Long: "Render and decode a repository, and say everything that is wrong with it. It needs no cluster and no keys:\n" +
			"encrypted values are replaced by placeholders. Where DIR has overlays/, each of them is checked.\n\n" +
			"Ends with 1 where a document is wrong, and the whole revision would be; with 3 where a document is right, and\n" +
			"is never carried out as it is written.",
		Example: "  ottla validate .\n  ottla validate . --path overlays/dev\n  ottla validate . --format github",
		Args:    arguments(1, 1, "the directory of a repository"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if style != "text" && style != "github" {
				return &usageError{fmt.Errorf("unknown format %q", style), "--format takes text or github"}
			}
			at, err := locate(args[0])
			if err != nil {
				return err
			}
			report := validate(cmd.Context(), overlays(at, paths), given.reader(encrypted))
			if err := a.printer(a.out).Validated(report, style == "github"); err != nil {
				return err
			}
			return exit(validateCode(report))
		},
	}
	cmd.Flags().StringArrayVar(&paths, "path", nil, "only this path below DIR; may be repeated")
	cmd.Flags().StringVar(&style, "format", "text", "text, or github for annotations of a GitHub job")
	cmd.Flags().BoolVar(&encrypted, "encrypted-only", false, "a Secret in plain text is an error, as with secrets: encrypted-only")
	given.flags(cmd)
	return cmd
}

// validateCode is 3 where a document is refused by itself: the rest is kept.
func validateCode(v show.Validation) int {
	switch {
	case !v.Valid:
		return exitFailed
	case slices.ContainsFunc(v.Paths, func(p show.ValidatedPath) bool { return len(p.Refused) > 0 }):
		return exitPartial
	default:
		return exitDone
	}
}

// overlays are the paths to check: those that were named, each overlay, or the
// directory itself.
func overlays(at place, named []string) []place {
	var all []place
	for _, one := range named {
		all = append(all, at.below(one))
	}
	entries, err := fs.ReadDir(at.tree, path.Join(at.path, "overlays"))
	if len(all) > 0 || err != nil {
		return orItself(all, at)
	}
	for _, e := range entries {
		if e.IsDir() {
			all = append(all, at.below("overlays/"+e.Name()))
		}
	}
	return orItself(all, at)
}

func orItself(all []place, at place) []place {
	if len(all) == 0 {
		return []place{at}
	}
	return all
}

// validate reads every path, and gathers what is wrong with any.
func validate(ctx context.Context, all []place, read reader) show.Validation {
	out := show.Validation{Valid: true, Root: all[0].root}
	for _, one := range all {
		checked := validateOne(ctx, one, read)
		out.Valid = out.Valid && len(checked.Errors) == 0
		out.Paths = append(out.Paths, checked)
	}
	return out
}

func validateOne(ctx context.Context, at place, read reader) show.ValidatedPath {
	out := show.ValidatedPath{Path: at.path, Errors: []show.Problem{}}
	read.path = at.path
	declared, err := read.read(ctx, sources.Snapshot{Tree: at.tree})
	if err != nil {
		out.Errors = show.Problems(err, "")
		return out
	}
	out.Documents = declared.Documents
	out.Resources = byKind(declared.Resources)
	for _, r := range declared.Remarks {
		out.Remarks = append(out.Remarks, show.Problem{Text: r.Text, File: r.Origin.File, Line: r.Origin.Line})
	}
	out.Refused = refusals(declared.Resources)
	return out
}

// refusals are the documents that are never carried out as they are written.
func refusals(all []reconcile.Resource) []show.Problem {
	var out []show.Problem
	for _, r := range all {
		if why := r.Fields[backup.FieldRefused].Text(); why != "" && (r.ID.Kind == backup.KindPolicy || r.ID.Kind == backup.KindJob) {
			at := append(r.Origins[backup.FieldRefused], reconcile.Origin{})[0]
			out = append(out, show.Problem{Text: r.ID.String() + ": " + why, File: at.File, Line: at.Line})
		}
	}
	return out
}

func byKind(all []reconcile.Resource) map[string]int {
	n := map[string]int{}
	for _, r := range all {
		n[r.ID.Kind]++
	}
	return n
}
