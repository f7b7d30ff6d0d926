// Package batch reads, checks and writes Kafka's record batches (magic 2,
// KIP-98) as they lie in a log and in a fetch response. It knows bytes, no
// network and no store.
package batch

import "strconv"

// HeaderSize is the length of everything before the records.
const HeaderSize = 61

// Codec is how a batch's records are compressed: bits 0-2 of its attributes.
type Codec int8

// The codecs, by Kafka's numbers.
const (
	None Codec = iota
	Gzip
	Snappy
	LZ4
	Zstd
)

// String is the codec's name in Kafka's configuration (compression.type).
func (c Codec) String() string {
	switch c {
	case None:
		return "none"
	case Gzip:
		return "gzip"
	case Snappy:
		return "snappy"
	case LZ4:
		return "lz4"
	case Zstd:
		return "zstd"
	}
	return "codec " + strconv.Itoa(int(c))
}

// Header is what stands before a batch's records.
type Header struct {
	BaseOffset      int64
	Length          int32 // bytes after this field
	LeaderEpoch     int32
	CRC             uint32 // CRC-32C of all that follows it
	Attributes      int16
	LastOffsetDelta int32
	FirstTimestamp  int64 // milliseconds; the delete horizon where that bit is set
	MaxTimestamp    int64 // milliseconds
	ProducerID      int64
	ProducerEpoch   int16
	BaseSequence    int32
	Records         int32
}

// Size is the whole batch in bytes.
func (h Header) Size() int { return int(h.Length) + 12 }

// Last is the last offset that the batch covers.
func (h Header) Last() int64 { return h.BaseOffset + int64(h.LastOffsetDelta) }

// Next is the offset behind it.
func (h Header) Next() int64 { return h.Last() + 1 }

// Codec is how the records are compressed.
func (h Header) Codec() Codec { return Codec(h.Attributes & 7) }

// LogAppendTime tells a batch whose records' time is MaxTimestamp.
func (h Header) LogAppendTime() bool { return h.Attributes&(1<<3) != 0 }

// Transactional tells a batch that was written in a transaction.
func (h Header) Transactional() bool { return h.Attributes&(1<<4) != 0 }

// Control tells a transaction marker.
func (h Header) Control() bool { return h.Attributes&(1<<5) != 0 }

// DeleteHorizon tells a batch that the cleaner has marked (KIP-534).
func (h Header) DeleteHorizon() bool { return h.Attributes&(1<<6) != 0 }

// Dense tells a batch without holes: what the source broker wrote has as many
// records as offsets only if none was cleaned away.
func (h Header) Dense() bool { return h.Records == h.LastOffsetDelta+1 }

// Record is one record. Key and Value are nil where they are null.
type Record struct {
	Offset    int64
	Timestamp int64 // milliseconds, as a consumer sees it: LogAppendTime is resolved
	Key       []byte
	Value     []byte
	Headers   []RecordHeader
}

// RecordHeader is a header as it was written: names need not be UTF-8 or unique.
type RecordHeader struct {
	Key   []byte // never null
	Value []byte // nil is null
}
