package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// Where the fields of a batch stand (Kafka's DefaultRecordBatch). The checksum
// covers everything from the attributes on.
const (
	atLength        = 8
	atLeaderEpoch   = 12
	atMagic         = 16
	atCRC           = 17
	atAttributes    = 21
	atLastDelta     = 23
	atFirstTime     = 27
	atMaxTime       = 35
	atProducerID    = 43
	atProducerEpoch = 51
	atBaseSequence  = 53
	atRecords       = 57

	magic      = 2
	lengthEnds = atLength + 4
	codecBits  = 7
	// minRecord is the smallest record there can be: seven fields of one byte.
	minRecord = 7
)

// ErrShort says that the bytes end within a batch: more of them are needed.
var ErrShort = errors.New("the bytes end within a batch")

// crcOf is the CRC-32C of a batch: of all that follows the field. MakeTable
// makes Castagnoli's table once and by it finds the processor's instruction.
func crcOf(one []byte) uint32 {
	return crc32.Checksum(one[atAttributes:], crc32.MakeTable(crc32.Castagnoli))
}

// Next parses the batch at the beginning of b without decoding a record, and
// checks magic, length and CRC. ErrShort says that b ends within it; any other
// error says that it is damaged, and names its offset. It allocates nothing.
func Next(b []byte) (h Header, one, rest []byte, err error) {
	h, one, rest, err = Parse(b)
	if err != nil {
		return h, nil, b, err
	}
	if sum := crcOf(one); sum != h.CRC {
		return h, nil, b, fmt.Errorf("batch at offset %d is damaged: CRC-32C is %08x, its header says %08x", h.BaseOffset, sum, h.CRC)
	}
	return h, one, rest, nil
}

// Parse is Next without the CRC: for bytes that were checked before.
func Parse(b []byte) (h Header, one, rest []byte, err error) {
	if len(b) <= atMagic {
		return h, nil, b, ErrShort
	}
	if err := framed(b); err != nil {
		return h, nil, b, err
	}
	size := int64(getInt32(b[atLength:])) + lengthEnds
	if int64(len(b)) < size {
		return h, nil, b, ErrShort
	}
	h = header(b)
	if err := h.check(); err != nil {
		return h, nil, b, err
	}
	return h, b[:size:size], b[size:], nil
}

// framed looks at what stands in the same place in every version of the format.
func framed(b []byte) error {
	offset := getInt64(b)
	if m := b[atMagic]; m != magic {
		return fmt.Errorf("batch at offset %d has magic %d; only magic 2 (Kafka 0.11 and newer) can be read: a topic with older messages must be rewritten first", offset, m)
	}
	if length := getInt32(b[atLength:]); length < HeaderSize-lengthEnds {
		return fmt.Errorf("batch at offset %d is damaged: its length is %d", offset, length)
	}
	return nil
}

func header(b []byte) Header {
	_ = b[HeaderSize-1]
	return Header{
		BaseOffset:      getInt64(b),
		Length:          getInt32(b[atLength:]),
		LeaderEpoch:     getInt32(b[atLeaderEpoch:]),
		CRC:             binary.BigEndian.Uint32(b[atCRC:]),
		Attributes:      getInt16(b[atAttributes:]),
		LastOffsetDelta: getInt32(b[atLastDelta:]),
		FirstTimestamp:  getInt64(b[atFirstTime:]),
		MaxTimestamp:    getInt64(b[atMaxTime:]),
		ProducerID:      getInt64(b[atProducerID:]),
		ProducerEpoch:   getInt16(b[atProducerEpoch:]),
		BaseSequence:    getInt32(b[atBaseSequence:]),
		Records:         getInt32(b[atRecords:]),
	}
}

// check refuses what no writer of batches writes and what would make offsets
// run backwards.
func (h Header) check() error {
	switch {
	case h.BaseOffset < 0 || h.BaseOffset > math.MaxInt64-math.MaxInt32-1:
		return fmt.Errorf("batch at offset %d is damaged: there is no such offset", h.BaseOffset)
	case h.LastOffsetDelta < 0:
		return fmt.Errorf("batch at offset %d is damaged: its last offset delta is %d", h.BaseOffset, h.LastOffsetDelta)
	case h.Records < 0 || int64(h.Records) > int64(h.LastOffsetDelta)+1:
		return fmt.Errorf("batch at offset %d is damaged: %d records in %d offsets", h.BaseOffset, h.Records, int64(h.LastOffsetDelta)+1)
	}
	return nil
}

// Raw says in words why a broker would not take the batch as it is, apart from
// what Stamp mends; "" if it would.
func (h Header) Raw() string {
	switch {
	case h.Control():
		return "it is a transaction marker"
	case h.Records == 0:
		return "it holds no record"
	case !h.Dense():
		return fmt.Sprintf("only %d of its %d offsets hold a record", h.Records, int64(h.LastOffsetDelta)+1)
	case h.LogAppendTime():
		return "its records have the broker's time (LogAppendTime)"
	case h.Codec() > Zstd:
		return fmt.Sprintf("codec %d is not known", h.Codec())
	}
	return ""
}

// Stamp makes a batch ready to be produced, in place: base offset 0, leader
// epoch -1, all attributes but the codec cleared, our own producer session,
// CRC anew. The bytes from HeaderSize on stay as they are; so do the timestamps,
// whose deltas count from FirstTimestamp also where it is a delete horizon. Only
// a batch whose Raw is "" may be stamped.
func Stamp(one []byte, producerID int64, epoch int16, sequence int32) {
	putInt64(one, 0)
	putInt32(one[atLeaderEpoch:], -1)
	one[atAttributes] = 0
	one[atAttributes+1] &= codecBits
	putInt64(one[atProducerID:], producerID)
	putInt16(one[atProducerEpoch:], epoch)
	putInt32(one[atBaseSequence:], sequence)
	sum(one)
}

// sum writes the checksum of a whole batch into it.
func sum(one []byte) {
	binary.BigEndian.PutUint32(one[atCRC:], crcOf(one))
}
