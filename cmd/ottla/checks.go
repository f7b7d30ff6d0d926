package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/control"
	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sources"
	"github.com/ottla-io/ottla/sources/git"
)

type checkOptions struct{ offline, notify bool }

// checks tries what a configuration names, in the order of a commit's way.
type checks struct {
	app     *app
	config  *agent.Config
	options checkOptions
	done    []show.Checked
	cleanup []func()
}

func (c *checks) all(ctx context.Context) {
	defer func() {
		for _, f := range c.cleanup {
			f()
		}
	}()
	c.add("configuration", fmt.Sprintf("%s is read", c.app.config), fmt.Sprintf(
		"repositories: %d, clusters: %d, syncs: %d", len(c.config.Repositories), len(c.config.Clusters), len(c.config.Syncs)))
	c.state(ctx)
	c.secrets()
	c.backups(ctx)
	newest := c.repositories(ctx)
	for _, s := range c.config.Syncs {
		c.sync(ctx, s, newest[followedBy(s)])
	}
	for _, cluster := range c.config.Clusters {
		c.cluster(ctx, cluster)
	}
	c.notifiers(ctx)
}

// add notes something that is well.
func (c *checks) add(area, what string, lines ...string) {
	c.done = append(c.done, show.Checked{Area: area, What: what, Verdict: show.Good, Lines: lines})
}

// note notes something that is well if there is no error.
func (c *checks) note(area, what string, err error, lines ...string) bool {
	if err == nil {
		c.add(area, what, lines...)
		return true
	}
	one := show.Checked{Area: area, What: what, Verdict: show.Bad}
	for _, p := range show.Problems(err, "") {
		line := p.Text
		if at := p.At(); at != "" {
			line = at + ": " + line
		}
		one.Lines = append(one.Lines, line)
		if one.Hint == "" {
			one.Hint = p.Hint
		}
	}
	c.done = append(c.done, one)
	return false
}

func (c *checks) skip(area, what string) bool {
	if c.options.offline {
		c.done = append(c.done, show.Checked{Area: area, What: what, Verdict: show.Skipped, Lines: []string{"not tried: --offline"}})
	}
	return c.options.offline
}

// state looks whether the state directory can be written, and who has it.
func (c *checks) state(ctx context.Context) {
	const area = "this machine"
	c.note(area, "state directory "+c.config.StateDir+" can be written", writable(c.config.StateDir))
	daemon, err := control.Dial(ctx, c.config.Socket)
	switch {
	case daemon != nil:
		c.add(area, "an agent runs and answers on its socket", c.config.Socket)
		return
	case !errors.Is(err, control.ErrNoDaemon):
		c.note(area, "the agent's socket can be opened", err)
		return
	}
	c.ledgers(ctx)
	for _, address := range []string{c.config.HTTP.Listen, c.config.Webhooks.Listen} {
		if address != "" {
			c.note(area, "address "+address+" is free", free(ctx, address))
		}
	}
}

// ledgers reads those that are there. One that is not is made by the first
// round.
func (c *checks) ledgers(ctx context.Context) {
	held := newLedgers()
	c.cleanup = append(c.cleanup, func() { _ = held.Close() })
	for _, cluster := range c.config.Clusters {
		file := filepath.Join(c.config.StateDir, cluster.Name+".ledger")
		if _, err := os.Stat(file); err == nil {
			_, err = held.of(ctx, c.config, cluster)
			c.note("this machine", "the ledger of cluster "+cluster.Name+" can be read", err, file)
		}
	}
}

// writable tries a file in a directory, or in the nearest one above that is there.
func writable(dir string) error {
	for {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			return fmt.Errorf("%s is a file", dir)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrNotExist) || dir == filepath.Dir(dir) {
			return err
		}
		dir = filepath.Dir(dir)
	}
	file, err := os.CreateTemp(dir, ".ottla-check-*")
	if err != nil {
		return &sources.HintError{Err: err, Hint: "run the check as the agent's own user"}
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

func free(ctx context.Context, address string) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return &sources.HintError{Err: err, Hint: "choose another address: http.listen or webhooks.listen"}
	}
	return listener.Close()
}

// secrets reads every secret once, and shows none.
func (c *checks) secrets() {
	for _, h := range c.config.Webhooks.Hooks {
		secret := h.Secret()
		if secret.IsZero() {
			secret = h.Password()
		}
		c.note("webhooks", "the secret of webhook "+h.Name+" can be read", readable(secret))
	}
	if h := c.config.Heartbeat; h != nil {
		c.note("heartbeat", "its URL can be read", readable(h.URL()))
	}
}

func readable(s agent.Secret) error {
	_, err := s.Read()
	return err
}

// followed is a ref of a repository.
type followed struct {
	repository string
	ref        git.Ref
}

func followedBy(s agent.SyncConfig) followed { return followed{s.Repository, refOf(s.Ref)} }

// repositories fetches every ref into a directory of its own, so that a
// running agent's clone is left alone.
func (c *checks) repositories(ctx context.Context) map[followed]sources.Snapshot {
	newest := map[followed]sources.Snapshot{}
	tried := map[followed]bool{}
	for _, s := range c.config.Syncs {
		at := followedBy(s)
		if tried[at] {
			continue
		}
		tried[at] = true
		r, _ := c.config.Repository(s.Repository)
		area, what := "repository "+r.Name, fmt.Sprintf("%s can be read", refName(r, s))
		if !r.IsDirectory() && c.skip(area, what) {
			continue
		}
		snapshot, err := c.fetch(ctx, r, at.ref)
		if c.note(area, what, err, describe(snapshot)) {
			newest[at] = snapshot
		}
	}
	return newest
}

func describe(s sources.Snapshot) string {
	text := fmt.Sprintf("at %.12s", s.Revision)
	if s.Subject != "" {
		text += fmt.Sprintf(" %q by %s", s.Subject, s.Author)
	}
	return text
}

// fetch reads a repository whole. Its clone goes when all is checked.
func (c *checks) fetch(ctx context.Context, r agent.RepositoryConfig, ref git.Ref) (sources.Snapshot, error) {
	if plainDirectory(r, ref) {
		return git.Directory(r.URL).Fetch(ctx)
	}
	dir, err := os.MkdirTemp("", "ottla-check-")
	if err != nil {
		return sources.Snapshot{}, fmt.Errorf("make a directory for the clone: %w", err)
	}
	repo, err := git.Open(gitOptions(r, dir))
	if err != nil {
		_ = os.RemoveAll(dir)
		return sources.Snapshot{}, err
	}
	c.cleanup = append(c.cleanup, func() { _, _ = repo.Close(), os.RemoveAll(dir) })
	return repo.Follow(ref).Fetch(ctx)
}
