package format

import "time"

// Manifest is one point: what is new in it, and what it stands on. It is the
// last object a run writes.
type Manifest struct {
	Version  int       `json:"version"`
	Number   int64     `json:"number"`
	Parent   int64     `json:"parent,omitempty"` // 0: complete, it stands alone
	Kind     Kind      `json:"kind"`
	Backup   Identity  `json:"backup"`
	Began    time.Time `json:"began"` // groups were read right after
	Taken    time.Time `json:"taken"` // when the ends of the data were read
	Ended    time.Time `json:"ended"`
	Writer   string    `json:"writer"` // host and process of the agent
	Software string    `json:"software"`
	// Pinned says why retention never drops the point: "final backup of orders".
	Pinned string   `json:"pinned,omitempty"`
	Topics []Topic  `json:"topics"`
	Parts  []Part   `json:"parts,omitempty"` // one a worker
	Groups []Group  `json:"groups,omitempty"`
	Share  []string `json:"shareGroups,omitempty"` // named, not kept
	ACLs   []ACL    `json:"acls,omitempty"`
	Quotas []Quota  `json:"quotas,omitempty"`
	Users  []User   `json:"users,omitempty"`
	// Notes are what people should know of this point: gaps, clamped groups,
	// topics that could not be read.
	Notes []string `json:"notes,omitempty"`
}

// Kind says what made a point.
type Kind string

// The kinds of points.
const (
	Scheduled  Kind = "scheduled"
	Manual     Kind = "manual"
	Continuous Kind = "continuous"
	Final      Kind = "final"    // before a topic was deleted
	Repaired   Kind = "repaired" // rebuilt from packs
)

// Identity tells backup repositories below one prefix apart.
type Identity struct {
	Namespace string `json:"namespace"` // "default" where none is said
	Name      string `json:"name"`      // of the KafkaBackup
	Cluster   string `json:"cluster"`   // id of the source cluster
}

// Inherited is the writer of the part of a complete manifest that names what
// earlier points had written.
const Inherited = "inherited"

// Part is what one worker wrote.
type Part struct {
	Writer string  `json:"writer"`
	Packs  []Pack  `json:"packs,omitempty"`
	Empty  []Frame `json:"empty,omitempty"` // frames without bytes
}

// Topic is a topic as it was.
type Topic struct {
	Name       string            `json:"name"`
	ID         string            `json:"id"`
	Internal   bool              `json:"internal,omitempty"`
	Replicas   int               `json:"replicas"`
	Config     map[string]string `json:"config,omitempty"` // what is set on the topic
	Timestamps string            `json:"timestamps"`       // effective message.timestamp.type
	Compacted  bool              `json:"compacted,omitempty"`
	MaxBytes   int64             `json:"maxBytes"` // effective max.message.bytes
	// DeleteRetention is the effective delete.retention.ms; nil: not known.
	DeleteRetention *int64      `json:"deleteRetentionMs,omitempty"`
	Partitions      []Partition `json:"partitions"`
}

// Partition is the range [Start, End) of a partition that a point contains.
// The frames of this manifest cover [Base, End) without a hole; [Start, Base)
// is the parent's, where the topic id is the same.
type Partition struct {
	Partition int32 `json:"partition"`
	Start     int64 `json:"start"` // log start, or the archive's
	Base      int64 `json:"base"`
	End       int64 `json:"end"` // last stable offset
	High      int64 `json:"high"`
	Epoch     int32 `json:"epoch"` // leader epoch of the last batch before End; -1 unknown
	// Why says why Base is not the parent's End: "compacted: copied in full",
	// "truncated at 1200".
	Why string `json:"why,omitempty"`
	// Full is when this partition's data was last copied from its start in one go.
	Full time.Time `json:"full,omitzero"`
}
