package agent

import (
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

// Report is what one round on one cluster saw and did. It is a value that
// holds nothing secret.
type Report struct {
	Cluster   string
	ClusterID string
	Began     time.Time
	Took      time.Duration
	Err       error // the cluster could not be reached, or its ledger not read
	Syncs     []SyncReport
	Live      map[string][]reconcile.Live // by kind, for `get`; nil where not observed
}

// SyncReport is one sync's part of a round.
type SyncReport struct {
	Sync     string
	Mode     Mode
	Snapshot sources.Snapshot // what is being kept; zero while there is no good one
	Newest   sources.Snapshot // what the source has; differs from Snapshot while it is rejected
	Remarks  []reconcile.Remark
	Plan     reconcile.Plan
	Holds    []reconcile.Hold
	Outcomes []reconcile.Outcome
	Leftover []reconcile.Change     // acknowledged, and still not so
	Unseen   []reconcile.Unobserved // acknowledged, and could not be looked at again
	Took     time.Duration
	Standby  bool // another agent leads: nothing was planned

	SourceErr error // the source could not be read
	RejectErr error // the newest revision was rejected; the last good one goes on
	CheckErr  error // the broker could not be asked to validate
	RunErr    error // the ledger could not be written, or the round was stopped
}

// Failed tells a round after which the next should come sooner, and slower
// each time.
func (r Report) Failed() bool {
	if r.Err != nil {
		return true
	}
	for _, s := range r.Syncs {
		if s.Failed() {
			return true
		}
	}
	return false
}

// Failed tells a sync that did not do what it should have.
func (s SyncReport) Failed() bool {
	if s.RunErr != nil || s.CheckErr != nil || len(s.Leftover)+len(s.Unseen) > 0 {
		return true
	}
	for _, o := range s.Outcomes {
		if o.Failed != "" || o.Unsure {
			return true
		}
	}
	return false
}

// Good tells a round that did all it is there for: every repository was read,
// no revision was rejected, and nothing failed. What is held or refused waits
// for people, and is no failure.
func (r Report) Good() bool {
	if r.Err != nil {
		return false
	}
	for _, s := range r.Syncs {
		if !s.Good() {
			return false
		}
	}
	return true
}

// Good is Report.Good for one sync.
func (s SyncReport) Good() bool { return len(s.Errors()) == 0 && !s.Failed() }

// Revision is the revision that is kept, "" while there is none.
func (s SyncReport) Revision() string { return s.Snapshot.Revision }

// Errors lists what went wrong, in the order of the way of a commit.
func (s SyncReport) Errors() []error {
	var errs []error
	for _, err := range []error{s.SourceErr, s.RejectErr, s.CheckErr, s.RunErr, s.leftover()} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}
