package reconcile

import (
	"context"
	"time"
)

// Binding is what a section of the ledger belongs to. If one of them differs
// from what is configured, the rest converges, but every deletion,
// irreversible change and one-shot is held until a person confirms.
type Binding struct {
	Cluster    string `json:"cluster"` // the cluster's own id
	Repository string `json:"repository"`
	Path       string `json:"path"`
	Ref        string `json:"ref"`
}

// Entry is one line of the journal. Besides the envelope exactly one of its
// fields is set.
type Entry struct {
	Seq      int       `json:"seq"`
	Time     time.Time `json:"time"`
	Sync     string    `json:"sync"`
	Revision string    `json:"revision,omitempty"`

	Accepted string    `json:"accepted,omitempty"` // a revision that decodes: what is healed from now on
	Bind     *Binding  `json:"bind,omitempty"`
	Intent   []Change  `json:"intent,omitempty"`
	Outcomes []Outcome `json:"outcomes,omitempty"`
	Confirm  []Digest  `json:"confirm,omitempty"`
}

// Ledger is a journal: intent before, outcome after each request. Only agent
// reads and writes it; one for a cluster, a section for each sync.
type Ledger interface {
	// Replay folds the whole journal. A damaged journal is an error that says
	// the way out, never an empty state.
	Replay(context.Context) (*State, error)
	// Append makes the entry durable and folds it into the state that Replay
	// returned; Seq is set by the ledger.
	Append(context.Context, Entry) error
}

// State is the journal folded: what we own on one cluster, and why.
type State struct {
	Sections map[string]*Section `json:"sections"` // by sync
}

// Section is one sync's part of the ledger.
type Section struct {
	Binding  Binding              `json:"binding"`
	Accepted string               `json:"accepted,omitempty"` // newest revision that decoded
	Owned    map[ID]*Owned        `json:"owned,omitempty"`
	Pending  map[ID]Change        `json:"pending,omitempty"` // intents without an outcome
	OneShots map[ID]OneShot       `json:"oneShots,omitempty"`
	Claims   map[ID]ID            `json:"claims,omitempty"` // claimed thing → job
	Confirms map[Digest]time.Time `json:"confirms,omitempty"`
	Deleted  []Deleted            `json:"deleted,omitempty"` // within the last hour
}

// Owned is one thing we own.
type Owned struct {
	Created bool                   `json:"created,omitempty"` // by us; otherwise adopted
	Cluster string                 `json:"cluster,omitempty"`
	UID     string                 `json:"uid,omitempty"`
	Last    map[string]Value       `json:"last,omitempty"`  // as last applied
	Alone   map[string]Value       `json:"alone,omitempty"` // left alone, with the value seen
	Marks   Marks                  `json:"marks,omitzero"`
	Missing time.Time              `json:"missing,omitzero"` // since when Git no longer has it
	Heals   map[string][]time.Time `json:"heals,omitempty"`  // of drift, within the last day, by field
}

// Deleted remembers a deletion for the wipe guard.
type Deleted struct {
	ID   ID        `json:"id"`
	Time time.Time `json:"time"`
	// Fields is how many fields were unset; 0 is the whole thing.
	Fields int `json:"fields,omitempty"`
}

// OneShot is something done once under its name.
type OneShot struct {
	Digest Digest `json:"digest"`
	// Seen: it was in Git when the ledger was born, and was not carried out.
	Seen bool `json:"seen,omitempty"`
}
