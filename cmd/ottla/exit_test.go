package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/journal"
	"github.com/ottla-io/ottla/reconcile"
)

func viewOf(s agent.SyncView) []agent.View { return []agent.View{{Syncs: []agent.SyncView{s}}} }

func update(fate reconcile.Fate) reconcile.Plan {
	return reconcile.Plan{Changes: []reconcile.Change{{
		ID: reconcile.ID{Kind: "Topic", Name: "orders"}, Action: reconcile.Update,
		Fields: []reconcile.FieldChange{{Name: "partitions", To: reconcile.TextOf("6"), Fate: fate}},
	}}}
}

func TestExitCodesSayWhatBecameOfARound(t *testing.T) {
	id := reconcile.ID{Kind: "Topic", Name: "orders"}
	for _, one := range []struct {
		name        string
		sync        agent.SyncView
		plan, apply int
	}{
		{"in sync", agent.SyncView{State: agent.InSync}, exitDone, exitDone},
		{"pending", agent.SyncView{State: agent.Pending, Plan: update(reconcile.Fate{})}, exitPending, exitPartial},
		{"done", agent.SyncView{State: agent.InSync, Plan: update(reconcile.Fate{}), Outcomes: []reconcile.Outcome{{ID: id}}}, exitDone, exitDone},
		{"waiting", agent.SyncView{State: agent.Pending, Plan: update(reconcile.Fate{Waiting: "a grace"})}, exitPending, exitDone},
		{"reported", agent.SyncView{State: agent.Pending, Plan: update(reconcile.Fate{Reported: "told"})}, exitPending, exitDone},
		{"held", agent.SyncView{State: agent.Partial, Plan: update(reconcile.Fate{Held: "data"})}, exitPartial, exitPartial},
		{"observing", agent.SyncView{State: agent.Observing, Mode: agent.Observe, Plan: update(reconcile.Fate{})}, exitPending, exitPending},
		{"failed", agent.SyncView{State: agent.Failing, Plan: update(reconcile.Fate{}), Outcomes: []reconcile.Outcome{{ID: id, Failed: "no"}}}, exitPending, exitFailed},
		{"rejected", agent.SyncView{State: agent.Rejected, Problems: []agent.Problem{{Text: "wrong"}}}, exitFailed, exitFailed},
	} {
		t.Run(one.name, func(t *testing.T) {
			if got := planCode(viewOf(one.sync)); got != one.plan {
				t.Errorf("plan: %d, want %d", got, one.plan)
			}
			if got := applyCode(viewOf(one.sync)); got != one.apply {
				t.Errorf("apply: %d, want %d", got, one.apply)
			}
		})
	}
}

func TestExitCodesOfErrors(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, one := range []struct {
		ctx  context.Context
		err  error
		want int
	}{
		{t.Context(), nil, exitDone},
		{t.Context(), errors.New("no"), exitFailed},
		{t.Context(), &exitError{code: exitPartial}, exitPartial},
		{t.Context(), fmt.Errorf("open ledger: %w", journal.ErrLocked), exitLocked},
		{gone, context.Canceled, exitStopped},
	} {
		if got := codeOf(one.ctx, one.err); got != one.want {
			t.Errorf("%v: %d, want %d", one.err, got, one.want)
		}
	}
}
