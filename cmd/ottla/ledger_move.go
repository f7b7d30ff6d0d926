package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/control"
	"github.com/ottla-io/ottla/agent/journal"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka/ledger"
	"github.com/ottla-io/ottla/sources"
)

func (a *app) ledgerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Move the ledger between a file and Kafka, or rebuild one that was lost",
		Args:  cobra.ArbitraryArgs,
		RunE:  unknownCommand,
	}
	cmd.AddCommand(a.ledgerMoveCommand(), a.ledgerRebuildCommand())
	return cmd
}

func (a *app) ledgerMoveCommand() *cobra.Command {
	var to, cluster string
	cmd := &cobra.Command{
		Use:   "move --to kafka|file",
		Short: "Move the ledger into Kafka, or back into a file",
		Long: "Move the ledger of a cluster into its topic, or back into a file of the state directory. Nothing of what it says\n" +
			"is lost. Stop the agent on this machine first; while another agent leads, nothing is moved. Afterwards set ledger:\n" +
			"in the configuration to where it is now. A second run finds it moved, and does nothing.",
		Example: "  ottla ledger move --to kafka\n  ottla ledger move --to file --cluster production",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to != agent.LedgerFile && to != agent.LedgerKafka {
				return &usageError{fmt.Errorf("%q is no place for a ledger", to), "--to takes kafka or file"}
			}
			return a.withLedger(cmd.Context(), cluster, func(m *mover) error {
				if to == agent.LedgerKafka {
					return m.toKafka(cmd.Context())
				}
				return m.toFile(cmd.Context())
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "where it goes: kafka or file")
	clusterFlag(cmd, &cluster)
	return cmd
}

func (a *app) ledgerRebuildCommand() *cobra.Command {
	var cluster string
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Begin a new ledger where the topic that held it is gone",
		Long: "Begin a new, empty ledger in the place of a topic that was deleted. Everything declared is adopted anew; nothing is\n" +
			"deleted: what left Git meanwhile is no longer owned, and deletions of what is adopted wait for a person. The agents\n" +
			"that waited go on with it. Where nothing is lost, nothing is done.",
		Example: "  ottla ledger rebuild",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.rebuild(cmd.Context(), cluster)
		},
	}
	clusterFlag(cmd, &cluster)
	return cmd
}

func clusterFlag(cmd *cobra.Command, cluster *string) {
	cmd.Flags().StringVar(cluster, "cluster", "", "name of the cluster, where the configuration has several")
}

// rebuild runs beside a daemon, which waits for nothing else.
func (a *app) rebuild(ctx context.Context, name string) error {
	config, err := a.loadConfig()
	if err != nil {
		return err
	}
	cluster, err := theCluster(config, name, "")
	if err != nil {
		return err
	}
	if cluster.Ledger != agent.LedgerKafka {
		return &sources.HintError{Err: fmt.Errorf("the ledger of cluster %s is a file", cluster.Name), Hint: "docs/operations.md says what to do about a file that is damaged or lost"}
	}
	s, err := newSharedLedger(ctx, config, cluster, false)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	done, err := s.l.Rebuild(ctx)
	if err != nil {
		return hinted(err)
	}
	if !done {
		a.say("Nothing is lost: the ledger of cluster %s is in its topic, or there never was one.", cluster.Name)
		return nil
	}
	a.say("The ledger of cluster %s begins anew. Everything declared is adopted; look at it with: ottla plan", cluster.Name)
	return nil
}

// mover moves the ledger of one cluster. It holds the state directory.
type mover struct {
	app     *app
	config  *agent.Config
	cluster agent.ClusterConfig
	shared  *sharedLedger
}

// withLedger lets a function move a ledger that no agent of this machine uses.
func (a *app) withLedger(ctx context.Context, name string, do func(*mover) error) error {
	config, err := a.loadConfig()
	if err != nil {
		return err
	}
	cluster, err := theCluster(config, name, "")
	if err != nil {
		return err
	}
	daemon, err := control.Dial(ctx, config.Socket)
	if daemon != nil {
		return &exitError{exitLocked, &sources.HintError{Err: errors.New("an agent runs on this machine"), Hint: "stop it, and then move its ledger"}}
	}
	if !errors.Is(err, control.ErrNoDaemon) {
		return err
	}
	unlock, err := journal.LockDir(config.StateDir)
	if err != nil {
		return err
	}
	defer func() { _ = unlock() }()
	shared, err := newSharedLedger(ctx, config, cluster, true)
	if err != nil {
		return err
	}
	defer func() { _ = shared.Close() }()
	return do(&mover{app: a, config: config, cluster: cluster, shared: shared})
}

// held is the ledger in the file, nil where there is none.
func (m *mover) held() (*reconcile.State, int, error) {
	there, err := journal.InFile(m.config.StateDir, m.cluster.Name)
	if err != nil || !there {
		return nil, 0, err
	}
	return journal.Read(m.config.StateDir, m.cluster.Name)
}

// toKafka first writes the topic, then puts the file aside: a crash in between
// leaves both, which say the same.
func (m *mover) toKafka(ctx context.Context) error {
	file, seq, err := m.held()
	if err != nil {
		return err
	}
	if file == nil {
		known, err := journal.Topic(m.config.StateDir, m.cluster.Name)
		if err != nil {
			return err
		}
		if known == "" {
			return &sources.HintError{Err: fmt.Errorf("cluster %s has no ledger in %s", m.cluster.Name, m.config.StateDir), Hint: "set ledger: kafka: the first agent begins one"}
		}
		m.app.say("The ledger of cluster %s is in Kafka already. Set ledger: kafka.", m.cluster.Name)
		return nil
	}
	if err := m.shared.Claim(ctx); err != nil {
		return err
	}
	if err := m.shared.l.Import(ctx, file, seq); errors.Is(err, ledger.ErrHolds) {
		err = m.same(ctx, file)
		if err != nil {
			return err
		}
	} else if err != nil {
		return hinted(err)
	}
	if err := journal.Retire(m.config.StateDir, m.cluster.Name); err != nil {
		return err
	}
	m.app.say("The ledger of cluster %s is in Kafka now. Set ledger: kafka, and start the agents.%s", m.cluster.Name, m.otherKey())
	return nil
}

// otherKey warns where passwords were sealed with the state directory's own key.
func (m *mover) otherKey() string {
	own, err := journal.Key(m.config.StateDir)
	used, failed := sealKey(m.config)
	if err != nil || failed != nil || m.config.SealKeyFile != "" && bytes.Equal(own, used) {
		return ""
	}
	return "\nLet sealKeyFile be a copy of seal.key in the state directory, on all agents; with another key every declared password is sent once more."
}

// toFile first writes the file, then says so in the topic.
func (m *mover) toFile(ctx context.Context) error {
	file, _, err := m.held()
	if err != nil {
		return err
	}
	known, err := journal.Topic(m.config.StateDir, m.cluster.Name)
	if err != nil {
		return err
	}
	if file != nil && known == "" {
		m.app.say("The ledger of cluster %s is a file already. Set ledger: file.", m.cluster.Name)
		return nil
	}
	if err := m.shared.Claim(ctx); err != nil {
		return err
	}
	if err := m.takeHome(ctx, file); err != nil {
		return err
	}
	if err := journal.SetTopic(m.config.StateDir, m.cluster.Name, ""); err != nil {
		return err
	}
	m.app.say("The ledger of cluster %s is a file now. Set ledger: file on this machine, and keep the other agents stopped.", m.cluster.Name)
	return nil
}

func (m *mover) takeHome(ctx context.Context, file *reconcile.State) error {
	entries, moved, err := m.shared.l.Stands(ctx)
	if err != nil {
		return hinted(err)
	}
	switch {
	case moved != "" && file != nil, entries == 0 && file != nil:
		return nil // what was begun earlier is ended
	case moved != "":
		return &sources.HintError{Err: fmt.Errorf("the ledger was moved to %s", moved), Hint: "run the agent there; or move it back into Kafka from there"}
	}
	state, err := m.shared.Replay(ctx)
	if err != nil {
		return err
	}
	if file != nil {
		if err := m.same(ctx, file); err != nil {
			return err
		}
	} else if err := journal.Write(m.config.StateDir, m.cluster.Name, state, entries); err != nil {
		return err
	}
	return hinted(m.shared.l.Depart(ctx, "a file on "+hostName()))
}

// same is an error unless file and topic hold the same ledger: one of them was
// written since.
func (m *mover) same(ctx context.Context, file *reconcile.State) error {
	topic, err := m.shared.Replay(ctx)
	if err != nil {
		return err
	}
	a, errA := json.Marshal(file)
	b, errB := json.Marshal(topic)
	if err := errors.Join(errA, errB); err != nil || bytes.Equal(a, b) {
		return err
	}
	return &sources.HintError{
		Err:  fmt.Errorf("both the file and the topic hold a ledger of cluster %s, and they differ", m.cluster.Name),
		Hint: "find out which one is in use; put the file aside (CLUSTER.ledger), or delete the topic, and run this again",
	}
}
