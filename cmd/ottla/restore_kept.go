package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/control"
	"github.com/ottla-io/ottla/sinks/backup/restore"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sources"
)

// kept are the topics of a restore that a running agent keeps as Git declares
// them. It knows nothing of this command, and would set retention back while
// records are written.
func (a *app) kept(ctx context.Context, plan restore.Plan, target *dialed) ([]restore.Problem, error) {
	if target.config == nil {
		return nil, nil
	}
	daemon, err := control.Dial(ctx, target.whole.Socket)
	if errors.Is(err, control.ErrNoDaemon) {
		return nil, nil
	}
	if err != nil {
		return nil, &sources.HintError{Err: fmt.Errorf("ask the running agent which topics it keeps: %w", err), Hint: "run this command as the agent's own user"}
	}
	all, err := daemon.Resources(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the running agent which topics it keeps: %w", err)
	}
	var out []restore.Problem
	for _, t := range plan.Topics {
		i := slices.IndexFunc(all, func(v agent.ResourceView) bool {
			return v.Declared && v.Skip == "" && v.Cluster == target.config.Name && v.ID.Kind == kafka.KindTopic && v.ID.Name == t.Target
		})
		if i >= 0 && t.Action != "done" {
			out = append(out, restore.Problem{
				Where: "topic " + t.Target,
				Text:  fmt.Sprintf("sync %s of the running agent keeps it, and would set its retention back while it is restored", all[i].Sync),
				Hint: "declare a KafkaRestore in Git, which it waits for; or pause the topic there until the restore is done (strimzi.io/pause-reconciliation: \"true\"); " +
					"or restore beside it: --rename " + t.Source + "=" + t.Target + "-restored",
			})
		}
	}
	return out, nil
}
