package format

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"
)

func aFrame() Frame {
	return Frame{
		Topic: "orders", TopicID: "x", Partition: 3, First: 5, Next: 9, Offset: 8, Length: 20, Raw: 20, Records: 4,
		Sum: hex.EncodeToString(make([]byte, 32)), Gaps: []Gap{{5, 6, Compacted}},
	}
}

// aPack is a pack of n frames of zeroes.
func aPack(t testing.TB, n int) ([]byte, string) {
	t.Helper()
	b := PackHead()
	var frames []Frame
	for range n {
		f := aFrame()
		f.Offset = int64(len(b))
		frames = append(frames, f)
		b = append(b, make([]byte, 20)...)
	}
	b, digest, err := AppendIndex(b, int64(len(b)), frames)
	if err != nil {
		t.Fatal(err)
	}
	return b, digest
}

// read reads a pack as a stranger would.
func read(b []byte) (Trailer, []Frame, error) {
	if len(b) < TrailerSize {
		return Trailer{}, nil, ErrNewer
	}
	t, err := ReadTrailer(b[len(b)-TrailerSize:], int64(len(b)))
	if err != nil {
		return t, nil, err
	}
	frames, err := ReadIndex(b[t.Offset:t.Offset+t.Length], t)
	return t, frames, err
}

func TestAPackSaysWhatIsInIt(t *testing.T) {
	for _, n := range []int{0, 1, 100} {
		b, digest := aPack(t, n)
		trailer, frames, err := read(b)
		if err != nil || len(frames) != n || trailer.Digest != digest || !bytes.HasPrefix(b, PackHead()) {
			t.Errorf("%d frames: got %d, %+v, %v", n, len(frames), trailer, err)
		}
		if n > 0 && (frames[0].First != 5 || len(frames[0].Gaps) != 1) {
			t.Errorf("got %+v", frames[0])
		}
	}
}

func TestEveryChangedByteOfIndexAndTrailerIsFound(t *testing.T) {
	b, _ := aPack(t, 3)
	trailer, _, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	for i := trailer.Offset; i < int64(len(b)); i++ {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if _, _, err := read(bad); err == nil {
			t.Errorf("byte %d of %d may be changed", i, len(b))
		}
	}
	for n := range len(b) {
		if _, _, err := read(b[:n]); err == nil {
			t.Errorf("a pack cut off at %d of %d passes", n, len(b))
		}
	}
}

func TestWhatAFrameCannotBe(t *testing.T) {
	for words, change := range map[string]func(*Frame){
		"without topic":     func(f *Frame) { f.Topic = "" },
		"offsets [5, 5)":    func(f *Frame) { f.Next = 5 },
		"offsets [-1, 9)":   func(f *Frame) { f.First = -1 },
		"bytes [8, +-1)":    func(f *Frame) { f.Length = -1 },
		"bytes [8, +21)":    func(f *Frame) { f.Length = 21 },
		"bytes [0, +20)":    func(f *Frame) { f.Offset = 0 },
		"end at 28":         func(f *Frame) { f.Offset, f.Length = math.MaxInt64, math.MaxInt64 },
		"raw bytes":         func(f *Frame) { f.Raw = 21 },
		"-3 raw bytes":      func(f *Frame) { f.Codec, f.Raw = Zstd, -3 },
		`codec "snappy"`:    func(f *Frame) { f.Codec = "snappy" },
		`checksum "00"`:     func(f *Frame) { f.Sum = "00" },
		"4 records in no b": func(f *Frame) { f.Length, f.Raw = 0, 0 },
	} {
		f := aFrame()
		change(&f)
		if err := f.Check(28); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: got %v", words, err)
		}
	}
	if err := aFrame().Check(28); err != nil {
		t.Error(err)
	}
}

func FuzzPackIndex(f *testing.F) {
	for _, n := range []int{0, 1, 7} {
		b, _ := aPack(f, n)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		trailer, frames, err := read(b)
		if err != nil {
			return
		}
		for _, frame := range frames {
			if frame.Length > 0 && frame.Offset+frame.Length > trailer.Offset {
				t.Errorf("a frame reaches behind the frames: %+v", frame)
			}
		}
	})
}

// The digest of an index is checked before it is read: so it gets a fuzzer that
// makes the digest fit.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`[{"topic":"a","topicId":"x","partition":0,"first":0,"next":1,"offset":8,"length":0}]`))
	f.Fuzz(func(t *testing.T, index []byte) {
		b, err := deflate(index)
		if err != nil {
			t.Fatal(err)
		}
		sum := Sum(b)
		frames, err := ReadIndex(b, Trailer{Offset: 100, Length: int64(len(b)), Digest: sum})
		if err != nil {
			return
		}
		for _, frame := range frames {
			if frame.Check(100) != nil {
				t.Errorf("got %+v", frame)
			}
		}
	})
}

func FuzzDecompress(f *testing.F) {
	f.Add([]byte("\x28\xb5\x2f\xfd"), "zstd", int64(5))
	f.Add([]byte("\x04\x22\x4d\x18"), "lz4", int64(5))
	f.Fuzz(func(t *testing.T, stored []byte, codec string, raw int64) {
		b, err := unpacker(t).Frame(nil, stored, codec, min(raw, 1<<24))
		if err == nil && codec != Plain && int64(len(b)) != min(raw, 1<<24) {
			t.Errorf("%d bytes for %d", len(b), raw)
		}
	})
}
