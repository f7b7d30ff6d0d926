package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/connect"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sinks/notification"
	"github.com/ottla-io/ottla/sinks/registry"
	"github.com/ottla-io/ottla/sources"
	"github.com/ottla-io/ottla/sources/git"
	"github.com/ottla-io/ottla/sources/kustomize"
	"github.com/ottla-io/ottla/sources/sops"
)

// decoders is every kind of document that is read.
func decoders() []reconcile.Decoder {
	return slices.Concat(kafka.Decoders(), backup.Decoders(), connect.Decoders(), registry.Decoders(), notification.Decoders())
}

// documentKinds describes them, for schemas and the reference.
func documentKinds() []reconcile.DocumentKind {
	return slices.Concat(kafka.Documents(), backup.Documents(), connect.Documents(), registry.Documents(), notification.Documents())
}

// nameRefs is where they name other documents.
func nameRefs() []kustomize.NameRef {
	all := slices.Concat(kafka.NameRefs(), backup.NameRefs(), connect.NameRefs(), registry.NameRefs(), notification.NameRefs())
	out := make([]kustomize.NameRef, len(all))
	for i, r := range all {
		out[i] = kustomize.NameRef{Kind: r.Kind, APIGroup: r.Group, Path: r.Path, Refers: r.Refers}
	}
	return out
}

func groups() []*cobra.Group {
	return []*cobra.Group{
		{ID: "cluster", Title: "Keep a cluster:"},
		{ID: "backup", Title: "Keep copies, and give them back:"},
		{ID: "repository", Title: "Write a repository:"},
		{ID: "other", Title: "Begin, and look around:"},
	}
}

// commands is every verb.
func (a *app) commands() []*cobra.Command {
	return slices.Concat(
		inGroup("cluster", a.runCommand(), a.planCommand(), a.applyCommand(), a.diffCommand(), a.confirmCommand(),
			a.syncCommand(), a.getCommand(), a.releaseCommand(), a.ledgerCommand()),
		inGroup("backup", a.backupCommand(), a.restoreCommand(), a.drillCommand(), a.jobCommand()),
		inGroup("repository", a.initCommand(), a.exportCommand(), a.validateCommand(), a.renderCommand(), a.schemaCommand()),
		inGroup("other", a.demoCommand(), a.checkCommand(), a.versionCommand()),
		[]*cobra.Command{a.docsCommand()},
	)
}

func inGroup(id string, commands ...*cobra.Command) []*cobra.Command {
	for _, c := range commands {
		c.GroupID = id
	}
	return commands
}

// house is what one configuration makes.
type house struct {
	config   *agent.Config
	agent    *agent.Agent
	sources  map[source]*feed
	repos    map[string]*git.Repository
	renderer *kustomize.Renderer
	figures  map[string]func() sinks.WorkFigures // of what goes on beside the rounds, by cluster
	shared   map[string]*sharedLedger            // of clusters that several agents keep
	closers  []func() error
}

// source is what of which repository is followed; syncs share it.
type source struct {
	repository string
	ref        git.Ref
}

// hooks are what a command adds to a house.
type hooks struct {
	ledgers *ledgers
	log     *zap.Logger
	told    func(agent.Report)
	stood   func(agent.Report)                            // of clusters that another agent leads
	led     func(cluster string, leads bool)              // this agent begins or ceases to
	worked  func(cluster string, firing []sinks.Incident) // what goes on beside the rounds and should not
	step    func(string)
}

// build makes everything a configuration names, and holds the ledgers of its
// clusters until Close. Nothing outside is asked yet, save for the files that
// it names.
func build(ctx context.Context, c *agent.Config, h hooks) (*house, error) {
	out := &house{
		config: c, sources: map[source]*feed{}, repos: map[string]*git.Repository{}, renderer: kustomize.New(kustomize.Options{}),
		figures: map[string]func() sinks.WorkFigures{}, shared: map[string]*sharedLedger{},
	}
	if err := out.build(ctx, h); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

func (h *house) build(ctx context.Context, with hooks) error {
	if err := os.MkdirAll(h.config.StateDir, 0o700); err != nil {
		return fmt.Errorf("make the state directory: %w", err)
	}
	options := agent.Options{Log: with.log, Told: with.told, Stood: with.stood, Led: with.led, Name: agentName(h.config), Host: hostName()}
	for _, c := range h.config.Clusters {
		cluster, err := h.cluster(ctx, c, with)
		if err != nil {
			return fmt.Errorf("cluster %s: %w", c.Name, err)
		}
		if len(cluster.Syncs) > 0 {
			options.Clusters = append(options.Clusters, cluster)
		}
	}
	h.agent = agent.New(options)
	return nil
}

func (h *house) cluster(ctx context.Context, c agent.ClusterConfig, with hooks) (*agent.Cluster, error) {
	ledger, err := with.ledgers.of(ctx, h.config, c)
	if err != nil {
		return nil, err
	}
	key, err := sealKey(h.config)
	if err != nil {
		return nil, err
	}
	safe, err := newProtected(c)
	if err != nil {
		return nil, err
	}
	beside, err := h.work(c, ledger.shared, with)
	if err != nil {
		return nil, err
	}
	out := &agent.Cluster{
		Name: c.Name, Connect: withKinds(connectTo(heldOptions(c, ledger.shared), safe), beside.Kinds()), Work: beside, Ledger: ledger, Key: key, Now: time.Now, Step: with.step,
	}
	if ledger.shared != nil {
		out.Election = ledger.shared
		h.shared[c.Name] = ledger.shared
	}
	if h.config.Backups.FinalBackup != nil {
		out.Preparer = beside
	}
	h.figures[c.Name] = beside.Figures
	h.closers = append(h.closers, func() error { out.Close(); return nil })
	for _, s := range h.config.Syncs {
		if s.Cluster != c.Name {
			continue
		}
		sync, err := h.sync(c, s, safe)
		if err != nil {
			return nil, fmt.Errorf("sync %s: %w", s.Name, err)
		}
		out.Syncs = append(out.Syncs, sync)
		out.Interval = min(cmp.Or(out.Interval, s.Interval), s.Interval)
		out.Settle = max(out.Settle, s.Settle)
	}
	return out, nil
}

func (h *house) sync(c agent.ClusterConfig, s agent.SyncConfig, safe *protected) (*agent.Sync, error) {
	r, _ := h.config.Repository(s.Repository)
	feed, name, err := h.follow(r, refOf(s.Ref))
	if err != nil {
		return nil, err
	}
	read := reader{renderer: h.renderer.With(renderOptions(s)), keys: keysOf(s), path: s.Path, cluster: c.Name, encryptedOnly: s.Secrets == "encrypted-only"}
	out := &agent.Sync{
		Name: s.Name, Mode: agent.Mode(s.Mode), AllowRewrite: r.AllowRewrite,
		Binding: reconcile.Binding{Repository: name, Path: s.Path, Ref: refName(r, s)},
		Guards:  guardsOf(c, s, safe), Rules: rulesOf(s),
		Feed: feed.Feed, Descends: feed.poller.Descends, Read: read.read,
	}
	if repo := h.repos[r.Name]; repo != nil {
		out.At = func(ctx context.Context, revision string) (sources.Snapshot, error) {
			return repo.Follow(git.Ref{Commit: revision}).Fetch(ctx)
		}
	}
	return out, nil
}

// follow opens a repository once, and follows each of its refs once.
func (h *house) follow(r agent.RepositoryConfig, ref git.Ref) (*feed, string, error) {
	at := source{r.Name, ref}
	followed, name := git.Directory(r.URL), r.URL
	if !plainDirectory(r, ref) {
		repo, err := h.repository(r)
		if err != nil {
			return nil, "", err
		}
		followed, name = repo.Follow(ref), repo.String()
	}
	if h.sources[at] == nil {
		h.sources[at] = newFeed(git.NewPoller(followed, git.PollOptions{Interval: r.Interval}), r.Interval)
	}
	return h.sources[at], name, nil
}

// feed is a poller as the agent asks it.
type feed struct {
	*agent.Feed
	poller *git.Poller
}

func newFeed(p *git.Poller, every time.Duration) *feed {
	return &feed{&agent.Feed{Newest: p.Newest, Poke: p.Poke, Wake: p.Wake(), Look: every}, p}
}

func (h *house) repository(r agent.RepositoryConfig) (*git.Repository, error) {
	if h.repos[r.Name] != nil {
		return h.repos[r.Name], nil
	}
	repo, err := git.Open(gitOptions(r, filepath.Join(h.config.StateDir, "git")))
	if err != nil {
		return nil, err
	}
	h.repos[r.Name] = repo
	h.closers = append(h.closers, repo.Close)
	return repo, nil
}

// Close gives everything back, what was opened last first.
func (h *house) Close() error {
	var errs []error
	for _, c := range slices.Backward(h.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// plainDirectory tells a directory that is read as it is, committed or not.
func plainDirectory(r agent.RepositoryConfig, ref git.Ref) bool {
	return r.IsDirectory() && ref == git.Ref{}
}

func refOf(r agent.RefConfig) git.Ref {
	return git.Ref{Branch: r.Branch, Tag: r.Tag, Semver: r.Semver, Commit: r.Commit}
}

func refName(r agent.RepositoryConfig, s agent.SyncConfig) string {
	if plainDirectory(r, refOf(s.Ref)) {
		return "directory"
	}
	return refOf(s.Ref).String()
}

// newRenderer is a renderer of its own; the syncs of a house share the lock
// that kustomize needs.
func newRenderer(s agent.SyncConfig) *kustomize.Renderer { return kustomize.New(renderOptions(s)) }

func renderOptions(s agent.SyncConfig) kustomize.Options {
	return kustomize.Options{
		NameRefs: nameRefs(), Substituting: s.Substitute != nil, Substitute: s.Substitute, TemplateParameters: s.TemplateParameters,
	}
}

func keysOf(s agent.SyncConfig) func() (*sops.Keys, error) {
	return func() (*sops.Keys, error) { return sops.LoadKeys(s.SOPS.AgeKeyFiles, s.SOPS.PGPKeyFiles) }
}

// connectTo reaches a cluster, and learns who must never lose anything on it.
func connectTo(o kafka.Options, safe *protected) func(context.Context) (agent.Target, error) {
	return func(ctx context.Context) (agent.Target, error) {
		cluster, err := kafka.Connect(ctx, o)
		if err != nil {
			return nil, err
		}
		rights, err := cluster.Rights(ctx)
		if err != nil {
			cluster.Close()
			return nil, err
		}
		safe.learn(rights)
		return cluster, nil
	}
}
