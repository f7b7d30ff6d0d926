package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/agent"
)

func (a *app) getAgentsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "agents",
		Short: "List the agents of each cluster, and show who leads",
		Long: "List the agents of each cluster, and show who leads. Several agents can keep a cluster whose ledger is in Kafka\n" +
			"(ledger: kafka); a ledger in a file belongs to the agent that runs.",
		Example: "  ottla get agents\n  ottla get agents -o json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(s *steering) error {
				all, err := s.Agents(cmd.Context())
				if err != nil {
					return err
				}
				return a.printer(a.out).Agents(a.running(all, s.daemon), time.Now())
			})
		},
	}
}

// running leaves out what is no running agent: this very command.
func (a *app) running(all []agent.AgentView, daemon bool) []agent.AgentView {
	out := []agent.AgentView{}
	for _, one := range all {
		if daemon || one.Ledger != agent.LedgerFile {
			out = append(out, one)
		}
	}
	return out
}
