package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

// Mode says whether a sync writes.
type Mode string

// The modes.
const (
	Apply   Mode = "apply"   // what is declared is carried out
	Observe Mode = "observe" // everything is planned, told and shown; nothing is written or adopted
)

// Sync is one Git path kept on one cluster.
type Sync struct {
	Name         string
	Binding      reconcile.Binding // without the cluster's id, which is asked for
	Mode         Mode
	AllowRewrite bool
	Guards       []reconcile.Guard
	// Rules adjusts the kinds' rules to the configuration: drift modes, graces,
	// recreate. It may be nil.
	Rules func(map[string]reconcile.Rules) map[string]reconcile.Rules

	Feed     *Feed
	At       func(ctx context.Context, revision string) (sources.Snapshot, error)
	Descends func(ctx context.Context, newer, older string) (bool, error)
	// Read turns a snapshot into what it declares: decrypt, render, decode. An
	// error rejects the revision.
	Read func(context.Context, sources.Snapshot) (reconcile.Declarations, error)

	good     *goodRevision
	rejected verdict // on the newest revision
	lost     verdict // on the accepted one, which could not be had again
}

const (
	// descendsMost is how long a round waits to learn how two revisions are
	// related, which may take a fetch of older history.
	descendsMost = time.Minute
	// recallMost is how long it waits for a revision that was had before.
	recallMost = 15 * time.Second
)

// look brings the sync up to the newest revision, or keeps the last good one.
// The error says that the ledger could not be written.
func (s *Sync) look(ctx context.Context, newest fetched, l looking) (SyncReport, error) {
	r := SyncReport{Sync: s.Name, Mode: s.Mode}
	if newest.err != nil {
		r.SourceErr = fmt.Errorf("read the source of sync %s: %w", s.Name, newest.err)
	} else {
		r.Newest = newest.snapshot
		r.RejectErr, r.SourceErr = s.take(ctx, newest.snapshot, l)
	}
	if s.good == nil {
		if err := s.recall(ctx, l); err != nil {
			r.SourceErr = errors.Join(r.SourceErr, err)
		}
	}
	if s.good == nil {
		return r, nil
	}
	r.Snapshot, r.Remarks = s.good.snapshot, s.good.declared.Remarks
	return r, l.keeps(ctx, s.Name, s.good.snapshot.Revision)
}

// looking is what a sync needs of its cluster to take a revision.
type looking struct {
	key      []byte
	now      time.Time
	accepted string // the newest good revision of this repository and ref that the ledger knows
	known    string // the one that stands in the ledger, whatever it is of
	accept   func(ctx context.Context, sync, revision string) error
}

// keeps writes down what is healed from now on. That may have been taken by a
// look that writes nothing, so the ledger is asked, not our memory.
func (l looking) keeps(ctx context.Context, sync, revision string) error {
	if l.accept == nil || l.known == revision {
		return nil
	}
	return l.accept(ctx, sync, revision)
}

// take makes a revision the one that is kept, unless it is rejected. A failure
// to find out rejects nothing.
func (s *Sync) take(ctx context.Context, snap sources.Snapshot, l looking) (rejected, failed error) {
	if s.good != nil && s.good.snapshot.Revision == snap.Revision {
		s.rejected = verdict{}
		return nil, nil
	}
	if s.rejected.holds(snap.Revision, l) {
		return s.rejected.why, nil
	}
	rejected, failed = s.follows(ctx, snap, l.accepted)
	if failed != nil {
		return nil, failed
	}
	var good *goodRevision
	if rejected == nil {
		good, rejected = s.read(ctx, snap, l)
	}
	switch {
	case rejected == nil:
		s.good, s.rejected = good, verdict{}
	case ctx.Err() != nil:
		return nil, ctx.Err()
	default:
		s.rejected = s.rejected.against(snap.Revision, rejected, l)
	}
	return rejected, nil
}

// read decodes a revision, or rejects it.
func (s *Sync) read(ctx context.Context, snap sources.Snapshot, l looking) (*goodRevision, error) {
	declared, err := s.Read(ctx, snap)
	if err != nil {
		return nil, fmt.Errorf("revision %s is rejected: %w", short(snap.Revision), err)
	}
	return &goodRevision{snap, declared, reconcile.Seal(l.key, declared.Resources)}, nil
}

// follows refuses a history that was rewritten: Git cannot roll us back
// silently. Where nothing was applied yet, what was shown last counts.
func (s *Sync) follows(ctx context.Context, snap sources.Snapshot, accepted string) (rejected, failed error) {
	if accepted == "" && s.good != nil {
		accepted = s.good.snapshot.Revision
	}
	if accepted == "" || s.AllowRewrite || s.Descends == nil || accepted == snap.Revision {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, descendsMost)
	defer cancel()
	ok, err := s.Descends(ctx, snap.Revision, accepted)
	if err != nil {
		return nil, fmt.Errorf("ask whether %s follows %s: %w", short(snap.Revision), short(accepted), err)
	}
	if !ok {
		return &sources.HintError{
			Err:  fmt.Errorf("revision %s is rejected: history was rewritten, it does not descend from %s, which is applied", short(snap.Revision), short(accepted)),
			Hint: "revert with a new commit on top, or set allowRewrite: true on the repository",
		}, nil
	}
	return nil, nil
}

// recall goes back to the last good revision after a restart, so that it goes
// on being healed while the newest is rejected or the source is down.
func (s *Sync) recall(ctx context.Context, l looking) error {
	if l.accepted == "" || s.At == nil || s.rejected.holds(l.accepted, l) {
		return nil
	}
	if s.lost.holds(l.accepted, l) {
		return s.lost.why
	}
	patient, cancel := context.WithTimeout(ctx, recallMost)
	defer cancel()
	snap, err := s.At(patient, l.accepted)
	if err == nil {
		s.good, err = s.read(ctx, snap, l)
	}
	if err == nil {
		s.lost = verdict{}
		return nil
	}
	err = fmt.Errorf("go back to revision %s of sync %s, which was good: %w", short(l.accepted), s.Name, err)
	if ctx.Err() == nil {
		s.lost = s.lost.against(l.accepted, err, l)
	}
	return err
}

// want is what the sync declares, sealed.
func (s *Sync) want() []reconcile.Resource {
	if s.good == nil {
		return nil
	}
	return s.good.sealed
}

// claimant is this sync's word to another of its cluster. What leaves one path
// of a repository may have moved to another one, in the very revision that was
// rejected there.
func (s *Sync) claimant(to *Sync) reconcile.Claimant {
	c := reconcile.Claimant{Known: s.good != nil, IDs: map[reconcile.ID]bool{}}
	if s.rejected.why != nil && s.Binding.Repository == to.Binding.Repository {
		c.Doubt = "newest revision is rejected"
	}
	for _, r := range s.want() {
		c.IDs[r.ID] = true
	}
	return c
}

func short(revision string) string {
	if len(revision) > 12 {
		return revision[:12]
	}
	return revision
}
