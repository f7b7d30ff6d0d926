package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/agent"
)

func (a *app) getCommand() *cobra.Command {
	var unowned bool
	cmd := &cobra.Command{
		Use:     "get [KIND[/NAME]]",
		Short:   "List what is declared, owned or live",
		Example: "  ottla get\n  ottla get Topic\n  ottla get Topic/orders -o yaml\n  ottla get --unowned",
		Args:    arguments(0, 1, "KIND or KIND/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(s *steering) error {
				all, err := s.Resources(cmd.Context())
				if err != nil {
					return err
				}
				return a.printer(a.out).Resources(selected(all, args, unowned), len(args) == 1 && strings.Contains(args[0], "/"))
			})
		},
	}
	cmd.Flags().BoolVar(&unowned, "unowned", false, "only what lives and nobody declares or owns")
	return cmd
}

// selected keeps what was asked for. Kafka's own things are shown by name only.
func selected(all []agent.ResourceView, args []string, unowned bool) []agent.ResourceView {
	kind, name, named := "", "", false
	if len(args) == 1 {
		kind, name, named = strings.Cut(args[0], "/")
	}
	out := []agent.ResourceView{}
	for _, r := range all {
		switch {
		case kind != "" && !strings.EqualFold(r.ID.Kind, kind), named && r.ID.Name != name:
		case unowned && r.State != "unowned", !named && r.State == "internal":
		default:
			out = append(out, r)
		}
	}
	return out
}
