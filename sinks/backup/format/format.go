// Package format is what stands in a backup repository: frames in packs,
// manifests and the other numbered objects, as values and as bytes. It does no
// I/O of its own. docs/reference/backup-format.md says the same in words.
package format

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
	// TakeFrom and TakeTo are only in complete manifests, where the point takes
	// no more than [TakeFrom, TakeTo) of the frame: what lies beyond them was
	// superseded by another copy or a truncation. 0 is the frame's own end.
	TakeFrom int64 `json:"takeFrom,omitempty"`
	TakeTo   int64 `json:"takeTo,omitempty"`
}

// Window is what the point may take of the frame: [from, to).
func (f Frame) Window() (from, to int64) {
	from, to = max(f.First, f.TakeFrom), f.Next
	if f.TakeTo > 0 {
		to = min(to, f.TakeTo)
	}
	return from, to
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
