package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Encoder makes batches. It keeps buffers between calls and is for one goroutine.
type Encoder struct {
	codec    Codec
	compress compressor
	records  []byte
	body     []byte
	packed   []byte
}

// NewEncoder returns an encoder; level 0 is the codec's default. Levels are the
// codec's own: gzip and lz4 1 to 9, zstd 1 to 22, the others have none.
func NewEncoder(codec Codec, level int) (*Encoder, error) {
	c, err := newCompressor(codec, level)
	if err != nil {
		return nil, fmt.Errorf("make an encoder: %w", err)
	}
	return &Encoder{codec: codec, compress: c}, nil
}

// Encode appends one dense batch of these records to dst, with base offset 0 and
// without a producer session; CreateTime. Offsets are not looked at: order is.
func (e *Encoder) Encode(dst []byte, records []Record) ([]byte, error) {
	if err := e.fits(records); err != nil {
		return dst, err
	}
	h := Header{LeaderEpoch: -1, LastOffsetDelta: narrow(len(records) - 1), ProducerID: -1, ProducerEpoch: -1, BaseSequence: -1}
	return e.encode(dst, h, records, func(i int) int64 { return int64(i) })
}

// Cut appends a batch to dst that keeps only these records of the batch h, at
// their own offsets, and covers [from, to) or as much of it as h does. What is
// left in the header says the same as before: producer, sequence, whether the
// time is the broker's, so that a log of such batches reads as the first did.
func (e *Encoder) Cut(dst []byte, h Header, from, to int64, records []Record) ([]byte, error) {
	if err := e.fits(records); err != nil {
		return dst, err
	}
	from, to = max(from, h.BaseOffset), min(to, h.Next())
	if first, last := records[0].Offset, records[len(records)-1].Offset; first < from || last >= to {
		return dst, fmt.Errorf("cut batch at offset %d: records of [%d, %d] are not in [%d, %d)", h.BaseOffset, first, last, from, to)
	}
	if h.ProducerID >= 0 { // sequences go round behind the highest, as Kafka's do
		h.BaseSequence = narrow((int64(h.BaseSequence) + from - h.BaseOffset) & math.MaxInt32)
	}
	h.BaseOffset, h.LastOffsetDelta = from, narrow(to-1-from)
	h.Attributes &^= 1 << 6 // FirstTimestamp becomes a timestamp again
	return e.encode(dst, h, records, func(i int) int64 { return records[i].Offset - from })
}

// Recompressed appends the same uncompressed batch to dst with its records
// compressed.
func (e *Encoder) Recompressed(dst, one []byte) ([]byte, error) {
	h, one, _, err := Parse(one)
	if err != nil {
		return dst, err
	}
	if h.Codec() != None {
		return dst, fmt.Errorf("batch at offset %d is compressed already, with %s", h.BaseOffset, h.Codec())
	}
	if e.packed, err = e.compress(e.packed[:0], one[HeaderSize:]); err != nil {
		return dst, fmt.Errorf("batch at offset %d: compress %s: %w", h.BaseOffset, e.codec, err)
	}
	return rebuild(dst, one, e.codec, e.packed)
}

func (e *Encoder) fits(records []Record) error {
	if len(records) == 0 {
		return errors.New("a batch needs at least one record")
	}
	size := int64(HeaderSize)
	for _, r := range records {
		size += int64(len(r.Key)+len(r.Value)) + 40 // the most that a record's numbers take
		for _, h := range r.Headers {
			size += int64(len(h.Key)+len(h.Value)) + 10
		}
	}
	if size > math.MaxInt32 {
		return fmt.Errorf("%d records of %d bytes do not fit into a batch", len(records), size)
	}
	return nil
}

// encode fills in what follows from the records: the times, the count, the
// codec, length and CRC.
func (e *Encoder) encode(dst []byte, h Header, records []Record, delta func(int) int64) ([]byte, error) {
	if !h.LogAppendTime() {
		h.FirstTimestamp, h.MaxTimestamp = records[0].Timestamp, records[0].Timestamp
	}
	e.records = e.records[:0]
	for i, r := range records {
		if !h.LogAppendTime() {
			h.MaxTimestamp = max(h.MaxTimestamp, r.Timestamp)
		}
		e.record(r, r.Timestamp-h.FirstTimestamp, delta(i))
	}
	h.Records = narrow(len(records))
	var err error
	if e.packed, err = e.compress(e.packed[:0], e.records); err != nil {
		return dst, fmt.Errorf("compress %d records with %s: %w", len(records), e.codec, err)
	}
	return rebuild(dst, h.bytes(), e.codec, e.packed)
}

// record appends one record (Kafka's DefaultRecord) to the encoder's block.
func (e *Encoder) record(r Record, time, offset int64) {
	b := append(e.body[:0], 0) // attributes: none are defined
	b = binary.AppendVarint(b, time)
	b = binary.AppendVarint(b, offset)
	b = appendNullable(appendNullable(b, r.Key), r.Value)
	b = binary.AppendVarint(b, int64(len(r.Headers)))
	for _, h := range r.Headers {
		b = append(binary.AppendVarint(b, int64(len(h.Key))), h.Key...)
		b = appendNullable(b, h.Value)
	}
	e.body = b
	e.records = append(binary.AppendVarint(e.records, int64(len(b))), b...)
}

func appendNullable(b, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(b, -1)
	}
	return append(binary.AppendVarint(b, int64(len(v))), v...)
}

// bytes are the header, without length and CRC.
func (h Header) bytes() []byte {
	b := make([]byte, HeaderSize)
	putInt64(b, h.BaseOffset)
	putInt32(b[atLeaderEpoch:], h.LeaderEpoch)
	b[atMagic] = magic
	putInt16(b[atAttributes:], h.Attributes)
	putInt32(b[atLastDelta:], h.LastOffsetDelta)
	putInt64(b[atFirstTime:], h.FirstTimestamp)
	putInt64(b[atMaxTime:], h.MaxTimestamp)
	putInt64(b[atProducerID:], h.ProducerID)
	putInt16(b[atProducerEpoch:], h.ProducerEpoch)
	putInt32(b[atBaseSequence:], h.BaseSequence)
	putInt32(b[atRecords:], h.Records)
	return b
}
