package main

import (
	"errors"
	"path/filepath"
	"slices"

	"github.com/ottla-io/ottla/agent/journal"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// ledgers are the open ledgers, by file. A daemon keeps them over a change of
// its configuration, so that no other agent can step in between.
type ledgers struct {
	open    map[string]*journal.Journal
	unlocks map[string]func() error
}

func newLedgers() *ledgers {
	return &ledgers{open: map[string]*journal.Journal{}, unlocks: map[string]func() error{}}
}

// of opens a cluster's ledger, or returns the one that is open. The state
// directory is locked with its first ledger.
func (l *ledgers) of(dir, cluster string) (*journal.Journal, error) {
	at := filepath.Join(dir, cluster)
	if l.open[at] != nil {
		return l.open[at], nil
	}
	if l.unlocks[dir] == nil {
		unlock, err := journal.LockDir(dir)
		if err != nil {
			return nil, err
		}
		l.unlocks[dir] = unlock
	}
	j, err := journal.Open(dir, cluster)
	if err != nil {
		return nil, err
	}
	l.open[at] = j
	return j, nil
}

// Close closes and unlocks them all.
func (l *ledgers) Close() error {
	var errs []error
	for _, j := range l.open {
		errs = append(errs, j.Close())
	}
	for _, unlock := range l.unlocks {
		errs = append(errs, unlock())
	}
	clear(l.open)
	clear(l.unlocks)
	return errors.Join(slices.DeleteFunc(errs, func(e error) bool { return e == nil })...)
}

// isLocked tells that somebody else has what only one may have: a ledger, or
// the lease of a backup.
func isLocked(err error) bool {
	var held *repository.HeldError
	return errors.Is(err, journal.ErrLocked) || errors.As(err, &held)
}
