package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sources"
)

// clusterFlags say which cluster is meant, as Kafka's own tools do, or by a
// name of the configuration.
type clusterFlags struct {
	bootstrap []string
	command   string
	name      string
	what      string // source, target, scratch
}

func (o *clusterFlags) flags(cmd *cobra.Command, what string) {
	o.what = what
	f := cmd.Flags()
	f.StringSliceVar(&o.bootstrap, "bootstrap-server", nil, "host:port of brokers of the "+what+" cluster")
	f.StringVar(&o.command, "command-config", "", "with --bootstrap-server: client.properties as Kafka's own tools read them")
	f.StringVar(&o.name, "cluster", "", "the "+what+" cluster, by its name in the configuration")
}

func (o clusterFlags) given() bool { return len(o.bootstrap) > 0 || o.command != "" || o.name != "" }

// dialed is a cluster that can be reached.
type dialed struct {
	label   string   // for people
	brokers []string // where a person named it by them
	config  *agent.ClusterConfig
	whole   *agent.Config // nil where no configuration was read
	dial    func(context.Context) (*kgo.Client, error)
}

// cluster finds the cluster that the flags mean. only lets the only cluster of
// the configuration be meant where none is named.
func (a *app) cluster(o clusterFlags, only bool) (*dialed, error) {
	if o.name != "" && (len(o.bootstrap) > 0 || o.command != "") {
		return nil, &usageError{errors.New("--cluster and --bootstrap-server both name a cluster"), "give one of them"}
	}
	if len(o.bootstrap) > 0 || o.command != "" {
		return o.byAddress()
	}
	if o.name == "" && !only {
		return nil, &usageError{fmt.Errorf("say which cluster is the %s", o.what), "--bootstrap-server HOST:PORT, or --cluster NAME of the configuration"}
	}
	config, err := a.loadConfig()
	if err != nil {
		return nil, &sources.HintError{Err: err, Hint: "with --bootstrap-server HOST:PORT no configuration is needed"}
	}
	return o.byName(config)
}

func (o clusterFlags) byAddress() (*dialed, error) {
	options := kafka.Options{}
	if o.command != "" {
		var err error
		if options, err = clientProperties(o.command); err != nil {
			return nil, err
		}
	}
	if len(o.bootstrap) > 0 {
		options.Brokers = o.bootstrap
	}
	if err := options.Validate(); err != nil {
		return nil, &sources.HintError{Err: fmt.Errorf("reach the %s cluster: %w", o.what, err), Hint: "--bootstrap-server HOST:PORT, and what it takes to log in in --command-config FILE"}
	}
	return &dialed{label: strings.Join(options.Brokers, ","), brokers: options.Brokers, dial: func(ctx context.Context) (*kgo.Client, error) { return kafka.Dial(ctx, options) }}, nil
}

func (o clusterFlags) byName(config *agent.Config) (*dialed, error) {
	section, err := theCluster(config, o.name, "--bootstrap-server HOST:PORT needs no configuration")
	if err != nil {
		return nil, err
	}
	return &dialed{label: section.Name, config: &section, whole: config, dial: dialer(section)}, nil
}

// theCluster is the one that was named, or the only one. otherwise is what can
// be done where the configuration has none.
func theCluster(config *agent.Config, name, otherwise string) (agent.ClusterConfig, error) {
	if name == "" && len(config.Clusters) == 1 {
		return config.Clusters[0], nil
	}
	if section, ok := config.Cluster(name); ok {
		return section, nil
	}
	var names []string
	for _, c := range config.Clusters {
		names = append(names, c.Name)
	}
	return agent.ClusterConfig{}, notNamed("cluster", name, names, otherwise)
}

// id asks the cluster for the id it gave itself.
func (d *dialed) id(ctx context.Context) (string, error) {
	client, err := d.dial(ctx)
	if err != nil {
		return "", err
	}
	defer client.Close()
	m, err := kadm.NewClient(client).BrokerMetadata(ctx)
	switch {
	case err != nil:
		return "", fmt.Errorf("ask %s for its cluster id: %w", d.label, err)
	case m.Cluster == "":
		return "", fmt.Errorf("%s tells no cluster id: backups could not be told apart", d.label)
	}
	return m.Cluster, nil
}

// writerName tells this process from every other one.
func writerName() string { return writer() + "/" + strings.ToLower(rand.Text()[:8]) }
