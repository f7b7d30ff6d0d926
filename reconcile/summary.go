package reconcile

import (
	"fmt"
	"slices"
	"strings"
)

// Summary counts a plan's changes, for exit codes, metrics and status. A
// change of which one field goes ahead and another is held counts as both.
type Summary struct {
	Create   int `json:"create"` // these three go ahead
	Change   int `json:"change"`
	Delete   int `json:"delete"`
	Held     int `json:"held"`
	Waiting  int `json:"waiting"`
	Refused  int `json:"refused"`
	Reported int `json:"reported"`
	Unknown  int `json:"unknown"` // could not be observed
	Adopted  int `json:"adopted"`
	Drifted  int `json:"drifted"`
}

// Summary counts what the plan would do and what keeps it from it.
func (p Plan) Summary() Summary {
	s := Summary{Unknown: len(p.Unknown)}
	for _, c := range p.Changes {
		s.count(c)
	}
	return s
}

func (s *Summary) count(c Change) {
	if e, some := c.Effective(); some {
		s.goes(e.Action)
	}
	tick := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	tick(&s.Held, c.held())
	tick(&s.Waiting, c.any(func(f Fate) bool { return f.Waiting != "" }))
	tick(&s.Refused, c.any(func(f Fate) bool { return f.Refused != "" }))
	tick(&s.Reported, c.any(func(f Fate) bool { return f.Reported != "" }))
	tick(&s.Adopted, c.Notes.Adopt)
	tick(&s.Drifted, c.Drifted())
}

func (s *Summary) goes(a Action) {
	switch a {
	case Create:
		s.Create++
	case Update:
		s.Change++
	case Delete:
		s.Delete++
	}
}

// any tells whether the fate of the change or of one of its fields is such.
func (c Change) any(such func(Fate) bool) bool {
	return such(c.Fate) || slices.ContainsFunc(c.Fields, func(f FieldChange) bool { return such(f.Fate) })
}

// Drifted tells a change that answers, at least in part, to somebody's hand.
func (c Change) Drifted() bool {
	return c.Why == Drifted || slices.ContainsFunc(c.Fields, func(f FieldChange) bool { return f.Why == Drifted })
}

// Pending tells that what lives is not what is declared.
func (s Summary) Pending() bool {
	return s.Create+s.Change+s.Delete+s.Held+s.Waiting+s.Refused+s.Reported > 0
}

// Partial tells that something is not carried out until a person acts.
func (s Summary) Partial() bool { return s.Held+s.Refused > 0 }

// String is the last line of a plan.
func (s Summary) String() string {
	var kept []string
	for _, k := range []struct {
		n    int
		word string
	}{{s.Held, "held"}, {s.Refused, "refused"}, {s.Waiting, "waiting"}, {s.Reported, "only reported"}, {s.Unknown, "unknown"}} {
		if k.n > 0 {
			kept = append(kept, fmt.Sprintf("%d %s", k.n, k.word))
		}
	}
	if !s.Pending() && s.Unknown == 0 {
		return "No changes: what lives is what is declared."
	}
	out := fmt.Sprintf("Plan: %d to create, %d to change, %d to delete", s.Create, s.Change, s.Delete)
	if len(kept) > 0 {
		out += "; " + strings.Join(kept, ", ")
	}
	return out + "."
}
