package format

import (
	"encoding/json"
	"time"
)

// Lease is a bid for the right to write. It wins if, by the store's clock, the
// one before it had expired, was released, or had the same holder.
type Lease struct {
	Holder   string        `json:"holder"`
	TTL      time.Duration `json:"ttl"` // nanoseconds
	Released bool          `json:"released,omitempty"`
	// On is the number of the bid that had the lease when this one was made, 0
	// if none had: what is older than the newest bid's need not be read.
	On int64 `json:"on,omitempty"`
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
	// Last is the pack up to which a subset was read, by name: the next subset
	// goes on behind it.
	Last string `json:"last,omitempty"`
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

// The phases in which a restore has ended.
const (
	RestoreDone      = "done"
	RestoreAbandoned = "abandoned"
)

// Restore is what others than the restore itself need to know of its record.
type Restore struct {
	Point   int64     `json:"point"`
	Phase   string    `json:"phase"`
	Cluster string    `json:"cluster"` // id of the target
	Began   time.Time `json:"began"`
}

// Ended tells a restore of which nothing is to be done any more.
func (r Restore) Ended() bool { return r.Phase == RestoreDone || r.Phase == RestoreAbandoned }

// UnmarshalJSON leaves out what is the restore's own affair.
func (r *Restore) UnmarshalJSON(b []byte) error {
	type some Restore
	return json.Unmarshal(b, (*some)(r))
}
