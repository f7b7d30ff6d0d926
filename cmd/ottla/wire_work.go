package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/work"
)

// work makes what goes on beside the rounds of one cluster. Nothing of it works
// before the agent does.
func (h *house) work(c agent.ClusterConfig, shared *sharedLedger, with hooks) (*work.Service, error) {
	o, err := workOptions(h.config, c)
	if err != nil {
		return nil, err
	}
	if shared != nil {
		o.Shelf = jobShelf{shared.l}
		for i := range o.Clusters {
			// Whatever cluster it writes to, it works for the one that is led.
			o.Clusters[i].Options = held(o.Clusters[i].Options, shared)
		}
	}
	if o.Key, err = signingKey(h.config); err != nil {
		return nil, err
	}
	if o.Trusted, err = trustedKeys(h.config, o.Key); err != nil {
		return nil, err
	}
	o.Poke, o.Step = func() { h.agent.Poke() }, with.step
	if with.worked != nil {
		o.Told = func(all []sinks.Incident) { with.worked(c.Name, all) }
	}
	return work.New(o), nil
}

// workOptions is what a configuration says of work on a cluster: enough to look,
// without a key to sign with.
func workOptions(config *agent.Config, c agent.ClusterConfig) (work.Options, error) {
	stores, err := workStores(config)
	if err != nil {
		return work.Options{}, err
	}
	b := config.Backups
	o := work.Options{
		Cluster: c.Name, Stores: stores, StateDir: config.StateDir, Memory: b.Memory, Brokers: b.Brokers, Writer: writer(),
		AllowPurge: b.AllowPurge, AllowWebhooks: b.AllowWebhooks, Scratch: b.Scratch, Embedded: embeddedKafka, Now: time.Now,
		Slack: toldBySlack, PagerDuty: toldByPagerDuty,
	}
	for _, other := range config.Clusters {
		o.Clusters = append(o.Clusters, work.Cluster{Name: other.Name, Options: kafkaOptions(other), Protected: other.Protected.Topics})
	}
	for _, sync := range config.Syncs {
		o.Kept = append(o.Kept, sync.Cluster)
	}
	if f := b.FinalBackup; f != nil {
		o.Final = &work.Final{Store: f.Store, Quiet: f.Quiet}
	}
	return o, nil
}

// writer is who we are in leases and manifests.
func writer() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

func workStores(c *agent.Config) ([]work.Store, error) {
	var all []work.Store
	for _, s := range c.Stores {
		recipients, identities, err := encryption(s)
		if err != nil {
			return nil, err
		}
		all = append(all, work.Store{
			Store: backup.Store{Name: s.Name, URL: s.URL}, Options: storeOptions(s), Recipients: recipients, Identities: identities,
		})
	}
	return all, nil
}

// embeddedKafka is what drills restore into where no scratch cluster is named.
func embeddedKafka() (func(context.Context) (*kgo.Client, error), func(), error) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		return nil, nil, fmt.Errorf("begin a Kafka in the process: %w", err)
	}
	dial := func(context.Context) (*kgo.Client, error) { return kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...)) }
	return dial, k.Close, nil
}

// worked is a cluster with what is kept of it.
type worked struct {
	agent.Target
	more []reconcile.Kind
}

// Kinds are the cluster's, and then what stands on it.
func (k worked) Kinds() []reconcile.Kind { return append(k.Target.Kinds(), k.more...) }

// withKinds adds live kinds to whatever is reached.
func withKinds(connect func(context.Context) (agent.Target, error), more []reconcile.Kind) func(context.Context) (agent.Target, error) {
	return func(ctx context.Context) (agent.Target, error) {
		target, err := connect(ctx)
		if err != nil {
			return nil, err
		}
		return worked{target, more}, nil
	}
}

// purges has words for a restore that empties topics first: a person says so,
// whatever stands in Git.
func purges(c reconcile.Change) string {
	for _, f := range c.Fields {
		if c.ID.Kind == backup.KindJob && c.Action == reconcile.Create && f.Name == backup.FieldExisting && f.To.Text() == "purge" {
			return "it empties topics before it restores into them (purgeTopics), which cannot be undone"
		}
	}
	return ""
}
