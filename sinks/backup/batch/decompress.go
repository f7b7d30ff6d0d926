package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip" // the same format as compress/gzip, faster
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// MaxDecompressed is how many bytes the records of one batch may be when
// decompressed. Larger ones are an error and no reason to run out of memory:
// brokers bound only what is compressed, 1 MB by default, and a zstd frame of
// that size can hold gigabytes.
const MaxDecompressed = 256 << 20

// ErrTooLarge says that a batch holds more than MaxDecompressed bytes.
var ErrTooLarge = fmt.Errorf("the records are more than %d MiB when decompressed", MaxDecompressed>>20)

// decompressor keeps the codecs' state and one buffer between batches.
type decompressor struct {
	limit int // bytes; positive
	buf   []byte
	src   bytes.Reader
	gzip  *gzip.Reader
	lz4   *lz4.Reader
	zstd  *zstd.Decoder
}

// decompress returns src decompressed, in a buffer that the next call reuses.
func (d *decompressor) decompress(src []byte, codec Codec) (out []byte, err error) {
	switch codec {
	case None:
		return src, nil
	case Gzip:
		out, err = d.ungzip(src)
	case Snappy:
		out, err = d.unsnappy(src)
	case LZ4:
		out, err = d.unlz4(src)
	case Zstd:
		out, err = d.unzstd(src)
	default:
		return nil, fmt.Errorf("codec %d is not known", codec)
	}
	if err != nil {
		return nil, fmt.Errorf("decompress %s: %w", codec, err)
	}
	if cap(out) > cap(d.buf) {
		d.buf = out[:0]
	}
	return out, nil
}

func (d *decompressor) ungzip(src []byte) ([]byte, error) {
	d.src.Reset(src)
	if d.gzip == nil {
		d.gzip = new(gzip.Reader)
	}
	if err := d.gzip.Reset(&d.src); err != nil {
		return nil, err
	}
	return d.readAll(d.gzip)
}

func (d *decompressor) unlz4(src []byte) ([]byte, error) {
	d.src.Reset(src)
	if d.lz4 == nil {
		d.lz4 = lz4.NewReader(nil)
	}
	d.lz4.Reset(&d.src)
	return d.readAll(d.lz4)
}

// unsnappy reads Java's framing (xerial) and the bare blocks of other clients.
func (d *decompressor) unsnappy(src []byte) ([]byte, error) {
	size, err := snappySize(src)
	if err != nil {
		return nil, err
	}
	if size > int64(d.limit) {
		return nil, ErrTooLarge
	}
	if int64(cap(d.buf)) < size || d.buf == nil {
		d.buf = make([]byte, 0, max(size, 1))
	}
	return xerial.DecodeCapped(d.buf[:0], src)
}

func (d *decompressor) unzstd(src []byte) ([]byte, error) {
	if d.zstd == nil {
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(uint64(d.limit))) //nolint:gosec // it is positive
		if err != nil {
			return nil, err
		}
		d.zstd = z
	}
	out, err := d.zstd.DecodeAll(src, d.buf[:0])
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return nil, ErrTooLarge
	}
	return out, err
}

// readAll reads a stream into the buffer, which grows with what has really come.
func (d *decompressor) readAll(r io.Reader) ([]byte, error) {
	out := d.buf[:0]
	for {
		if len(out) == cap(out) {
			out = slices.Grow(out, max(len(out), 64<<10))
		}
		n, err := r.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		if len(out) > d.limit {
			return nil, ErrTooLarge
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

var errSnappy = errors.New("the data are damaged")

// xerialHead is the length of Java's snappy header: magic, version, compatible version.
const xerialHead = 16

// snappySize adds up what the blocks say they hold, and refuses what so few
// bytes cannot hold, so that nothing is allocated on their word.
func snappySize(src []byte) (int64, error) {
	if len(src) < xerialHead || string(src[:8]) != "\x82SNAPPY\x00" {
		return blockSize(src)
	}
	var total int64
	for src = src[xerialHead:]; len(src) > 0; {
		if len(src) < 4 {
			return 0, errSnappy
		}
		n := int64(binary.BigEndian.Uint32(src))
		if n > int64(len(src)-4) {
			return 0, errSnappy
		}
		size, err := blockSize(src[4 : 4+n])
		if err != nil {
			return 0, err
		}
		total += size
		src = src[4+n:]
	}
	return total, nil
}

// blockSize is the length that a snappy block begins with. Its densest element
// is a copy of 64 bytes in 3.
func blockSize(block []byte) (int64, error) {
	n, err := s2.DecodedLen(block)
	if err != nil || int64(n) > int64(len(block))*22 {
		return 0, errSnappy
	}
	return int64(n), nil
}
