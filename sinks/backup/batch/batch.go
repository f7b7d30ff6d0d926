// Package batch reads, checks and writes Kafka's record batches (magic 2,
// KIP-98) as they lie in a log and in a fetch response. It knows bytes, no
// network and no store.
package batch

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

// Raw says in words why a broker would not take the batch as it is, apart from
// what Stamp mends; "" if it would.
func (h Header) Raw() string { panic("unbuilt") }

// Next parses the batch at the beginning of b without decoding a record, and
// checks magic, length and CRC. ErrShort says that b ends within it; any other
// error says that it is damaged, and names its offset.
func Next(b []byte) (h Header, one, rest []byte, err error) { panic("unbuilt") }

// Parse is Next without the CRC: for bytes that were checked before.
func Parse(b []byte) (h Header, one, rest []byte, err error) { panic("unbuilt") }

// Stamp makes a batch ready to be produced, in place: base offset 0, leader
// epoch -1, transactional and delete-horizon bits cleared, our own producer
// session, CRC anew. Only a batch whose Raw is "" may be stamped.
func Stamp(one []byte, producerID int64, epoch int16, sequence int32) { panic("unbuilt") }

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

// Decoder decodes records. It keeps buffers between calls and is for one goroutine.
type Decoder struct{ _ int }

// NewDecoder returns a decoder for all codecs, other clients' snappy framing included.
func NewDecoder() *Decoder { panic("unbuilt") }

// Records calls each for every record in order. The record's bytes are only
// valid until each returns.
func (d *Decoder) Records(one []byte, each func(Record) error) error { panic("unbuilt") }

// Decompressed returns the same batch with its records uncompressed, codec bits
// cleared, length and CRC anew. The records are not parsed.
func (d *Decoder) Decompressed(dst, one []byte) ([]byte, error) { panic("unbuilt") }

// Encoder makes batches. It keeps buffers between calls and is for one goroutine.
type Encoder struct{ _ int }

// NewEncoder returns an encoder; level 0 is the codec's default.
func NewEncoder(codec Codec, level int) (*Encoder, error) { panic("unbuilt") }

// Encode appends one dense batch of these records to dst, with base offset 0 and
// without a producer session; CreateTime. Offsets are not looked at: order is.
func (e *Encoder) Encode(dst []byte, records []Record) ([]byte, error) { panic("unbuilt") }

// Recompressed returns the same uncompressed batch with its records compressed.
func (e *Encoder) Recompressed(dst, one []byte) ([]byte, error) { panic("unbuilt") }

// Digest is a record digest: SHA-256 over key, value, headers and timestamp of
// records in order, each length-prefixed, null told from empty. It does not
// depend on offsets, batching or codec.
type Digest struct{ _ int }

// NewDigest returns the digest of no records.
func NewDigest() *Digest { panic("unbuilt") }

// Add goes on with one record.
func (d *Digest) Add(Record) { panic("unbuilt") }

// Sum is the digest so far, in hex, and of how many records.
func (d *Digest) Sum() (hex string, records int64) { panic("unbuilt") }
