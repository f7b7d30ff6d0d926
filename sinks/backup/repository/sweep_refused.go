package repository

import (
	"context"
	"fmt"
	"time"

	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/store"
)

// Refused is an object that the store did not let go.
type Refused struct {
	Object string    `json:"object"`
	Why    string    `json:"why"`
	Locked bool      `json:"locked,omitempty"` // by an object lock, or a hold: no right is missing
	Until  time.Time `json:"until,omitzero"`   // when the lock ends, where the store says so
}

// refused notes what the store did not let go, and whether a lock is why.
func (s *sweeper) refused(ctx context.Context, o stored, err error) {
	r := Refused{Object: o.name, Why: err.Error()}
	r.Until, r.Locked = store.Locked(ctx, s.r.o.Bucket, s.r.root+o.name)
	if gcerrors.Code(err) == gcerrors.FailedPrecondition {
		r.Locked = true // of the container: no object says until when
	}
	s.swept.Refused = append(s.swept.Refused, r)
}

// Rights has words for what the store refused to delete though nothing locks it,
// "" where there is none.
func (s Swept) Rights() string {
	first, n := Refused{}, 0
	for _, one := range s.Refused {
		if one.Locked {
			continue
		}
		if n++; n == 1 {
			first = one
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("the store refuses to delete %s, %s first: is the right to delete missing? What was dropped stays there, and costs: %s", objects(n), first.Object, first.Why)
}

// Locks has words for what an object lock keeps, "" where there is none.
func (s Swept) Locks() string {
	n, last := 0, time.Time{}
	for _, one := range s.Refused {
		if !one.Locked {
			continue
		}
		n++
		if one.Until.After(last) {
			last = one.Until
		}
	}
	switch {
	case n == 0:
		return ""
	case last.IsZero():
		return fmt.Sprintf("the store locks %s that could go; it does not say until when, and a later sweep tries again", objects(n))
	}
	return fmt.Sprintf("the store locks %s that could go, the last of them until %s; a later sweep tries again", objects(n), last.UTC().Format(time.RFC3339))
}

func objects(n int) string {
	if n == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", n)
}
