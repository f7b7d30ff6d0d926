package corpus

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The codecs by Kafka's numbers, and snappy as the Java client frames it.
const (
	None = iota
	Gzip
	Snappy
	LZ4
	Zstd
	Xerial
)

// Batch is a record batch as a producer makes it, in the broker's own terms:
// nothing between it and the wire.
type Batch struct {
	Codec      int
	Records    []Record
	ProducerID int64 // 0: none
	Epoch      int16
	Sequence   int32
	Attributes int16 // besides the codec
}

// bytes encodes the batch.
func (b Batch) bytes() []byte {
	first, most := b.Records[0].Timestamp, b.Records[0].Timestamp
	var records []byte
	for i, r := range b.Records {
		most = max(most, r.Timestamp)
		records = appendRecord(records, r, i, first)
	}
	out := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(len(b.Records) - 1), FirstTimestamp: first, MaxTimestamp: most,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(b.Records)),
		Attributes: b.Attributes | int16(min(b.Codec, Zstd)), Records: compress(b.Codec, records),
	}
	if b.Codec == Xerial {
		out.Attributes = b.Attributes | Snappy
	}
	if b.ProducerID > 0 {
		out.ProducerID, out.ProducerEpoch, out.FirstSequence = b.ProducerID, b.Epoch, b.Sequence
	}
	const beforeCRC, header = 21, 61
	out.Length = int32(header - 12 + len(out.Records))
	raw := out.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[beforeCRC-4:], crc32.Checksum(raw[beforeCRC:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

func appendRecord(dst []byte, r Record, delta int, first int64) []byte {
	one := kmsg.Record{TimestampDelta64: r.Timestamp - first, OffsetDelta: int32(delta), Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		one.Headers = append(one.Headers, kmsg.Header{Key: h.Key, Value: h.Value})
	}
	body := one.AppendTo(nil)
	one.Length = int32(len(body) - 1) // the length itself, 0, was one byte
	return one.AppendTo(dst)
}

func compress(codec int, records []byte) []byte {
	var b bytes.Buffer
	switch codec {
	case Gzip:
		w := gzip.NewWriter(&b)
		_, _ = w.Write(records)
		_ = w.Close()
	case Snappy:
		return s2.EncodeSnappy(nil, records)
	case LZ4:
		w := lz4.NewWriter(&b)
		_, _ = w.Write(records)
		_ = w.Close()
	case Zstd:
		w, _ := zstd.NewWriter(&b)
		_, _ = w.Write(records)
		_ = w.Close()
	case Xerial:
		return xerial(records)
	default:
		return records
	}
	return b.Bytes()
}

// xerial frames snappy as snappy-java's SnappyOutputStream does: a header, then
// blocks of 32 KiB, each with its length in front.
func xerial(records []byte) []byte {
	const block = 32 << 10
	out := []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")
	for len(records) > 0 {
		n := min(block, len(records))
		packed := s2.EncodeSnappy(nil, records[:n])
		out = binary.BigEndian.AppendUint32(out, uint32(len(packed)))
		out = append(out, packed...)
		records = records[n:]
	}
	return out
}
