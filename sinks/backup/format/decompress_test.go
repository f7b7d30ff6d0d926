package format

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

func unpacker(t testing.TB) *Decompressor {
	t.Helper()
	d, err := NewDecompressor()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// written is raw as each codec has it, and as zstd streams it: without its size.
func written(t *testing.T, raw []byte) map[string][]byte {
	t.Helper()
	whole, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var lz, stream bytes.Buffer
	z, err := zstd.NewWriter(&stream)
	if err != nil {
		t.Fatal(err)
	}
	l := lz4.NewWriter(&lz)
	for i := 0; i < len(raw); i += 64 << 10 { // in pieces, or it would know the size
		piece := raw[i:min(len(raw), i+64<<10)]
		_, _ = z.Write(piece)
		_, _ = l.Write(piece)
	}
	if z.Close() != nil || l.Close() != nil {
		t.Fatal("it cannot be compressed")
	}
	return map[string][]byte{
		"": raw, "lz4": lz.Bytes(), "zstd": whole.EncodeAll(raw, nil), "zstd streamed": stream.Bytes(),
		"zstd in two": whole.EncodeAll(raw[len(raw)/2:], whole.EncodeAll(raw[:len(raw)/2], nil)),
	}
}

func TestFramesComeOutAsTheyWentIn(t *testing.T) {
	d := unpacker(t)
	for _, size := range []int{1, 1000, 1 << 20, atOnce, atOnce + 1} {
		raw := bytes.Repeat([]byte("some records "), size/13+1)[:size]
		for name, stored := range written(t, raw) {
			codec, _, _ := strings.Cut(name, " ")
			for _, room := range []int{0, size - 1, size, size + 1<<20} {
				b, err := d.Frame(make([]byte, 0, room), stored, codec, int64(size))
				if err != nil || !bytes.Equal(b, raw) {
					t.Errorf("%d bytes by %q into %d: %d bytes, %v", size, name, room, len(b), err)
				}
				if cap(b) < room {
					t.Errorf("%d bytes by %q: of the room of %d only %d is left", size, name, room, cap(b))
				}
			}
		}
	}
}

func TestAFrameOfAnotherSizeIsRefusedWhicheverCodec(t *testing.T) {
	d := unpacker(t)
	raw := bytes.Repeat([]byte("some records "), 100_000)
	for name, stored := range written(t, raw) {
		if name == "" {
			continue
		}
		codec, _, _ := strings.Cut(name, " ")
		for _, off := range []int64{-1, 1, -int64(len(raw))} {
			promised := int64(len(raw)) + off
			if _, err := d.Frame(make([]byte, 0, 4<<20), stored, codec, promised); err == nil {
				t.Errorf("%d bytes by %q pass for %d", len(raw), name, promised)
			}
		}
		if _, err := d.Frame(nil, stored[:len(stored)-5], codec, int64(len(raw))); err == nil {
			t.Errorf("%q passes without its end", name)
		}
	}
}

func TestFramesAreDecompressedSideBySide(t *testing.T) {
	d := unpacker(t)
	var wg sync.WaitGroup
	for i := range 8 {
		raw := bytes.Repeat([]byte{byte(i)}, 1<<20+i)
		stored := written(t, raw)
		wg.Go(func() {
			var buf []byte
			for range 10 {
				var err error
				if buf, err = d.Frame(buf, stored["zstd"], Zstd, int64(len(raw))); err != nil || !bytes.Equal(buf, raw) {
					t.Errorf("frame %d: %d bytes, %v", i, len(buf), err)
				}
			}
		})
	}
	wg.Wait()
}

func TestWhatACompressorMakesIsTheFrameAgain(t *testing.T) {
	d := unpacker(t)
	raw := bytes.Repeat([]byte("some records "), 100_000)
	for _, codec := range []string{Plain, LZ4, Zstd} {
		for _, level := range []int{0, 1, 3, 9, 19} {
			c, err := NewCompressor(codec, level)
			if err != nil {
				t.Fatal(err)
			}
			var stored []byte
			for range 2 {
				if stored, err = c.Frame(stored, raw); err != nil || codec != Plain && len(stored) > len(raw)/10 {
					t.Errorf("%q at level %d makes %d of %d bytes, %v", codec, level, len(stored), len(raw), err)
				}
				if b, err := d.Frame(nil, stored, codec, int64(len(raw))); err != nil || !bytes.Equal(b, raw) {
					t.Errorf("%q at level %d: %d bytes come out, %v", codec, level, len(b), err)
				}
			}
		}
	}
	if _, err := NewCompressor("snappy", 0); err == nil {
		t.Error("a codec that frames do not have passes")
	}
}
