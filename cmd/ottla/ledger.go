package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/journal"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sources"
)

// ledgers are the open ledgers, by state directory and cluster. A daemon keeps
// them over a change of its configuration, so that no other agent can step in
// between.
type ledgers struct {
	open    map[string]opened
	unlocks map[string]func() error
}

// opened is a ledger that is open, with what it was opened by.
type opened struct {
	reconcile.Ledger
	close  func() error
	shared *sharedLedger // nil where it is a file
	by     string
}

func newLedgers() *ledgers {
	return &ledgers{open: map[string]opened{}, unlocks: map[string]func() error{}}
}

// of opens a cluster's ledger, or returns the one that is open. The state
// directory is locked with its first ledger.
func (l *ledgers) of(ctx context.Context, config *agent.Config, cluster agent.ClusterConfig) (opened, error) {
	at := filepath.Join(config.StateDir, cluster.Name)
	by := cluster.Ledger + " " + cluster.LedgerTopic
	if known, ok := l.open[at]; ok && known.by == by {
		return known, nil
	} else if ok {
		return opened{}, &sources.HintError{
			Err:  fmt.Errorf("the ledger of cluster %s cannot change its place while the agent runs", cluster.Name),
			Hint: "stop the agent, move the ledger with ottla ledger move, and start it again",
		}
	}
	if err := l.lock(config.StateDir); err != nil {
		return opened{}, err
	}
	one, err := openLedger(ctx, config, cluster)
	if err != nil {
		return opened{}, err
	}
	one.by = by
	l.open[at] = one
	return one, nil
}

func (l *ledgers) lock(dir string) error {
	if l.unlocks[dir] != nil {
		return nil
	}
	unlock, err := journal.LockDir(dir)
	if err != nil {
		return err
	}
	l.unlocks[dir] = unlock
	return nil
}

func openLedger(ctx context.Context, config *agent.Config, cluster agent.ClusterConfig) (opened, error) {
	if cluster.Ledger != agent.LedgerKafka {
		j, err := journal.Open(config.StateDir, cluster.Name)
		if err != nil {
			return opened{}, err
		}
		return opened{Ledger: j, close: j.Close}, nil
	}
	if there, err := journal.InFile(config.StateDir, cluster.Name); err != nil || there {
		if err == nil {
			err = &sources.HintError{
				Err:  fmt.Errorf("the ledger of cluster %s is still a file, and its configuration says ledger: kafka", cluster.Name),
				Hint: "move it with: ottla ledger move --to kafka",
			}
		}
		return opened{}, err
	}
	s, err := newSharedLedger(ctx, config, cluster, false)
	if err != nil {
		return opened{}, err
	}
	return opened{Ledger: s, close: s.Close, shared: s}, nil
}

// Close closes and unlocks them all.
func (l *ledgers) Close() error {
	var errs []error
	for _, one := range l.open {
		errs = append(errs, one.close())
	}
	for _, unlock := range l.unlocks {
		errs = append(errs, unlock())
	}
	clear(l.open)
	clear(l.unlocks)
	return errors.Join(slices.DeleteFunc(errs, func(e error) bool { return e == nil })...)
}

// isLocked tells that somebody else has what only one may have: a ledger, the
// lead, or the lease of a backup.
func isLocked(err error) bool {
	var held *repository.HeldError
	var other *agent.NotLeaderError
	return errors.Is(err, journal.ErrLocked) || errors.As(err, &held) || errors.As(err, &other)
}
