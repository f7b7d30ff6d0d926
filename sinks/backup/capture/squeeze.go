package capture

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// squeezer makes the stored bytes of frames. It is for one goroutine.
type squeezer struct {
	mode    Mode
	codec   string
	zstd    *zstd.Encoder
	lz4     *lz4.Writer
	decoder *batch.Decoder
	scratch []byte // batches without their own compression
}

func newSqueezer(o Options) (*squeezer, error) {
	s := &squeezer{mode: o.Mode, codec: o.Codec, decoder: batch.NewDecoder()}
	var err error
	switch o.Codec {
	case format.Zstd:
		level := zstd.SpeedDefault
		if o.Level > 0 {
			level = zstd.EncoderLevelFromZstd(o.Level)
		}
		s.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	case format.LZ4:
		s.lz4 = lz4.NewWriter(nil)
		err = s.lz4.Apply(lz4.ConcurrencyOption(1), lz4.BlockSizeOption(lz4.Block1Mb), lz4.CompressionLevelOption(lz4Level(o.Level)))
	}
	if err != nil {
		return nil, fmt.Errorf("compress with %s: %w", o.Codec, err)
	}
	return s, nil
}

// lz4Level turns 1 to 9 into the library's levels; 0 and less are the fast one.
func lz4Level(n int) lz4.CompressionLevel {
	if n <= 1 {
		return lz4.Fast
	}
	return lz4.CompressionLevel(1 << (8 + min(n, 9)))
}

// squeeze describes what is stored of a frame, and returns it: bytes of the
// frame itself, or of spare, which it grows where it must.
func (s *squeezer) squeeze(f *stretch, spare []byte) (stored, grown []byte, err error) {
	plain := f.bytes
	if s.mode == Repack && f.codec != batch.None {
		if plain, err = s.unpack(f); err != nil {
			return nil, spare, err
		}
		f.Was = f.codec.String()
	}
	f.Raw = int64(len(plain))
	if s.codec != format.Plain && (f.Was != "" || 2*f.plain > f.Raw) {
		packed, err := s.compress(plain, spare)
		if err != nil {
			return nil, spare, fmt.Errorf("compress a frame of %s/%d: %w", f.Topic, f.Partition, err)
		}
		if spare = packed; len(packed) < len(plain) {
			f.Codec = s.codec
			return packed, spare, nil
		}
	}
	if f.Was != "" { // what is unpacked stands where the next frame will
		spare = append(spare[:0], plain...)
		plain = spare
	}
	return plain, spare, nil
}

// unpack decompresses each batch of a frame; records are not parsed. The bytes
// are good until the next frame.
func (s *squeezer) unpack(f *stretch) ([]byte, error) {
	s.scratch = s.scratch[:0]
	for rest := f.bytes; len(rest) > 0; {
		_, one, behind, err := batch.Parse(rest)
		if err == nil {
			s.scratch, err = s.decoder.Decompressed(s.scratch, one)
		}
		if err != nil {
			return nil, fmt.Errorf("repack %s/%d: %w", f.Topic, f.Partition, err)
		}
		rest = behind
	}
	return s.scratch, nil
}

func (s *squeezer) compress(plain, spare []byte) ([]byte, error) {
	if s.zstd != nil {
		return s.zstd.EncodeAll(plain, spare[:0]), nil
	}
	out := bytes.NewBuffer(spare[:0])
	s.lz4.Reset(out)
	if _, err := s.lz4.Write(plain); err != nil {
		return nil, err
	}
	if err := s.lz4.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
