package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// atOnce is how many raw bytes are made room for on a frame's word. Frames are
// of some megabytes; what says that it is larger gets room as its bytes come.
const atOnce = 16 << 20

// Decompressor makes the batches of frames out of their stored bytes. It is safe
// for concurrent use.
type Decompressor struct{ zstd *zstd.Decoder }

// NewDecompressor makes one. It takes memory only while it works.
func NewDecompressor() (*Decompressor, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return &Decompressor{zstd: z}, nil
}

// Frame appends the batches of a frame's stored bytes to dst[:0]. More or fewer
// bytes than raw are an error, found before they are held.
func (d *Decompressor) Frame(dst, stored []byte, codec string, raw int64) ([]byte, error) {
	if codec != Plain && raw >= 0 && raw <= atOnce && int64(cap(dst)) < raw {
		dst = make([]byte, 0, raw)
	}
	switch codec {
	case Plain:
		return append(dst[:0], stored...), nil
	case LZ4:
		return exactly(lz4.NewReader(bytes.NewReader(stored)), dst, raw)
	case Zstd:
		if raw >= 0 && raw <= int64(cap(dst)) {
			return d.unzstd(dst, stored, raw)
		}
		z, err := zstd.NewReader(bytes.NewReader(stored), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("decompress: %w", err)
		}
		defer z.Close()
		return exactly(z, dst, raw)
	}
	return nil, fmt.Errorf("decompress: codec %q is not known", codec)
}

// unzstd decompresses into dst, which has room for raw bytes and gets no more.
func (d *Decompressor) unzstd(dst, stored []byte, raw int64) ([]byte, error) {
	b, err := d.zstd.DecodeAll(stored, dst[:0:raw])
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, tooMany(raw)
	case err != nil:
		return nil, fmt.Errorf("decompress: %w", err)
	case int64(len(b)) != raw:
		return nil, tooFew(len(b), raw)
	}
	if raw > 0 && &b[0] == &dst[:1][0] {
		b = dst[:raw] // with all its room, for who uses it again
	}
	return b, nil
}

func exactly(r io.Reader, dst []byte, raw int64) ([]byte, error) {
	b, err := readUpTo(r, dst, raw)
	if err == nil && int64(len(b)) != raw {
		err = tooFew(len(b), raw)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func tooFew(n int, promised int64) error {
	return fmt.Errorf("decompress: %d bytes where %d were promised", n, promised)
}

func tooMany(promised int64) error {
	return fmt.Errorf("decompress: more than the %d bytes that were promised", promised)
}

// readUpTo reads all of r into dst[:0], which grows only as bytes come; more
// than limit are an error.
func readUpTo(r io.Reader, dst []byte, limit int64) ([]byte, error) {
	const step = 64 << 10 // most objects are small
	b := dst[:0]
	for int64(len(b)) < limit {
		if len(b) == cap(b) {
			grown := make([]byte, len(b), min(int64(2*cap(b)+step), limit))
			copy(grown, b)
			b = grown
		}
		n, err := r.Read(b[len(b):min(int64(cap(b)), limit)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, fmt.Errorf("decompress: %w", err)
		}
	}
	return b, ends(r, limit)
}

// ends looks that there is nothing behind limit.
func ends(r io.Reader, limit int64) error {
	_, err := io.ReadFull(r, make([]byte, 1))
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return tooMany(limit)
	}
	return fmt.Errorf("decompress: %w", err)
}
