package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup/work"
	"github.com/ottla-io/ottla/sources"
)

// adhoc is what a directory is planned with: a sync of the configuration, or
// what the flags say.
type adhoc struct {
	bootstrap []string
	ageKeys   []string
	pgpKeys   []string
	sync      string
}

func (o *adhoc) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.bootstrap, "bootstrap", nil, "with DIR: host:port of brokers, instead of a configuration")
	f.StringSliceVar(&o.ageKeys, "age-key", nil, "with DIR: file of age keys for SOPS")
	f.StringSliceVar(&o.pgpKeys, "pgp-key", nil, "with DIR: file of PGP keys for SOPS")
	f.StringVar(&o.sync, "sync", "", "with DIR: plan as this sync of the configuration does")
}

// planDirectory plans a directory on a live cluster, without a ledger.
func (a *app) planDirectory(ctx context.Context, dir string, o adhoc) error {
	agent, err := a.adhocAgent(dir, o)
	if err != nil {
		return err
	}
	views, err := agent.Plan(ctx)
	for _, c := range agent.Clusters {
		c.Close()
	}
	if err != nil {
		return err
	}
	for i := range views {
		for j := range views[i].Syncs {
			s := &views[i].Syncs[j]
			s.Remarks = append(s.Remarks, reconcile.Remark{Text: "planned without a ledger: what would be removed is not known"})
		}
	}
	return a.planned(views)
}

func (a *app) adhocAgent(dir string, o adhoc) (*agent.Agent, error) {
	at, err := locate(dir)
	if err != nil {
		return nil, err
	}
	config, cluster, sync, err := a.adhocConfig(o)
	if err != nil {
		return nil, err
	}
	beside, err := workOptions(config, cluster)
	if err != nil {
		return nil, err
	}
	safe, err := newProtected(cluster)
	if err != nil {
		return nil, err
	}
	if len(o.ageKeys)+len(o.pgpKeys) > 0 {
		sync.SOPS = agent.SOPSConfig{AgeKeyFiles: o.ageKeys, PGPKeyFiles: o.pgpKeys}
	}
	read := reader{renderer: newRenderer(sync), keys: keysOf(sync), path: at.path, cluster: sync.Cluster, encryptedOnly: sync.Secrets == "encrypted-only"}
	snapshot := func(context.Context) (sources.Snapshot, error) {
		return sources.Snapshot{Revision: "directory", Ref: "directory " + dir, Tree: at.tree}, nil
	}
	one := &agent.Sync{
		Name: sync.Name, Mode: agent.Apply, Guards: guardsOf(cluster, sync, safe), Rules: rulesOf(sync), Feed: &agent.Feed{Newest: snapshot}, Read: read.read,
		Binding: reconcile.Binding{Repository: dir, Path: at.path, Ref: "directory"},
	}
	return agent.New(agent.Options{Log: a.quietLog(), Clusters: []*agent.Cluster{{
		Name: cluster.Name, Connect: withKinds(connectTo(kafkaOptions(cluster), safe), work.New(beside).Kinds()), Ledger: noLedger{}, Now: time.Now, Step: a.step, Syncs: []*agent.Sync{one},
	}}}), nil
}

// adhocConfig is the configuration with the sync that was named, the only one
// there is, or none where --bootstrap says which cluster is meant.
func (a *app) adhocConfig(o adhoc) (*agent.Config, agent.ClusterConfig, agent.SyncConfig, error) {
	if len(o.bootstrap) > 0 {
		cluster := agent.ClusterConfig{Name: o.bootstrap[0], BootstrapServers: o.bootstrap}
		return &agent.Config{Clusters: []agent.ClusterConfig{cluster}}, cluster,
			agent.SyncConfig{Name: "directory", Drift: reconcile.DriftHeal}, nil
	}
	config, err := a.loadConfig()
	if err != nil {
		return nil, agent.ClusterConfig{}, agent.SyncConfig{}, &sources.HintError{
			Err: err, Hint: "with --bootstrap HOST:PORT a directory is planned without a configuration"}
	}
	var names []string
	for _, s := range config.Syncs {
		if s.Name == o.sync || o.sync == "" && len(config.Syncs) == 1 {
			cluster, _ := config.Cluster(s.Cluster)
			return config, cluster, s, nil
		}
		names = append(names, s.Name)
	}
	return nil, agent.ClusterConfig{}, agent.SyncConfig{}, &usageError{
		fmt.Errorf("the configuration has the syncs %q", names), "say which one is meant: --sync NAME"}
}

// noLedger remembers nothing: nothing is owned.
type noLedger struct{}

func (noLedger) Replay(context.Context) (*reconcile.State, error) { return reconcile.NewState(), nil }

func (noLedger) Append(context.Context, reconcile.Entry) error {
	return errors.New("there is no ledger: nothing can be carried out")
}
