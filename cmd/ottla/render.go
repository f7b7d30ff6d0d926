package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

func (a *app) renderCommand() *cobra.Command {
	var given values
	cmd := &cobra.Command{
		Use:   "render DIR",
		Short: "Print the documents a directory renders to, secrets masked",
		Long:  "Print the documents that a directory renders to, with secrets masked. It needs no keys.",
		Args:  arguments(1, 1, "a directory, such as overlays/dev"),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := locate(args[0])
			if err != nil {
				return err
			}
			read := given.reader(false)
			read.path = at.path
			rendered, err := read.render(cmd.Context(), sources.Snapshot{Tree: at.tree})
			if err != nil {
				return err
			}
			return a.printer(a.out).Documents(masked(rendered.Documents))
		},
	}
	given.flags(cmd)
	return cmd
}

// masked keeps the values of Secrets out of what is printed.
func masked(docs []reconcile.Document) []show.Document {
	out := make([]show.Document, 0, len(docs))
	for _, doc := range docs {
		secret := strings.EqualFold(doc.Kind, "Secret")
		out = append(out, show.Document{Origin: doc.Origin, Body: show.Masked(doc.Body, func(path []string) bool {
			return secret && !slices.Contains([]string{"apiVersion", "kind", "metadata", "type", "immutable"}, path[0])
		})})
	}
	return out
}
