package format

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
