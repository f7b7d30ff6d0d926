package format

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Compressor makes the stored bytes of frames. It is for one goroutine.
type Compressor struct {
	zstd *zstd.Encoder
	lz4  *lz4.Writer
}

// NewCompressor makes one for a codec, Plain included. Levels are those of the
// codecs; 0 is the codec's default.
func NewCompressor(codec string, level int) (c *Compressor, err error) {
	c = &Compressor{}
	switch codec {
	case Plain:
	case Zstd:
		of := zstd.SpeedDefault
		if level > 0 {
			of = zstd.EncoderLevelFromZstd(level)
		}
		c.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(of), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	case LZ4:
		c.lz4 = lz4.NewWriter(nil)
		err = c.lz4.Apply(lz4.ConcurrencyOption(1), lz4.BlockSizeOption(lz4.Block1Mb), lz4.CompressionLevelOption(lz4Level(level)))
	default:
		err = fmt.Errorf("codec %q is not known", codec)
	}
	if err != nil {
		return nil, fmt.Errorf("compress with %s: %w", codec, err)
	}
	return c, nil
}

// lz4Level turns 1 to 9 into the library's levels; 0 and less are the fast one.
func lz4Level(n int) lz4.CompressionLevel {
	if n <= 1 {
		return lz4.Fast
	}
	return lz4.CompressionLevel(1 << (8 + min(n, 9)))
}

// Frame appends the stored bytes of a frame to dst[:0].
func (c *Compressor) Frame(dst, raw []byte) ([]byte, error) {
	switch {
	case c.zstd != nil:
		return c.zstd.EncodeAll(raw, dst[:0]), nil
	case c.lz4 == nil:
		return append(dst[:0], raw...), nil
	}
	out := bytes.NewBuffer(dst[:0])
	c.lz4.Reset(out)
	if _, err := c.lz4.Write(raw); err != nil {
		return nil, err
	}
	if err := c.lz4.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
