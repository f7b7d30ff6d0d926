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
		g, err := settled(ctx, client, l.o)
		for _, m := range g.Members {
			c := candidateOf(m.ProtocolMetadata)
			if c.Agent == "" {
				c.Agent, c.Host = m.ClientID, strings.TrimPrefix(m.ClientHost, "/")
			}
			all = append(all, Agent{c.Agent, c.Host, elected(m.MemberAssignment, l.o.Topic)})
		}
		return err
	})
	return all, err
}

// settled is the group once it does not elect: until then it says nothing of its
// members. One that goes on electing for longer is told as it is. On a cluster
// that never had a group brokers first make room for them.
func settled(ctx context.Context, client *kgo.Client, o Options) (kmsg.DescribeGroupsResponseGroup, error) {
	waiting, cancel := context.WithTimeout(ctx, 2*o.Session)
	defer cancel()
	for {
		g, err := describe(ctx, client, o.Topic)
		electing := g.State == "PreparingRebalance" || g.State == "CompletingRebalance"
		again := electing || kerr.IsRetriable(err)
		if !again || !pause(waiting, lookEvery) {
			return g, err
		}
	}
}

func describe(ctx context.Context, client *kgo.Client, group string) (kmsg.DescribeGroupsResponseGroup, error) {
	none := kmsg.NewDescribeGroupsResponseGroup()
	what := "list the agents of group " + group
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return none, inWords(what, err)
	}
	if len(resp.Groups) != 1 || resp.Groups[0].ErrorCode == kerr.GroupIDNotFound.Code {
		return none, nil // nobody was in it yet
	}
	if err := kerr.ErrorForCode(resp.Groups[0].ErrorCode); err != nil {
		return none, inWords(what, err)
	}
	return resp.Groups[0], nil
}
