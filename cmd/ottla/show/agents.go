package show

import (
	"time"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/agent"
)

// Agents prints who keeps the clusters.
func (p *Printer) Agents(all []agent.AgentView, now time.Time) error {
	if done, err := p.Value(all); done {
		return err
	}
	if len(all) == 0 {
		p.linef("no agent runs")
		return nil
	}
	g := grid{head: []string{"CLUSTER", "AGENT", "HOST", "ROLE", "SINCE", "LEDGER"}}
	for _, a := range all {
		since := "–"
		if !a.Since.IsZero() {
			since = age(a.Since, now)
		}
		g.row(a.Cluster, a.Agent, a.Host, a.Role, since, a.Ledger)
		if a.Role == agent.RoleLeader {
			g.rows[len(g.rows)-1][3].paint = []color.Attribute{color.FgGreen}
		}
	}
	p.grid(g)
	return nil
}
