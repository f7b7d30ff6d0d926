package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/control"
	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/backup/restore"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sources"
)

// asking is how long a cluster of the configuration may take to tell its id.
const asking = 5 * time.Second

// recognised is the cluster with what the configuration says of it, also where a
// person named it by an address: what it protects it protects from everybody.
func (a *app) recognised(ctx context.Context, target *dialed) *dialed {
	if target.config != nil {
		return target
	}
	config, err := a.loadConfig()
	if err != nil {
		if _, missing := os.Stat(a.config); missing == nil {
			a.warn("the configuration cannot be read, so nobody looks whether an agent keeps this cluster: %v", err)
		}
		return target
	}
	out := *target
	for _, section := range config.Clusters {
		if slices.ContainsFunc(section.BootstrapServers, func(s string) bool { return slices.Contains(target.brokers, s) }) {
			out.config, out.whole = &section, config
			return &out
		}
	}
	id, err := target.id(ctx)
	if err != nil {
		return target // the restore will say so
	}
	for _, section := range config.Clusters {
		if idWithin(ctx, dialer(section), section.Name) == id {
			out.config, out.whole = &section, config
			return &out
		}
	}
	return target
}

// idWithin is a cluster's id, "" where it does not tell in time.
func idWithin(ctx context.Context, dial func(context.Context) (*kgo.Client, error), name string) string {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	id, err := (&dialed{label: name, dial: dial}).id(ctx)
	if err != nil {
		return ""
	}
	return id
}

// warn prints something worth knowing beside what was asked for.
func (a *app) warn(format string, args ...any) {
	a.printer(a.err).Warning(show.Problem{Text: fmt.Sprintf(format, args...)})
}

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
