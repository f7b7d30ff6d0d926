package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/reconcile/strict"
)

func (a *app) schemaCommand() *cobra.Command {
	var names []string
	for _, k := range documentKinds() {
		names = append(names, k.Kind)
	}
	return &cobra.Command{
		Use:       "schema [KIND]",
		Short:     "Print the JSON Schema of a document kind, or of all",
		Long:      "Print the JSON Schema (draft 2020-12) of a document kind, for editors and kubeconform.\nWithout KIND: all of them, by kind.",
		Example:   "  ottla schema KafkaTopic > kafkatopic.json",
		Args:      arguments(0, 1, "KIND"),
		ValidArgs: names,
		RunE: func(_ *cobra.Command, args []string) error {
			out := a.printer(a.out)
			if out.Format == show.Text {
				out.Format = show.JSON // a schema is JSON
			}
			all := map[string]*strict.JSONSchema{}
			for _, k := range documentKinds() {
				all[k.Kind] = strict.KindSchema(k)
				if len(args) == 1 && strings.EqualFold(args[0], k.Kind) {
					_, err := out.Value(all[k.Kind])
					return err
				}
			}
			if len(args) == 1 {
				return &usageError{fmt.Errorf("unknown document kind %s%s", args[0], strict.DidYouMean(args[0], names)), "ottla schema prints all of them"}
			}
			_, err := out.Value(all)
			return err
		},
	}
}
