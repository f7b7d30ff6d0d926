package agent

import (
	"errors"
	"fmt"

	"github.com/ottla-io/ottla/reconcile"
)

// Agreement is the digests of plans that somebody looked at, by cluster/sync.
// nil agrees to every plan.
type Agreement map[string]reconcile.Digest

// ErrNotAgreed says that a plan is no longer the one that was agreed to.
var ErrNotAgreed = errors.New("the plan is no longer the one that was agreed to")

// covers is an error unless the plan is the agreed one. It is asked between
// plan and apply of one round: nothing can come in between.
func (a Agreement) covers(cluster string, s SyncReport) error {
	if a == nil || a[cluster+"/"+s.Sync] == s.Plan.Digest() {
		return nil
	}
	return fmt.Errorf("sync %s: nothing was done: %w", s.Sync, ErrNotAgreed)
}
