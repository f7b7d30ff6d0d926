package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
)

// The exit codes of every command.
const (
	exitDone    = 0
	exitFailed  = 1
	exitPending = 2
	exitPartial = 3
	exitLocked  = 4
	exitStopped = 130
)

// exitCodes is the one table that help and documentation show.
func exitCodes() []string {
	return []string{
		"0    in sync, or done",
		"1    failed",
		"2    changes are pending (plan, diff, and what --dry-run would do)",
		"3    done in part, or something is refused or held (wins over 2)",
		"4    another agent holds the lease (or the ledger's file), or another writer the backup",
		"130  interrupted",
	}
}

// exitError ends a command with a code; err may be nil when everything was
// said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exit is nil for exitDone, and otherwise an error with that code and no words.
func exit(code int) error {
	if code == exitDone {
		return nil
	}
	return &exitError{code: code}
}

// codeOf is what the process ends with.
func codeOf(ctx context.Context, err error) int {
	var coded *exitError
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil:
		return exitStopped
	case errors.As(err, &coded):
		return coded.code
	case isLocked(err):
		return exitLocked
	default:
		return exitFailed
	}
}

// tally is what the changes of a report came to.
type tally struct{ failed, partFailed, done, pending, undone, kept, observed bool }

// planCode is the exit code of a command that only looks.
func planCode(views []agent.View) int {
	t := tallyOf(views)
	switch {
	case t.failed:
		return exitFailed
	case t.kept:
		return exitPartial
	case t.pending:
		return exitPending
	default:
		return exitDone
	}
}

// applyCode is the exit code of a command that carries out. What waits ends by
// itself, and what is only reported was not meant to be done.
func applyCode(views []agent.View) int {
	t := tallyOf(views)
	switch {
	case t.failed, t.partFailed && !t.done:
		return exitFailed
	case t.partFailed, t.kept, t.undone:
		return exitPartial
	case t.observed:
		return exitPending
	default:
		return exitDone
	}
}

func tallyOf(views []agent.View) tally {
	var t tally
	for _, v := range views {
		t.failed = t.failed || len(v.Problems) > 0
		for _, s := range v.Syncs {
			t.sync(s)
		}
	}
	return t
}

func (t *tally) sync(s agent.SyncView) {
	t.failed = t.failed || len(s.Problems) > 0 || s.State == agent.NoGood
	t.kept = t.kept || s.State == agent.Partial
	done := map[reconcile.ID]bool{}
	for _, o := range s.Outcomes {
		done[o.ID] = o.Failed == "" && !o.Unsure
		t.done = t.done || done[o.ID]
		t.partFailed = t.partFailed || !done[o.ID]
	}
	for _, c := range s.Plan.Changes {
		if c.Action != reconcile.Note && !done[c.ID] {
			t.open(s.Mode, c)
		}
	}
}

// open counts a change that was not carried out.
func (t *tally) open(mode agent.Mode, c reconcile.Change) {
	t.pending = true
	now, some := c.Effective()
	switch {
	case mode == agent.Observe:
		t.observed = true
	case some && now.Action != reconcile.Note:
		t.undone = true
	}
}
