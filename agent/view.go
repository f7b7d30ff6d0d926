package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sources"
)

// View is a report as commands print it, as the socket sends it and as
// -o json documents it. It is a value that holds nothing secret.
type View struct {
	Cluster   string     `json:"cluster"`
	ClusterID string     `json:"clusterId,omitempty"`
	Problems  []Problem  `json:"problems,omitempty"`
	Syncs     []SyncView `json:"syncs"`
}

// SyncView is one sync's part of a View.
type SyncView struct {
	Sync     string              `json:"sync"`
	Mode     Mode                `json:"mode"`
	State    State               `json:"state"`
	Revision string              `json:"revision,omitempty"` // what is kept
	Newest   string              `json:"newest,omitempty"`   // what the source has
	Ref      string              `json:"ref,omitempty"`
	Author   string              `json:"author,omitempty"`
	Subject  string              `json:"subject,omitempty"`
	Time     time.Time           `json:"time,omitzero"` // of the commit
	Plan     reconcile.Plan      `json:"plan"`
	Holds    []reconcile.Hold    `json:"holds,omitempty"`
	Remarks  []reconcile.Remark  `json:"remarks,omitempty"`
	Outcomes []reconcile.Outcome `json:"outcomes,omitempty"`
	Problems []Problem           `json:"problems,omitempty"`
}

// Problem is an error with what to do about it.
type Problem struct {
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// State is how a sync is, in one word.
type State string

// The states, from best to worst.
const (
	InSync    State = "in-sync"
	Observing State = "observing" // it differs, and mode observe leaves it so
	Pending   State = "pending"   // changes are planned
	Partial   State = "partial"   // something is held, refused or unknown
	Failing   State = "failing"   // the source, the brokers or a change failed
	Rejected  State = "rejected"  // the newest revision was; the last good one is kept
	NoGood    State = "no-good-revision"
	Standby   State = "standby" // another agent keeps it
)

// Control is what commands ask of an agent: the one in this process, or the
// daemon behind its socket.
type Control interface {
	Plan(context.Context) ([]View, error)
	// Sync runs a round now and returns what came of it.
	Sync(context.Context) ([]View, error)
	// Apply is Sync that carries out only the plans that were agreed to.
	Apply(context.Context, Agreement) ([]View, error)
	Confirm(context.Context, []reconcile.Digest) ([]reconcile.Hold, error)
	// Release returns the sync that owned the thing.
	Release(context.Context, reconcile.ID) (string, error)
	Resources(context.Context) ([]ResourceView, error)
	// Jobs lists what goes on beside the rounds: schedules, restores, drills.
	Jobs(context.Context) ([]sinks.Job, error)
	SteerJob(ctx context.Context, id string, do sinks.JobAction) (sinks.Job, error)
	// Agents lists those who keep the clusters.
	Agents(context.Context) ([]AgentView, error)
	// BackupNow has a declared backup run at once.
	BackupNow(ctx context.Context, name string) (sinks.Job, error)
}

// ProblemOf keeps an error's hint, if it has one.
func ProblemOf(err error) Problem {
	p := Problem{Text: err.Error()}
	var hint *sources.HintError
	if errors.As(err, &hint) {
		p.Hint = hint.Hint
	}
	return p
}

// View is the report without its live side.
func (r Report) View() View {
	v := View{Cluster: r.Cluster, ClusterID: r.ClusterID}
	if r.Err != nil {
		v.Problems = []Problem{ProblemOf(r.Err)}
	}
	for _, s := range r.Syncs {
		view := s.view()
		if r.Err != nil && view.State == InSync {
			view.State = Failing
		}
		v.Syncs = append(v.Syncs, view)
	}
	return v
}

func (s SyncReport) view() SyncView {
	v := SyncView{
		Sync: s.Sync, Mode: s.Mode, State: s.State(), Revision: s.Snapshot.Revision, Newest: s.Newest.Revision,
		Ref: s.Snapshot.Ref, Author: s.Snapshot.Author, Subject: s.Snapshot.Subject, Time: s.Snapshot.Time,
		Plan: s.Plan, Holds: s.Holds, Remarks: s.Remarks, Outcomes: s.Outcomes,
	}
	for _, err := range s.Errors() {
		v.Problems = append(v.Problems, ProblemOf(err))
	}
	return v
}

// State is how the sync is after the round.
func (s SyncReport) State() State {
	open := s.openChanges()
	switch {
	case s.Standby:
		return Standby
	case s.Snapshot.Revision == "":
		return NoGood
	case s.RejectErr != nil:
		return Rejected
	case s.SourceErr != nil || s.Failed():
		return Failing
	case s.kept() || len(s.Plan.Unknown) > 0:
		return Partial
	case open > 0 && s.Mode == Observe:
		return Observing
	case open > 0:
		return Pending
	default:
		return InSync
	}
}

// kept tells that something is held or refused.
func (s SyncReport) kept() bool {
	stays := func(f reconcile.Fate) bool { return f.Held != "" || f.Refused != "" }
	for _, c := range s.Plan.Changes {
		if stays(c.Fate) {
			return true
		}
		for _, f := range c.Fields {
			if stays(f.Fate) {
				return true
			}
		}
	}
	return false
}

// openChanges counts what was planned and not, or not wholly, carried out in
// this round.
func (s SyncReport) openChanges() int {
	acks := s.acknowledged()
	open := 0
	for _, c := range s.Plan.Changes {
		if c.Action != reconcile.Note && !acks[c.ID].all(c) {
			open++
		}
	}
	return open
}

// all tells that nothing of a change is left to be done.
func (a ack) all(c reconcile.Change) bool {
	return a.action != "" && !slices.ContainsFunc(c.Fields, func(f reconcile.FieldChange) bool { return !a.fields[f.Name] })
}
