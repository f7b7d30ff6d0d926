package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/control"
)

// keeper is the daemon: a house at work, the ledgers and listeners that outlive
// a change of its configuration, and the signals.
type keeper struct {
	app     *app
	config  *agent.Config
	log     *zap.Logger
	ledgers *ledgers
	servers *servers
	told    func(agent.Report) // besides the log; may be nil
}

func newDaemon(a *app, c *agent.Config) *keeper {
	log := newLog(a.err, c.Log)
	return &keeper{app: a, config: c, log: log, ledgers: newLedgers(), servers: newServers(log)}
}

// run works until the context ends, and begins anew with another configuration
// when it is asked to.
func (k *keeper) run(ctx context.Context, reload <-chan os.Signal) error {
	defer func() { _ = k.ledgers.Close() }()
	defer k.servers.Close()
	next, err := k.prepare(ctx, k.config)
	if err != nil {
		return err
	}
	for next != nil {
		if next, err = k.work(ctx, next, reload); err != nil {
			return err
		}
	}
	k.log.Info("stopped")
	return nil
}

// shift is a house with all that its configuration says beside it.
type shift struct {
	*house
	serving []serving
	crew    *crew
}

// prepare builds everything a configuration names. Nothing of it works yet.
func (k *keeper) prepare(ctx context.Context, c *agent.Config) (*shift, error) {
	crew, err := newCrew(c, k.log)
	if err != nil {
		return nil, err
	}
	told := func(r agent.Report) {
		crew.told(r)
		if k.told != nil {
			k.told(r)
		}
	}
	h, err := build(ctx, c, hooks{
		ledgers: k.ledgers, log: k.log, told: told, stood: crew.stood, led: crew.led, worked: crew.worked, step: k.app.step,
	})
	if err != nil {
		return nil, err
	}
	crew.measure(h)
	crew.share(h.shared)
	s := &shift{house: h, crew: crew}
	if err := s.complete(ctx, k); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return s, nil
}

// complete tries what would otherwise fail at the first round, and listens.
func (s *shift) complete(ctx context.Context, k *keeper) error {
	for _, sync := range s.config.Syncs {
		if _, err := keysOf(sync)(); err != nil {
			return fmt.Errorf("sync %s: %w", sync.Name, err)
		}
	}
	serving, err := s.handlers()
	if err != nil {
		return err
	}
	s.serving = serving
	return k.servers.listen(ctx, serving)
}

// work runs a shift until the context ends (nil is returned) or another one
// takes over.
func (k *keeper) work(ctx context.Context, s *shift, reload <-chan os.Signal) (*shift, error) {
	running, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	end := func() {
		stop()
		all.Wait()
		_ = s.Close()
	}
	defer end()
	failed := make(chan error, 1)
	s.crew.start()
	all.Go(func() { s.agent.Run(running) })
	all.Go(func() { s.crew.run(running) })
	all.Go(func() {
		if err := control.Serve(running, s.config.Socket, s.agent); err != nil {
			failed <- err
		}
	})
	k.servers.use(s.serving)
	k.config = s.config
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReady)
	k.log.Info("running", zap.String("version", readBuild().Version), zap.Int("syncs", len(s.config.Syncs)))
	return k.watch(ctx, failed, reload)
}

// watch waits for what ends a shift, and tells systemd that we live.
func (k *keeper) watch(ctx context.Context, failed <-chan error, reload <-chan os.Signal) (*shift, error) {
	alive, stop := watchdog()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			_, _ = daemon.SdNotify(false, daemon.SdNotifyStopping)
			return nil, nil
		case err := <-failed:
			return nil, err
		case <-alive:
			_, _ = daemon.SdNotify(false, daemon.SdNotifyWatchdog)
		case <-reload:
			if next := k.reload(ctx); next != nil {
				return next, nil
			}
		}
	}
}

// reload builds a shift of the configuration as it is now, or says why not.
func (k *keeper) reload(ctx context.Context) *shift {
	config, err := k.app.loadConfig()
	var next *shift
	if err == nil {
		next, err = k.prepare(ctx, config)
	}
	if err != nil {
		k.log.Error("the new configuration is not taken: the old one goes on", zap.Error(err))
		return nil
	}
	k.log.Info("the new configuration takes over")
	return next
}

// watchdog ticks as often as systemd wants to hear from us, or never.
func watchdog() (<-chan time.Time, func()) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every <= 0 {
		return nil, func() {}
	}
	ticker := time.NewTicker(every / 2)
	return ticker.C, ticker.Stop
}
