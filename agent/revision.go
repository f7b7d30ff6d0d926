package agent

import (
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

const (
	// rereadFirst and rereadMost pace further tries at a revision that could not
	// be read: what was missing may have been a key on our side.
	rereadFirst = 30 * time.Second
	rereadMost  = 5 * time.Minute
)

// goodRevision is the newest revision that decoded. It is read once, not once
// a round.
type goodRevision struct {
	snapshot sources.Snapshot
	declared reconcile.Declarations
	sealed   []reconcile.Resource
}

// verdict is why a revision was not taken, for as long as that is not asked
// again.
type verdict struct {
	revision string
	since    string // the accepted revision that it was compared with
	why      error
	again    time.Time
	pause    *backoff.ExponentialBackOff
}

// holds tells that there is nothing new to learn of a revision.
func (v verdict) holds(revision string, l looking) bool {
	return v.why != nil && v.revision == revision && v.since == l.accepted && l.now.Before(v.again)
}

// against is the verdict on a revision, with a pause that grows while it is the
// same.
func (v verdict) against(revision string, why error, l looking) verdict {
	if v.pause == nil || v.revision != revision {
		v.pause = backoff.NewExponentialBackOff()
		v.pause.InitialInterval, v.pause.MaxInterval, v.pause.Multiplier = rereadFirst, rereadMost, 2
		v.pause.Reset()
	}
	v.revision, v.since, v.why = revision, l.accepted, why
	v.again = l.now.Add(v.pause.NextBackOff())
	return v
}
