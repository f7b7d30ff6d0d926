package agent

import (
	"context"
	"fmt"

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
	rejected string // the newest revision that was rejected
	why      error
}

// goodRevision is the newest revision that decoded. It is read once, not once
// a round.
type goodRevision struct {
	snapshot sources.Snapshot
	declared reconcile.Declarations
	sealed   []reconcile.Resource
}

// look brings the sync up to the newest revision, or keeps the last good one.
func (s *Sync) look(ctx context.Context, l looking) SyncReport {
	r := SyncReport{Sync: s.Name, Mode: s.Mode}
	newest, err := s.Feed.newest(ctx)
	if err != nil {
		r.SourceErr = fmt.Errorf("read the source of sync %s: %w", s.Name, err)
	} else {
		r.Newest = newest
		r.RejectErr = s.take(ctx, newest, l)
	}
	if s.good == nil {
		s.recall(ctx, l)
	}
	if s.good != nil {
		r.Snapshot, r.Remarks = s.good.snapshot, s.good.declared.Remarks
	}
	return r
}

// looking is what a sync needs of its cluster to take a revision.
type looking struct {
	key      []byte
	accepted string // the newest good revision that the ledger knows
	accept   func(ctx context.Context, sync, revision string) error
}

// take makes a revision the one that is kept, unless it is rejected.
func (s *Sync) take(ctx context.Context, snap sources.Snapshot, l looking) error {
	if s.good != nil && s.good.snapshot.Revision == snap.Revision {
		s.rejected = ""
		return nil
	}
	if s.rejected == snap.Revision && s.why != nil {
		return s.why
	}
	good, err := s.read(ctx, snap, l)
	if err != nil {
		if ctx.Err() == nil {
			s.rejected, s.why = snap.Revision, err
		}
		return err
	}
	if s.Mode != Observe && l.accept != nil {
		if err := l.accept(ctx, s.Name, snap.Revision); err != nil {
			return err
		}
	}
	s.good, s.rejected, s.why = good, "", nil
	return nil
}

// read rejects a revision that rewrites history or does not decode.
func (s *Sync) read(ctx context.Context, snap sources.Snapshot, l looking) (*goodRevision, error) {
	if err := s.follows(ctx, snap, l.accepted); err != nil {
		return nil, err
	}
	declared, err := s.Read(ctx, snap)
	if err != nil {
		return nil, fmt.Errorf("revision %s is rejected: %w", short(snap.Revision), err)
	}
	return &goodRevision{snap, declared, reconcile.Seal(l.key, declared.Resources)}, nil
}

// follows refuses a history that was rewritten: Git cannot roll us back
// silently.
func (s *Sync) follows(ctx context.Context, snap sources.Snapshot, accepted string) error {
	if accepted == "" || s.AllowRewrite || accepted == snap.Revision {
		return nil
	}
	ok, err := s.Descends(ctx, snap.Revision, accepted)
	if err != nil {
		return fmt.Errorf("ask whether %s follows %s: %w", short(snap.Revision), short(accepted), err)
	}
	if !ok {
		return &sources.HintError{
			Err:  fmt.Errorf("revision %s is rejected: history was rewritten, it does not descend from %s, which is applied", short(snap.Revision), short(accepted)),
			Hint: "revert with a new commit on top, or set allowRewrite: true on the repository",
		}
	}
	return nil
}

// recall goes back to the last good revision after a restart, so that it goes
// on being healed while the newest is rejected or the source is down.
func (s *Sync) recall(ctx context.Context, l looking) {
	if l.accepted == "" || s.At == nil {
		return
	}
	snap, err := s.At(ctx, l.accepted)
	if err != nil {
		return
	}
	if good, err := s.read(ctx, snap, l); err == nil {
		s.good = good
	}
}

// want is what the sync declares, sealed.
func (s *Sync) want() []reconcile.Resource {
	if s.good == nil {
		return nil
	}
	return s.good.sealed
}

// claimant is this sync's word to the others of its cluster.
func (s *Sync) claimant() reconcile.Claimant {
	c := reconcile.Claimant{Known: s.good != nil, IDs: map[reconcile.ID]bool{}}
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
