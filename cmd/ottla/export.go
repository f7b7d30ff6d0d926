package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/cmd/ottla/layout"
	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
)

// export is what the command is asked for.
type export struct {
	bootstrap []string
	cluster   string
	split     string
	force     bool
}

func (a *app) exportCommand() *cobra.Command {
	var o export
	cmd := &cobra.Command{
		Use:   "export DIR",
		Short: "Write a repository from a live cluster",
		Long: "Write a repository that declares what a cluster holds: topics, users, access, quotas and dynamic broker\n" +
			"configuration. A plan of it is empty, and the first round adopts everything without a write to Kafka.\n\n" +
			"What cannot be read is not declared: passwords are not managed until a Secret gives them. Internal topics and\n" +
			"protected principals are left out, with a note. Nothing is overwritten without --force, and nothing is changed in Kafka.",
		Example: "  ottla export platform\n  ottla export platform --bootstrap localhost:9092 --split prefix",
		Args:    arguments(1, 1, "a directory"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.export(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.bootstrap, "bootstrap", nil, "host:port of brokers, instead of a configuration")
	f.StringVar(&o.cluster, "cluster", "", "the cluster of the configuration, where it has several")
	f.StringVar(&o.split, "split", string(layout.ByKind), "which documents share a file: kind (topics.yaml), topic (topics/orders.yaml), prefix (orders/topics.yaml)")
	f.BoolVar(&o.force, "force", false, "overwrite files that are there")
	return cmd
}

func (a *app) export(ctx context.Context, dir string, o export) error {
	if !slices.Contains(layout.Splits(), o.split) {
		return &usageError{fmt.Errorf("there is no way to split by %s", o.split), "the ways are " + strings.Join(layout.Splits(), ", ")}
	}
	config, err := a.exported(o)
	if err != nil {
		return err
	}
	encoded, unread, err := readCluster(ctx, config)
	if err != nil {
		return err
	}
	docs := make([]layout.Document, len(encoded.Documents))
	for i, d := range encoded.Documents {
		docs[i] = layout.Document(d)
	}
	files, err := layout.Files(docs, layout.Split(o.split))
	if err != nil {
		return err
	}
	if err := layout.Write(dir, files, o.force); err != nil {
		return err
	}
	out := exportedOf(dir, files, encoded, unread)
	out.Plan = o.plan(dir)
	if err := a.printer(a.out).Exported(out); err != nil {
		return err
	}
	if len(unread) > 0 {
		return exit(exitPartial)
	}
	return nil
}

// plan is the command that shows that nothing would change.
func (o export) plan(dir string) string {
	words := "ottla plan " + dir
	if len(o.bootstrap) > 0 {
		words += " --bootstrap " + strings.Join(o.bootstrap, ",")
	}
	return words
}

// exported is the cluster that is meant.
func (a *app) exported(o export) (agent.ClusterConfig, error) {
	if len(o.bootstrap) > 0 {
		return agent.ClusterConfig{Name: o.bootstrap[0], BootstrapServers: o.bootstrap}, nil
	}
	config, err := a.loadConfig()
	if err != nil {
		return agent.ClusterConfig{}, err
	}
	return theCluster(config, o.cluster, "--bootstrap HOST:PORT needs no configuration")
}

// readCluster reads all there is and writes it as documents. What could not be
// read is named.
func readCluster(ctx context.Context, config agent.ClusterConfig) (kafka.Encoded, []string, error) {
	safe, err := newProtected(config)
	if err != nil {
		return kafka.Encoded{}, nil, err
	}
	cluster, err := kafka.Connect(ctx, kafkaOptions(config))
	if err != nil {
		return kafka.Encoded{}, nil, err
	}
	defer cluster.Close()
	rights, err := cluster.Rights(ctx)
	if err != nil {
		return kafka.Encoded{}, nil, err
	}
	safe.learn(rights)
	lives, notes, unread := readKinds(ctx, cluster, rights)
	if len(lives) == 0 && len(unread) > 0 {
		return kafka.Encoded{}, nil, errors.New("nothing could be read: " + strings.Join(unread, "; "))
	}
	encoded := kafka.Encode(lives, safe.words)
	encoded.Notes = append(notes, encoded.Notes...)
	return encoded, unread, nil
}

func readKinds(ctx context.Context, cluster *kafka.Cluster, rights kafka.Rights) (lives []reconcile.Live, notes, unread []string) {
	for _, k := range cluster.Kinds() {
		if k.Name() == kafka.KindACLSet && !rights.Authorizer {
			notes = append(notes, "no authorizer is configured on the brokers: there is no access to write down")
			continue
		}
		live, unseen, err := k.Observe(ctx, reconcile.Scope{Full: true})
		if err != nil {
			unread = append(unread, k.Name()+": "+err.Error())
		}
		for _, u := range unseen {
			unread = append(unread, u.ID.String()+": "+u.Reason)
		}
		lives = append(lives, live...)
	}
	slices.Sort(unread)
	return lives, notes, unread
}

func exportedOf(dir string, files []layout.File, encoded kafka.Encoded, unread []string) show.Exported {
	out := show.Exported{Dir: dir, Documents: map[string]int{}, Notes: encoded.Notes, Unread: unread}
	for _, f := range files {
		out.Files = append(out.Files, filepath.ToSlash(f.Path))
	}
	for _, d := range encoded.Documents {
		out.Documents[d.Kind]++
	}
	return out
}
