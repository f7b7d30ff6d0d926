package reconcile

import "time"

// Action is what a change does.
type Action string

// The actions. A note changes nothing outside: it is bookkeeping.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
	Note   Action = "note"
)

// Reason says why a field differs.
type Reason string

// The reasons, in the order they are asked.
const (
	Adopted  Reason = "adopted"  // never applied by us, or its history is unknown
	Drifted  Reason = "drifted"  // Git is as last applied, the live side is not
	Conflict Reason = "conflict" // both sides moved
	Declared Reason = "declared" // the live side is as last applied: Git moved
)

// Fate says what keeps a change from being carried out. The zero Fate goes ahead.
type Fate struct {
	Held     string `json:"held,omitempty"`     // until a person confirms
	Waiting  string `json:"waiting,omitempty"`  // ends by itself: a claim, a grace; never confirmable
	Refused  string `json:"refused,omitempty"`  // never as written
	Reported string `json:"reported,omitempty"` // told only: the drift mode says so
	Together string `json:"together,omitempty"` // held ones judged and confirmed as one: "wipe Topic"
}

// Clear tells a fate that lets the change go ahead.
func (f Fate) Clear() bool {
	return f.Held == "" && f.Waiting == "" && f.Refused == "" && f.Reported == ""
}

// FieldChange is one field's step.
type FieldChange struct {
	Name string `json:"name"`
	From Value  `json:"from"`
	To   Value  `json:"to"`
	Why  Reason `json:"why"`
	Risk string `json:"risk,omitempty"` // words: what it costs
	// Irreversible: what it costs cannot be had back.
	Irreversible bool     `json:"irreversible,omitempty"`
	Fate         Fate     `json:"fate,omitzero"`
	Origins      []Origin `json:"origins,omitempty"`
}

// Change is what is to be done to one live thing.
type Change struct {
	ID        ID            `json:"id"`
	Action    Action        `json:"action"`
	Why       Reason        `json:"why,omitempty"`
	Risk      string        `json:"risk,omitempty"`
	Fate      Fate          `json:"fate,omitzero"`
	UID       string        `json:"uid,omitempty"`
	Cluster   string        `json:"cluster,omitempty"`
	Needs     []ID          `json:"needs,omitempty"`
	Claims    []ID          `json:"claims,omitempty"`
	Fields    []FieldChange `json:"fields,omitempty"`
	Notes     Notes         `json:"notes,omitzero"`
	Origins   []Origin      `json:"origins,omitempty"`
	Confirmed Digest        `json:"confirmed,omitempty"`
	OneShot   Digest        `json:"oneShot,omitempty"` // what is done once under this name
}

// Notes is bookkeeping that a plan carries and an intent writes. Without it
// the next edit would be misread.
type Notes struct {
	Adopt     bool             `json:"adopt,omitempty"`     // ownership begins, of something that was there
	Begin     bool             `json:"begin,omitempty"`     // ownership begins, of a bag that was empty
	TakenFrom string           `json:"takenFrom,omitempty"` // the sync that gave it up
	Release   string           `json:"release,omitempty"`   // ownership ends, with the reason
	Settled   map[string]Value `json:"settled,omitempty"`   // live and Git agree: the new last
	Forget    []string         `json:"forget,omitempty"`    // fields no longer remembered
	Alone     map[string]Value `json:"alone,omitempty"`     // keys left alone, with the value seen
	Missing   *time.Time       `json:"missing,omitempty"`   // since when Git no longer has it; the zero time: it is back
	Marks     *Marks           `json:"marks,omitempty"`     // what its annotations said
	Resolved  bool             `json:"resolved,omitempty"`  // an intent left open is understood
	Seen      Digest           `json:"seen,omitempty"`      // a one-shot that was already there
	Carried   Digest           `json:"carried,omitempty"`   // a one-shot that turned out to be carried out
	Finished  bool             `json:"finished,omitempty"`  // a job ended: its claims are free
	Words     []string         `json:"words,omitempty"`     // for people only
}

// Marks outlive the document that set them.
type Marks struct {
	Keep bool   `json:"keep,omitempty"`
	Skip string `json:"skip,omitempty"`
}

// Count is what the guards judge a kind by.
type Count struct {
	Declared int `json:"declared"`
	Owned    int `json:"owned"`
	Live     int `json:"live"`
	Unowned  int `json:"unowned"`
	// Deleted counts what was deleted within the last hour, from the ledger.
	Deleted int `json:"deleted"`
	// Leaving counts what is owned and no longer declared, in scope or not.
	Leaving int `json:"leaving"`
	// Of a Bag, the same for its fields: owned, leaving, unset within the last hour.
	Fields        int `json:"fields"`
	FieldsLeaving int `json:"fieldsLeaving"`
	FieldsUnset   int `json:"fieldsUnset"`
}

// Plan is what would be done and why. It is a value: apply decides from
// nothing else.
type Plan struct {
	Sync     string           `json:"sync,omitempty"`
	Revision string           `json:"revision"`
	Binding  Binding          `json:"binding"`
	Newborn  bool             `json:"newborn,omitempty"` // the ledger's section was never bound
	Changes  []Change         `json:"changes"`
	Unknown  []Unobserved     `json:"unknown,omitempty"`
	Counts   map[string]Count `json:"counts,omitempty"`
}

// Digest identifies a held change, or a whole plan: 12 hex digits.
type Digest string

// Hold is one thing a person may confirm.
type Hold struct {
	Digest  Digest   `json:"digest"`
	IDs     []ID     `json:"ids"`
	Words   []string `json:"words"` // what would be done, one line each
	Reasons []string `json:"reasons"`
}
