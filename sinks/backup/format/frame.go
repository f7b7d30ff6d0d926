package format

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// MaxFrame is how many bytes a frame may have, stored or raw. One batch is the
// least a frame holds, and Kafka's own limit of a batch lies below.
const MaxFrame = 1 << 31

// maxWindow bounds what a zstd stream may ask for.
const maxWindow = 64 << 20

// Codecs of a frame as a unit.
const (
	Plain = ""
	LZ4   = "lz4"  // LZ4 frame format, content checksum optional
	Zstd  = "zstd" // RFC 8878
)

// Check says what is impossible in a frame that stands before end in a pack, so
// that nobody allocates by what a foreign byte says.
func (f Frame) Check(end int64) error {
	switch {
	case f.Topic == "" || f.Partition < 0:
		return errors.New("a frame without topic or partition")
	case f.First < 0 || f.Next <= f.First:
		return f.wrong("offsets [%d, %d)", f.First, f.Next)
	case f.Length == 0 && (f.Records != 0 || f.Raw != 0):
		return f.wrong("%d records in no bytes", f.Records)
	case f.Length == 0:
		return nil
	case f.Offset < int64(len(packMagic)) || f.Length < 0 || f.Length > MaxFrame || f.Offset > end-f.Length:
		return f.wrong("bytes [%d, +%d) of a pack whose frames end at %d", f.Offset, f.Length, end)
	case f.Raw < 0 || f.Raw > MaxFrame || f.Codec == Plain && f.Raw != 0 && f.Raw != f.Length:
		return f.wrong("%d raw bytes", f.Raw)
	case f.Codec != Plain && f.Codec != LZ4 && f.Codec != Zstd:
		return f.wrong("codec %q", f.Codec)
	}
	if sum, err := hex.DecodeString(f.Sum); err != nil || len(sum) != 32 {
		return f.wrong("checksum %q", f.Sum)
	}
	return nil
}

// Sum is the checksum of stored bytes: SHA-256, in hex.
func Sum(stored []byte) string {
	sum := sha256.Sum256(stored)
	return hex.EncodeToString(sum[:])
}

func (f Frame) wrong(words string, args ...any) error {
	return fmt.Errorf("a frame of %s/%d at offset %d says %s", f.Topic, f.Partition, f.First, fmt.Sprintf(words, args...))
}

// Decompress appends the batches of a frame's stored bytes to dst[:0]. More or
// fewer bytes than raw are an error, found before they are held.
func Decompress(dst, stored []byte, codec string, raw int64) ([]byte, error) {
	switch codec {
	case Plain:
		return append(dst[:0], stored...), nil
	case LZ4:
		return exactly(lz4.NewReader(bytes.NewReader(stored)), dst, raw)
	case Zstd:
		z, err := zstd.NewReader(bytes.NewReader(stored), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("decompress: %w", err)
		}
		defer z.Close()
		return exactly(z, dst, raw)
	}
	return nil, fmt.Errorf("decompress: codec %q is not known", codec)
}

func exactly(r io.Reader, dst []byte, raw int64) ([]byte, error) {
	b, err := readUpTo(r, dst, raw)
	if err != nil {
		return nil, err
	}
	if int64(len(b)) != raw {
		return nil, fmt.Errorf("decompress: %d bytes where %d were promised", len(b), raw)
	}
	return b, nil
}

// readUpTo reads all of r into dst[:0], which grows only as bytes come; more
// than limit are an error.
func readUpTo(r io.Reader, dst []byte, limit int64) ([]byte, error) {
	const step = 64 << 10 // most objects are small
	b := dst[:0]
	for {
		if int64(len(b)) > limit {
			return nil, fmt.Errorf("decompress: more than the %d bytes that were promised", limit)
		}
		if len(b) == cap(b) {
			grown := make([]byte, len(b), min(int64(2*cap(b)+step), limit+1))
			copy(grown, b)
			b = grown
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			if int64(len(b)) > limit {
				return nil, fmt.Errorf("decompress: more than the %d bytes that were promised", limit)
			}
			return b, nil
		}
		if err != nil {
			return nil, fmt.Errorf("decompress: %w", err)
		}
	}
}
