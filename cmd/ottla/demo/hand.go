package demo

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ottla-io/ottla/reconcile"
)

// Deed is something done to Kafka behind Git's back.
type Deed struct {
	ID      reconcile.ID // what it changes
	Command string       // how a person would do it
	Effect  string       // what it costs
	do      func(context.Context, *kadm.Client) error
}

// Deeds are a tired admin's late changes.
func Deeds() []Deed {
	return []Deed{
		{
			ID:      reconcile.ID{Kind: "Topic", Name: "orders"},
			Command: "kafka-configs --alter --topic orders --add-config retention.ms=3600000",
			Effect:  "orders are lost after an hour, not after a week",
			do:      shortenRetention,
		},
		{
			ID:      reconcile.ID{Kind: "AclSet", Name: "User:billing"},
			Command: "kafka-acls --add --allow-principal User:billing --operation All --topic '*'",
			Effect:  "billing may read, write and delete every topic",
			do:      openEverything,
		},
	}
}

// Do carries one out.
func (s *Stage) Do(ctx context.Context, d Deed) error {
	if err := d.do(ctx, s.admin); err != nil {
		return fmt.Errorf("change %s by hand: %w", d.ID, err)
	}
	return nil
}

func shortenRetention(ctx context.Context, admin *kadm.Client) error {
	hour := "3600000"
	answers, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &hour}}, "orders")
	if err != nil {
		return err
	}
	return answers[0].Err
}

func openEverything(ctx context.Context, admin *kadm.Client) error {
	answers, err := admin.CreateACLs(ctx, kadm.NewACLs().Allow("User:billing").AllowHosts("*").Topics("*").
		ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpAll))
	if err != nil {
		return err
	}
	return answers[0].Err
}
