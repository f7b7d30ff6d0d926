package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.uber.org/zap"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/control"
	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sources"
	"github.com/ottla-io/ottla/sources/yaml"
)

// loadConfig reads the configuration, and says all that is wrong with it.
func (a *app) loadConfig() (*agent.Config, error) {
	data, err := os.ReadFile(a.config)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &sources.HintError{
			Err:  fmt.Errorf("there is no configuration %s", a.config),
			Hint: "name one with --config or $OTTLA_CONFIG, or write one with: ottla init DIR",
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return parseConfig(data, a.config)
}

func parseConfig(data []byte, file string) (*agent.Config, error) {
	nodes, err := yaml.Parse(data, file, 1)
	if err != nil {
		return nil, err
	}
	if len(nodes) != 1 {
		return nil, show.InFile(file, fmt.Errorf("it holds %d YAML documents, not one", len(nodes)))
	}
	c, err := agent.ParseConfig(nodes[0])
	if err != nil {
		return nil, show.InFile(file, err)
	}
	return c, nil
}

// steering is whoever carries out what commands ask for: the daemon behind its
// socket, or an agent of this process.
type steering struct {
	agent.Control
	daemon bool
	close  func() error
}

// steer finds the daemon, or makes an agent that holds the ledgers.
func (a *app) steer(ctx context.Context) (*steering, error) {
	config, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	daemon, err := control.Dial(ctx, config.Socket)
	if err == nil {
		return &steering{Control: daemon, daemon: true, close: func() error { return nil }}, nil
	}
	if !errors.Is(err, control.ErrNoDaemon) {
		return nil, &sources.HintError{Err: err, Hint: "run this command as the agent's own user"}
	}
	held := newLedgers()
	h, err := build(ctx, config, hooks{ledgers: held, log: a.quietLog(), step: a.step})
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return &steering{Control: h.agent, close: func() error { return errors.Join(h.Close(), held.Close()) }}, nil
}

// with lets a function ask whoever steers.
func (a *app) with(ctx context.Context, do func(*steering) error) error {
	s, err := a.steer(ctx)
	if err != nil {
		return err
	}
	err = do(s)
	if closed := s.close(); err == nil {
		err = closed
	}
	return err
}

// quietLog is for commands that run once: what went wrong is printed as their
// result, so only -v logs.
func (a *app) quietLog() *zap.Logger {
	if !a.verbose {
		return zap.NewNop()
	}
	return newLog(a.err, agent.LogConfig{Format: "console", Level: "debug"})
}
