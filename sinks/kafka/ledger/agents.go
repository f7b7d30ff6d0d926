package ledger

import (
	"context"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Agent is one that takes part in the election.
type Agent struct {
	Agent string
	Host  string
	Leads bool
}

// Agents lists those that are there, as the group knows them.
func (l *Ledger) Agents(ctx context.Context) (all []Agent, err error) {
	err = l.dialed(ctx, func(client *kgo.Client) error {
		all, err = agentsOf(ctx, client, l.o.Topic)
		return err
	})
	return all, err
}

func agentsOf(ctx context.Context, client *kgo.Client, group string) ([]Agent, error) {
	what := "list the agents of group " + group
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, inWords(what, err)
	}
	var all []Agent
	for _, g := range resp.Groups {
		if g.ErrorCode == kerr.GroupIDNotFound.Code {
			continue
		}
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
			return nil, inWords(what, err)
		}
		for _, m := range g.Members {
			c := candidateOf(m.ProtocolMetadata)
			if c.Agent == "" {
				c.Agent, c.Host = m.ClientID, strings.TrimPrefix(m.ClientHost, "/")
			}
			all = append(all, Agent{c.Agent, c.Host, elected(m.MemberAssignment, group)})
		}
	}
	return all, nil
}
