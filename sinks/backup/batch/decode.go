package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Decoder decodes records. It keeps buffers between calls, as large as the
// largest batch so far (at most MaxDecompressed), and is for one goroutine.
type Decoder struct {
	unpack  decompressor
	headers []RecordHeader
}

// NewDecoder returns a decoder for all codecs, other clients' snappy framing included.
func NewDecoder() *Decoder { return &Decoder{unpack: decompressor{limit: MaxDecompressed}} }

// Records calls each for every record in order. The record's bytes and headers
// are only valid until each returns. An error of each is returned as it is; any
// other says what is wrong and at which offset: what does not decode to exactly
// the records that the header promises is an error, as it is to Kafka's own reader.
// The CRC is not looked at: that is Next's.
func (d *Decoder) Records(one []byte, each func(Record) error) error {
	h, one, _, err := Parse(one)
	if err != nil {
		return err
	}
	if h.Records == 0 {
		return nil // what the log cleaner leaves to remember a producer's sequence
	}
	b, err := d.unpack.decompress(one[HeaderSize:], h.Codec())
	if err != nil {
		return fmt.Errorf("batch at offset %d: %w", h.BaseOffset, err)
	}
	return d.records(h, b, each)
}

func (d *Decoder) records(h Header, b []byte, each func(Record) error) error {
	last := int64(-1)
	for i := range h.Records {
		body, rest, err := d.body(b)
		if err != nil {
			return fmt.Errorf("batch at offset %d: record %d of %d: %w", h.BaseOffset, i+1, h.Records, err)
		}
		r, delta, err := d.record(h, body)
		if err == nil && (delta <= last || delta > int64(h.LastOffsetDelta)) {
			err = fmt.Errorf("offset delta %d after %d, where the last may be %d", delta, last, h.LastOffsetDelta)
		}
		if err != nil {
			return fmt.Errorf("batch at offset %d: record %d of %d: %w", h.BaseOffset, i+1, h.Records, err)
		}
		if err := each(r); err != nil {
			return err
		}
		b, last = rest, delta
	}
	if len(b) != 0 {
		return fmt.Errorf("batch at offset %d: %d bytes behind the last of its %d records", h.BaseOffset, len(b), h.Records)
	}
	return nil
}

// body cuts the bytes of one record off b.
func (*Decoder) body(b []byte) (body, rest []byte, err error) {
	f := fields{b: b}
	n := f.varint()
	if f.err == nil && (n < minRecord-1 || n > int64(len(f.b))) {
		f.err = fmt.Errorf("its length is %d where %d bytes are left", n, len(f.b))
	}
	if f.err != nil {
		return nil, nil, f.err
	}
	return f.b[:n], f.b[n:], nil
}

// record reads one record (Kafka's DefaultRecord). Deltas count from what the
// header has in the field of the first timestamp, a delete horizon too: the log
// cleaner writes them so (KIP-534, MemoryRecordsBuilder).
func (d *Decoder) record(h Header, body []byte) (r Record, delta int64, err error) {
	f := fields{b: body}
	f.take(1) // attributes: none are defined
	r.Timestamp = h.FirstTimestamp + f.varlong()
	delta = f.varint()
	r.Offset = h.BaseOffset + delta
	r.Key, r.Value = f.nullable(), f.nullable()
	d.headers = d.headers[:0]
	for n := f.count(); n > 0 && f.err == nil; n-- {
		d.headers = append(d.headers, RecordHeader{Key: f.required(), Value: f.nullable()})
	}
	if f.err == nil && len(f.b) > 0 {
		f.err = fmt.Errorf("%d bytes behind its last field", len(f.b))
	}
	if len(d.headers) > 0 {
		r.Headers = d.headers
	}
	if h.LogAppendTime() {
		r.Timestamp = h.MaxTimestamp
	}
	return r, delta, f.err
}

// Decompressed appends the same batch to dst with its records uncompressed,
// codec bits cleared, length and CRC anew. The records are not parsed.
func (d *Decoder) Decompressed(dst, one []byte) ([]byte, error) {
	h, one, _, err := Parse(one)
	if err != nil {
		return dst, err
	}
	b := one[HeaderSize:]
	if len(b) > 0 || h.Records > 0 {
		if b, err = d.unpack.decompress(b, h.Codec()); err != nil {
			return dst, fmt.Errorf("batch at offset %d: %w", h.BaseOffset, err)
		}
	}
	return rebuild(dst, one, None, b)
}

// rebuild appends the batch to dst with these bytes for records.
func rebuild(dst, one []byte, codec Codec, records []byte) ([]byte, error) {
	if len(records) > math.MaxInt32-HeaderSize {
		return dst, fmt.Errorf("%d bytes of records do not fit into a batch", len(records))
	}
	at := len(dst)
	dst = append(append(dst, one[:HeaderSize]...), records...)
	made := dst[at:]
	putInt32(made[atLength:], narrow(len(made)-lengthEnds))
	putInt16(made[atAttributes:], getInt16(made[atAttributes:])&^codecBits|int16(codec))
	sum(made)
	return dst, nil
}

var (
	errEnds   = errors.New("it ends within a field")
	errVarint = errors.New("it has a number that is out of range")
)

// fields reads a record's fields until the first error.
type fields struct {
	b   []byte
	err error
}

func (f *fields) varlong() int64 {
	// encoding/binary's Varint is zig-zag in groups of seven bits, as is Kafka's.
	n, size := binary.Varint(f.b)
	if size <= 0 {
		f.fail(errEnds)
		return 0
	}
	f.b = f.b[size:]
	return n
}

func (f *fields) varint() int64 {
	n := f.varlong()
	if n < math.MinInt32 || n > math.MaxInt32 {
		f.fail(errVarint)
	}
	return n
}

func (f *fields) take(n int64) []byte {
	if n > int64(len(f.b)) {
		f.fail(errEnds)
	}
	if f.err != nil {
		return nil
	}
	b := f.b[:n:n]
	f.b = f.b[n:]
	return b
}

// nullable is bytes after their length, where -1 is null.
func (f *fields) nullable() []byte {
	n := f.varint()
	if n == -1 {
		return nil
	}
	return f.sized(n)
}

func (f *fields) required() []byte { return f.sized(f.varint()) }

func (f *fields) sized(n int64) []byte {
	if n < 0 {
		f.fail(errVarint)
		return nil
	}
	return f.take(n)
}

// count is the number of headers, of which each takes two bytes or more.
func (f *fields) count() int64 {
	n := f.varint()
	if n < 0 || n > int64(len(f.b)/2) {
		f.fail(fmt.Errorf("it has %d headers in %d bytes", n, len(f.b)))
		return 0
	}
	return n
}

func (f *fields) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}
