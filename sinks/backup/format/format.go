// Package format is what stands in a backup repository: frames in packs,
// manifests and the other numbered objects, as values and as bytes. It does no
// I/O of its own. docs/reference/backup-format.md says the same in words.
package format

import (
	"crypto/ed25519"
	"time"
)

// Version is the newest format that is written; all up to it are read.
const Version = 1

// Frame is a stretch of whole batches of one partition, with every offset of
// [First, Next) accounted for. A frame without bytes holds gaps only.
type Frame struct {
	Topic     string `json:"topic"`
	TopicID   string `json:"topicId"` // as Kafka prints it: base64url of 16 bytes
	Partition int32  `json:"partition"`
	First     int64  `json:"first"`
	Next      int64  `json:"next"`
	// FirstTime and MaxTime are milliseconds. A batch header has no lowest time:
	// MinTime is only there where records were decoded.
	FirstTime int64  `json:"firstTime,omitempty"`
	MaxTime   int64  `json:"maxTime,omitempty"`
	MinTime   *int64 `json:"minTime,omitempty"`
	Batches   int64  `json:"batches,omitempty"`
	Records   int64  `json:"records,omitempty"`
	// Offset and Length are where the stored bytes stand in the pack's plaintext.
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	Raw    int64  `json:"raw,omitempty"`   // bytes of the batches, uncompressed by Codec
	Codec  string `json:"codec,omitempty"` // the frame as a unit: "" | lz4 | zstd
	// Was is the batches' own codec before they were repacked; "" if they were not.
	Was  string `json:"was,omitempty"`
	Sum  string `json:"sum,omitempty"` // hex SHA-256 of the stored bytes
	Gone Gone   `json:"gone,omitzero"` // offsets without a record, by reason
	// Gaps are the holes between batches. A manifest has them only for frames
	// without bytes; the index of a pack has them for all its frames.
	Gaps []Gap `json:"gaps,omitempty"`
}

// Gone counts offsets that hold no record, by reason.
type Gone struct {
	Control   int64 `json:"control,omitempty"`
	Aborted   int64 `json:"aborted,omitempty"`
	Compacted int64 `json:"compacted,omitempty"` // also records missing inside a batch
	Lost      int64 `json:"lost,omitempty"`      // retention was faster than we
}

// Reason says why offsets hold no record.
type Reason string

// The reasons.
const (
	Control   Reason = "control"
	Aborted   Reason = "aborted"
	Compacted Reason = "compacted"
	Lost      Reason = "lost"
)

// Gap is a stretch of offsets [First, Next) without records.
type Gap struct {
	First  int64  `json:"first"`
	Next   int64  `json:"next"`
	Reason Reason `json:"reason"`
}

// Pack is an object of frames.
type Pack struct {
	ID        string  `json:"id"` // its name below packs/, without the suffix
	Size      int64   `json:"size"`
	Digest    string  `json:"digest"` // hex SHA-256 of the pack's index
	Encrypted bool    `json:"encrypted,omitempty"`
	Frames    []Frame `json:"frames"`
}

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
	Partitions []Partition       `json:"partitions"`
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

// Group is a consumer group as it was.
type Group struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"` // classic | consumer
	Protocol string   `json:"protocol,omitempty"`
	State    string   `json:"state,omitempty"`
	Offsets  []Commit `json:"offsets"`
}

// Commit is a committed offset. Clamped is what the group had committed beyond
// the point.
type Commit struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Epoch     int32  `json:"epoch"` // -1: none
	Metadata  string `json:"metadata,omitempty"`
	Clamped   int64  `json:"clamped,omitempty"`
}

// ACL is one binding, in Kafka's own words.
type ACL struct {
	ResourceType string `json:"resourceType"`
	ResourceName string `json:"resourceName"`
	PatternType  string `json:"patternType"`
	Principal    string `json:"principal"`
	Host         string `json:"host"`
	Operation    string `json:"operation"`
	Permission   string `json:"permission"`
}

// Quota is one entity's quotas. A nil name is the default entity.
type Quota struct {
	Entity []QuotaPart        `json:"entity"`
	Values map[string]float64 `json:"values"`
}

// QuotaPart is one part of an entity.
type QuotaPart struct {
	Type string  `json:"type"`
	Name *string `json:"name"`
}

// User is a SCRAM user: its secret cannot be read, so it is not kept.
type User struct {
	Name       string   `json:"name"`
	Mechanisms []string `json:"mechanisms"`
}

// Lease is a bid for the right to write. It wins if, by the store's clock, the
// one before it had expired, was released, or had the same holder.
type Lease struct {
	Holder   string        `json:"holder"`
	TTL      time.Duration `json:"ttl"` // nanoseconds
	Released bool          `json:"released,omitempty"`
}

// Removal drops points: a tombstone. Their packs are swept after a grace.
type Removal struct {
	Points map[int64]string `json:"points"` // number to reason
	By     string           `json:"by"`
}

// Verification is what somebody found when looking at a point.
type Verification struct {
	Point   int64     `json:"point"`
	Level   string    `json:"level"` // structure | subset | data
	Good    bool      `json:"good"`
	Found   []string  `json:"found,omitempty"` // damages, in words
	Digests []Digest  `json:"digests,omitempty"`
	Began   time.Time `json:"began"`
	Ended   time.Time `json:"ended"`
	By      string    `json:"by"`
}

// Digest is the record digest of a partition's range in a point.
type Digest struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Start     int64  `json:"start"`
	End       int64  `json:"end"`
	Records   int64  `json:"records"`
	Digest    string `json:"digest"`
}

// Move says where frames of a rewritten pack stand now.
type Move struct {
	From string          `json:"from"` // pack id
	To   Pack            `json:"to"`
	At   map[int64]int64 `json:"at"` // offset of a frame in From to its index in To.Frames
}

// Seal makes the bytes of a numbered object: a line that says what it is, a
// line of JSON, and a line with the ed25519 signature of the two, where there is
// a key. Manifests and moves are zstd-compressed.
func Seal(kind string, value any, key ed25519.PrivateKey) ([]byte, error) { panic("unbuilt") }

// Open reads what Seal made into value, and returns who signed it, nil if
// nobody did. A wrong kind, a newer version, an unknown field and a signature
// that does not fit are errors.
func Open(b []byte, kind string, value any) (ed25519.PublicKey, error) { panic("unbuilt") }
