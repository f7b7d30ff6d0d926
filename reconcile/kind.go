package reconcile

import (
	"context"
	"time"
)

// Live is one thing as it was observed. A field that is absent was not looked
// at, unless Whole: then it is not set.
type Live struct {
	ID       ID
	Fields   map[string]Value
	Defaults map[string]Value // what an unset field falls back to, where the system says so
	Whole    bool             // every field was looked at
	UID      string           // the topic id; "" where the kind has none
	Claims   []ID             // of a job: what it works on
	ClaimBy  string           // of a job: its name, for "being restored by X"
	Done     bool             // of a job: it has ended
	Internal string           // words: the system's own, never ours to touch
}

// Field returns what was observed: Unset for an absent field of a whole look,
// Absent where the field was not looked at.
func (l Live) Field(name string) Value {
	if v, ok := l.Fields[name]; ok {
		return v
	}
	if l.Whole {
		return UnsetValue()
	}
	return Value{}
}

// Unobserved is what could not be read, and why. It is never taken for absent.
// A zero Name stands for the whole kind.
type Unobserved struct {
	ID     ID     `json:"id"`
	Reason string `json:"reason"`
}

// Scope says what to look at: a set, no doubles.
type Scope struct {
	Full bool // all there are
	Name []ID // by name; every named ID is answered: Live, Unobserved or definitely not there
	// Fields narrows the look at an ID to these fields. An ID that has no entry
	// is looked at whole. It saves the broker work; it never changes an answer.
	Fields map[ID][]string
}

// Kind is one live kind: where an outside system is met. Implementations are
// safe for concurrent use.
type Kind interface {
	Name() string
	Rules() Rules
	// Observe reads in bulk and names what could not be read. An error means
	// that nothing could: the whole kind is Unknown.
	Observe(context.Context, Scope) ([]Live, []Unobserved, error)
	// Apply carries out changes, batched on the wire, and reports once for each
	// request, never from two goroutines at once. One failure does not stop the
	// rest; repeating is harmless.
	// A change that is not reported counts as unsure.
	Apply(context.Context, []Change, func(...Outcome))
}

// Briefed is a Kind that must know what is declared, and what was last applied,
// to know where to look: a policy lives in the bucket that it names itself.
type Briefed interface {
	// Brief is told of all things of the kind before each look at them.
	Brief([]Brief)
}

// Brief is what is known of one thing before it is looked at.
type Brief struct {
	ID       ID
	Want     Resource         // zero where nothing declares it
	Declared bool             // by a sync, or by one of which that is not known
	Last     map[string]Value // last applied; nil where it is not ours
}

// Checker is a Kind whose system can validate a change without making it.
type Checker interface {
	// Check returns what would be refused or costs something, in words.
	Check(context.Context, []Change) ([]Verdict, error)
}

// Verdict is what a system says of a change before it is made.
type Verdict struct {
	ID      ID
	Field   string // "" is the whole change
	Refused string // the system's words
	Risk    string // it would be done, and costs this
}

// Rules are what the diff must know of a kind: data and pure functions.
type Rules struct {
	Field func(name string) Rule
	// Bag: never created or deleted, its fields are set and unset (AclSet, QuotaEntity).
	Bag bool
	// Recreate: one deleted by hand is put back without asking.
	Recreate bool
	// OneShot: carried out once, under its name.
	OneShot bool
	// Grace is how long a thing must be gone from Git before it is deleted.
	Grace time.Duration
	// Drift is the kind's drift mode; "" is heal.
	Drift DriftMode
}

// Rule is what the diff must know of one field.
type Rule struct {
	Reset bool // leaving Git means Unset; otherwise it is merely forgotten
	Pin   bool // declared means set, also where it equals the default
	Watch bool // undeclared, it is remembered as first seen, and a later difference is drift
	// With: fields that are sent along when this one changes, although they are
	// equal: a credential can only be written whole.
	With []string
	// Needed: words for refusing a create that lacks this field.
	Needed string
	// Check returns words if this step is never allowed.
	Check func(from, to Value) string
	// Loses returns words if data would go; defaults are filled in for Unset.
	Loses func(from, to Value) string
	// Disrupts returns words if somebody would notice; it is shown, not held.
	Disrupts func(from, to Value) string
}

// Outcome is what came of one change, or of some fields of it: partitions and
// configuration are two requests.
type Outcome struct {
	ID     ID       `json:"id"`
	Fields []string `json:"fields,omitempty"` // empty: the whole change
	UID    string   `json:"uid,omitempty"`    // of what was created
	Failed string   `json:"failed,omitempty"` // words; "" is success
	Unsure bool     `json:"unsure,omitempty"` // no answer came: it may have happened
	Note   string   `json:"note,omitempty"`   // words on a success: from which point a deleted topic can be restored
}
