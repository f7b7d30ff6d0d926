package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sinks/kafka/ledger"
	"github.com/ottla-io/ottla/sources"
)

const checkTimeout = 15 * time.Second

// sync opens its keys, and reads what the newest revision declares.
func (c *checks) sync(ctx context.Context, s agent.SyncConfig, newest sources.Snapshot) {
	area := "sync " + s.Name
	keys, err := keysOf(s)()
	if !c.note(area, "the keys for its secrets can be opened", err) {
		return
	}
	last := &c.done[len(c.done)-1]
	if last.Lines = keys.IDs(); len(last.Lines) == 0 {
		last.Lines = []string{"none: encrypted files would be errors"}
	}
	if newest.Tree == nil {
		return
	}
	read := reader{renderer: newRenderer(s), keys: keysOf(s), path: s.Path, cluster: s.Cluster, encryptedOnly: s.Secrets == "encrypted-only"}
	declared, err := read.read(ctx, newest)
	c.note(area, fmt.Sprintf("what %s declares can be read", s.Path), err,
		fmt.Sprintf("documents: %d, resources: %d", declared.Documents, len(declared.Resources)))
}

// cluster logs in, and asks what we may do.
func (c *checks) cluster(ctx context.Context, config agent.ClusterConfig) {
	area := "cluster " + config.Name
	what := "brokers answer on " + strings.Join(config.BootstrapServers, ", ")
	if c.skip(area, what) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	cluster, err := kafka.Connect(ctx, kafkaOptions(config))
	if err != nil {
		c.note(area, what, &sources.HintError{Err: err, Hint: "does a broker run there? are bootstrapServers, tls and sasl of this cluster right?"})
		return
	}
	defer cluster.Close()
	id, err := cluster.ID(ctx)
	if !c.note(area, what, err, "cluster id "+id) {
		return
	}
	rights, err := cluster.Rights(ctx)
	if err != nil {
		c.note(area, "brokers say what we may do", err)
		return
	}
	c.rights(area, config, rights)
	c.sharedLedger(ctx, area, config, cluster)
	c.backupRights(ctx, area, cluster)
}

// rights lists what we may do, and what is missing. What the configuration
// forbids anyway need not be had.
func (c *checks) rights(area string, config agent.ClusterConfig, r kafka.Rights) {
	if r.Principal != "" {
		c.add(area, "we are "+r.Principal)
	}
	for _, f := range r.Features {
		one := show.Checked{Area: area, What: f.Kind + ": " + f.Does, Verdict: show.Good, Lines: f.Doubt}
		switch {
		case f.Kind == kafka.KindTopic && f.Does == "delete" && !config.AllowDeletion.Topics:
			one.Verdict, one.Lines = show.Skipped, []string{"not needed: allowDeletion.topics is false"}
		case len(f.Lacks) > 0:
			one.Verdict, one.Lines = show.Lacking, append(f.Lacks, f.Doubt...)
			one.Hint = "docs/security.md lists the least rights as kafka-acls commands"
		case len(f.Doubt) > 0:
			one.Verdict = show.Unsure
		}
		c.done = append(c.done, one)
	}
}

// sharedLedger asks what a ledger in Kafka takes, reads it, and says who leads.
func (c *checks) sharedLedger(ctx context.Context, area string, config agent.ClusterConfig, cluster *kafka.Cluster) {
	if config.Ledger != agent.LedgerKafka {
		return
	}
	features, err := cluster.LedgerRights(ctx, cmp.Or(config.LedgerTopic, ledger.DefaultTopic))
	if err != nil {
		c.note(area, "brokers say what the ledger may do", err)
		return
	}
	c.rights(area, config, kafka.Rights{Features: features})
	shared, err := newSharedLedger(ctx, c.config, config, false)
	if err != nil {
		c.note(area, "the key that seals secrets can be read", err)
		return
	}
	defer func() { _ = shared.Close() }()
	_, err = shared.Replay(ctx)
	lease, failed := shared.l.Lease(ctx)
	if !c.note(area, "the ledger can be read", errors.Join(err, failed)) || lease == nil {
		return
	}
	last := &c.done[len(c.done)-1]
	last.Lines = []string{fmt.Sprintf("agent %s on %s led it last, since %s", lease.Agent, lease.Host, lease.Since.Format(time.RFC3339))}
	if shared.l.SealedOtherwise(lease) {
		c.done = append(c.done, show.Checked{
			Area: area, What: "all agents have one sealKeyFile", Verdict: show.Lacking, Hint: "copy the file from that agent: with another one every declared password is sent again at each takeover",
			Lines: []string{fmt.Sprintf("agent %s has another one", lease.Agent)},
		})
	}
}

// notifiers makes everybody who is told, and sends a test where asked.
func (c *checks) notifiers(ctx context.Context) {
	all, err := notifiersOf(c.config)
	if err != nil {
		c.note("notifications", "notifiers can be made", err)
		return
	}
	for _, n := range all {
		area, what := "notifier "+n.Name(), "a test message is sent"
		switch {
		case c.options.notify && !c.skip(area, what):
			ctx, cancel := context.WithTimeout(ctx, checkTimeout)
			_, err := n.Notify(ctx, testEvent())
			cancel()
			c.note(area, what, err)
		case !c.options.notify:
			c.done = append(c.done, show.Checked{Area: area, What: what, Verdict: show.Skipped, Lines: []string{"send one with --notify"}})
		}
	}
}

// testEvent is over as soon as it is told.
func testEvent() sinks.Event {
	now := time.Now()
	return sinks.Event{Incident: sinks.Incident{
		Key: "check/" + now.UTC().Format(time.RFC3339Nano), Severity: sinks.Info, Since: now,
		Title: "This is a test of ottla check --notify", Lines: []string{"If you can read this, you will be told of drift, of what is held and of what fails."},
	}}
}
