package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sources"
)

func (a *app) getCommand() *cobra.Command {
	var unowned bool
	cmd := &cobra.Command{
		Use:   "get [KIND[/NAME]]",
		Short: "List what is declared, owned or live",
		Long: "List what is declared, owned or live, as the running agent sees it, or this command where none runs.\n\n" +
			"With --unowned what lives and nobody declares or owns is counted and listed: topics, users, access, quotas, broker\n" +
			"configuration, and what is left alone on things that are owned since they were adopted. None of it is ever touched.",
		Example: "  ottla get\n  ottla get Topic\n  ottla get Topic/orders -o yaml\n  ottla get --unowned",
		Args:    arguments(0, 1, "KIND or KIND/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(s *steering) error {
				all, err := s.Resources(cmd.Context())
				if err != nil {
					return err
				}
				if err := findable(all, args); err != nil {
					return err
				}
				if unowned {
					return a.printer(a.out).Unowned(unownedOf(selected(all, args)))
				}
				return a.printer(a.out).Resources(selected(all, args), len(args) == 1 && strings.Contains(args[0], "/"))
			})
		},
	}
	cmd.AddCommand(a.getAgentsCommand())
	cmd.Flags().BoolVar(&unowned, "unowned", false, "only what lives and nobody declares or owns, counted")
	return cmd
}

// findable is an error where a thing was asked for that is not there, or a
// kind that Kafka has none of.
func findable(all []agent.ResourceView, args []string) error {
	if len(args) == 0 {
		return nil
	}
	kind, _, named := strings.Cut(args[0], "/")
	kinds := []string{kafka.KindTopic, kafka.KindScramCredential, kafka.KindACLSet, kafka.KindQuotaEntity, kafka.KindBrokerConfig}
	switch {
	case !slices.ContainsFunc(kinds, func(k string) bool { return strings.EqualFold(k, kind) }):
		return &usageError{fmt.Errorf("there is no kind %s", kind), "the kinds are " + strings.Join(kinds, ", ")}
	case named && len(selected(all, args)) == 0:
		return &sources.HintError{Err: fmt.Errorf("%s is neither declared nor live", args[0]), Hint: "ottla get " + kind + " lists what there is"}
	default:
		return nil
	}
}

// selected keeps what was asked for. Kafka's own things are shown by name only.
func selected(all []agent.ResourceView, args []string) []agent.ResourceView {
	kind, name, named := "", "", false
	if len(args) == 1 {
		kind, name, named = strings.Cut(args[0], "/")
	}
	out := []agent.ResourceView{}
	for _, r := range all {
		switch {
		case kind != "" && !strings.EqualFold(r.ID.Kind, kind), named && r.ID.Name != name:
		case !named && r.State == "internal":
		default:
			out = append(out, r)
		}
	}
	return out
}

// unownedOf keeps what nobody declares or owns, and what is left alone on things
// that are owned, and counts it.
func unownedOf(all []agent.ResourceView) show.Unowned {
	out := show.Unowned{Counts: map[string]show.UnownedCount{}, Resources: []agent.ResourceView{}}
	for _, r := range all {
		count := out.Counts[r.ID.Kind]
		switch {
		case r.State == "unowned":
			count.Things++
			if kafka.Rules()[r.ID.Kind].Bag {
				count.Entries += len(r.Live)
			}
		case len(r.Alone) > 0:
			count.LeftAlone += len(r.Alone)
		default:
			continue
		}
		out.Counts[r.ID.Kind] = count
		out.Resources = append(out.Resources, r)
	}
	return out
}
