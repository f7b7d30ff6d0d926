package batch_test

import (
	"bytes"
	"errors"
	"os/exec"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

// packed puts what another client's codec made of the records into a batch.
func packed(t testing.TB, codec batch.Codec, block []byte) []byte {
	t.Helper()
	one, err := encoder(t, batch.None, 0).Encode(nil, numbered(odd()))
	if err != nil {
		t.Fatal(err)
	}
	return resum(append(with(one, func(b []byte) { b[22] = byte(codec) })[:batch.HeaderSize:batch.HeaderSize], block...))
}

// block is the records of odd, uncompressed.
func block(t testing.TB) []byte {
	t.Helper()
	one, err := encoder(t, batch.None, 0).Encode(nil, odd())
	if err != nil {
		t.Fatal(err)
	}
	return one[batch.HeaderSize:]
}

func lz4With(t testing.TB, src []byte, options ...lz4.Option) []byte {
	t.Helper()
	var b bytes.Buffer
	w := lz4.NewWriter(&b)
	if err := errors.Join(w.Apply(options...)); err != nil {
		t.Fatal(err)
	}
	_, err := w.Write(src)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, parts ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, part := range parts {
		w := gzip.NewWriter(&b)
		_, err := w.Write(part)
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func zstandard(t testing.TB, parts ...[]byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for _, part := range parts {
		b = w.EncodeAll(part, b)
	}
	return b
}

func TestOtherClientsFramingIsRead(t *testing.T) {
	src := block(t)
	var stream bytes.Buffer
	z, _ := zstd.NewWriter(&stream) // without the content's size in its header
	_, err := z.Write(src)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	half := len(src) / 2
	for name, c := range map[string]struct {
		codec batch.Codec
		block []byte
	}{
		"snappy, bare (librdkafka, franz-go)": {batch.Snappy, s2.EncodeSnappy(nil, src)},
		"snappy, xerial (Java)":               {batch.Snappy, xerial.Encode(nil, src)},
		"snappy, xerial, small blocks":        {batch.Snappy, xerial.Encode(xerial.Encode(nil, src[:half]), src[half:])},
		"lz4, 64 KiB blocks (Java)":           {batch.LZ4, lz4With(t, src, lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false))},
		"lz4, 4 MiB blocks":                   {batch.LZ4, lz4With(t, src, lz4.BlockSizeOption(lz4.Block4Mb))},
		"lz4, checksums of blocks":            {batch.LZ4, lz4With(t, src, lz4.BlockSizeOption(lz4.Block64Kb), lz4.BlockChecksumOption(true))},
		"lz4, with its size":                  {batch.LZ4, lz4With(t, src, lz4.SizeOption(uint64(len(src))))},
		"lz4, highest level":                  {batch.LZ4, lz4With(t, src, lz4.CompressionLevelOption(lz4.Level9))},
		"gzip, one member":                    {batch.Gzip, gzipped(t, src)},
		"gzip, two members":                   {batch.Gzip, gzipped(t, src[:half], src[half:])},
		"zstd, one frame":                     {batch.Zstd, zstandard(t, src)},
		"zstd, two frames":                    {batch.Zstd, zstandard(t, src[:half], src[half:])},
		"zstd, a stream":                      {batch.Zstd, stream.Bytes()},
	} {
		if got, want := spell(decode(t, packed(t, c.codec, c.block))), spell(numbered(odd())); got != want {
			t.Errorf("%s: got\n%.500s\nwant\n%.500s", name, got, want)
		}
	}
}

// The reference implementation links its blocks unless told not to.
func TestLinkedBlocksOfTheReferenceLZ4AreRead(t *testing.T) {
	for _, options := range [][]string{{"-BD"}, {"-BD", "-B4", "--content-size"}, {"-9", "-BD", "-BX"}} {
		tool, err := exec.LookPath("lz4")
		if err != nil {
			t.Skip("no lz4 on this machine (Debian: lz4)")
		}
		c := exec.CommandContext(t.Context(), tool, append(options, "-c", "-z")...)
		c.Stdin = bytes.NewReader(block(t))
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		if spell(decode(t, packed(t, batch.LZ4, out))) != spell(numbered(odd())) {
			t.Errorf("lz4 %v: other records", options)
		}
	}
}

func TestDamagedCompressedRecordsAreAnError(t *testing.T) {
	d := batch.NewDecoder()
	for _, codec := range codecs()[1:] {
		one, err := encoder(t, codec, 0).Encode(nil, numbered(odd()))
		if err != nil {
			t.Fatal(err)
		}
		for n := batch.HeaderSize; n < len(one); n += 1 + len(one)/200 {
			cut := resum(bytes.Clone(one[:n]))
			if err := d.Records(cut, func(batch.Record) error { return nil }); err == nil {
				t.Errorf("%s: %d of %d bytes were taken for all", codec, n, len(one))
			}
		}
		if got := decode(t, one); len(got) != len(odd()) {
			t.Errorf("%s: the decoder is of no use after an error", codec)
		}
	}
}

func TestABombDoesNotEatTheMachine(t *testing.T) {
	const bound = 4 << 20
	zeros := make([]byte, bound+1)
	for codec, block := range map[batch.Codec][]byte{
		batch.Gzip:   gzipped(t, zeros),
		batch.LZ4:    lz4With(t, zeros),
		batch.Zstd:   zstandard(t, zeros[:len(zeros)/2], zeros[len(zeros)/2:]),
		batch.Snappy: xerial.Encode(nil, zeros),
	} {
		err := batch.NewBounded(bound).Records(packed(t, codec, block), func(batch.Record) error { return nil })
		if !errors.Is(err, batch.ErrTooLarge) {
			t.Errorf("%s: %v", codec, err)
		}
	}
}

func TestALengthIsNotTakenAtItsWord(t *testing.T) {
	claims := packed(t, batch.Snappy, []byte{0xff, 0xff, 0xff, 0x7f, 0}) // 256 MiB in one byte
	d := batch.NewDecoder()
	if n := testing.AllocsPerRun(10, func() { _ = d.Records(claims, nil) }); n > 20 {
		t.Errorf("%v allocations", n)
	}
	if err := d.Records(claims, nil); err == nil || errors.Is(err, batch.ErrTooLarge) {
		t.Errorf("%v", err)
	}
}
