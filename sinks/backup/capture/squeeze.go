package capture

import (
	"fmt"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// squeezer makes the stored bytes of frames. It is for one goroutine.
type squeezer struct {
	mode       Mode
	codec      string
	compressor *format.Compressor
	decoder    *batch.Decoder
	scratch    []byte // batches without their own compression
}

func newSqueezer(o Options) (*squeezer, error) {
	compressor, err := format.NewCompressor(o.Codec, o.Level)
	if err != nil {
		return nil, err
	}
	return &squeezer{mode: o.Mode, codec: o.Codec, compressor: compressor, decoder: batch.NewDecoder()}, nil
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
		packed, err := s.compressor.Frame(spare, plain)
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
