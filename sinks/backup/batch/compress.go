package batch

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// zstdWindow bounds the memory of an encoder, and of every reader of what it
// wrote: batches are seldom larger.
const zstdWindow = 1 << 20

// compressor appends src to dst, compressed.
type compressor func(dst, src []byte) ([]byte, error)

// newCompressor makes the one of a codec. Levels are the codec's own: gzip 1-9,
// lz4 1-9 (above the default slow and small), zstd 1-22.
func newCompressor(codec Codec, level int) (compressor, error) {
	highest, known := map[Codec]int{None: 0, Snappy: 0, Gzip: 9, LZ4: 9, Zstd: 22}[codec]
	if !known {
		return nil, fmt.Errorf("codec %d is not known", codec)
	}
	if level < 0 || level > highest {
		return nil, fmt.Errorf("%s has no level %d: give 0 for its default, at most %d", codec, level, highest)
	}
	switch codec {
	case Gzip:
		return newGzip(level)
	case Snappy: // Java's framing: every client reads it
		return func(dst, src []byte) ([]byte, error) { return append(dst, xerial.Encode(nil, src)...), nil }, nil
	case LZ4:
		return newLZ4(level)
	case Zstd:
		return newZstd(level)
	}
	return func(dst, src []byte) ([]byte, error) { return append(dst, src...), nil }, nil
}

func newGzip(level int) (compressor, error) {
	if level == 0 {
		level = gzip.DefaultCompression
	}
	w, err := gzip.NewWriterLevel(nil, level)
	if err != nil {
		return nil, fmt.Errorf("gzip level %d: %w", level, err)
	}
	return func(dst, src []byte) ([]byte, error) {
		out := bytes.NewBuffer(dst)
		w.Reset(out)
		if _, err := w.Write(src); err != nil {
			return dst, err
		}
		err := w.Close()
		return out.Bytes(), err
	}, nil
}

// newLZ4 writes independent blocks of 64 KiB, which is what Java's reader takes.
func newLZ4(level int) (compressor, error) {
	w := lz4.NewWriter(nil)
	options := []lz4.Option{lz4.BlockSizeOption(lz4.Block64Kb), lz4.ConcurrencyOption(1), lz4.ChecksumOption(false)}
	if level > 0 {
		options = append(options, lz4.CompressionLevelOption(lz4.CompressionLevel(1<<(8+level))))
	}
	if err := w.Apply(options...); err != nil {
		return nil, fmt.Errorf("lz4 level %d: %w", level, err)
	}
	return func(dst, src []byte) ([]byte, error) {
		out := bytes.NewBuffer(dst)
		w.Reset(out)
		if _, err := w.Write(src); err != nil {
			return dst, err
		}
		err := w.Close()
		return out.Bytes(), err
	}, nil
}

func newZstd(level int) (compressor, error) {
	options := []zstd.EOption{zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow), zstd.WithZeroFrames(true)}
	if level > 0 {
		options = append(options, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)))
	}
	w, err := zstd.NewWriter(nil, options...)
	if err != nil {
		return nil, fmt.Errorf("zstd level %d: %w", level, err)
	}
	return func(dst, src []byte) ([]byte, error) { return w.EncodeAll(src, dst), nil }, nil
}
