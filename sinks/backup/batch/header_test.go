package batch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

// plain is an uncompressed batch of three records.
func plain(t testing.TB) []byte {
	t.Helper()
	one, err := encoder(t, batch.None, 0).Encode(nil, odd()[:3])
	if err != nil {
		t.Fatal(err)
	}
	return one
}

// with changes a copy of a batch and makes its CRC right again.
func with(one []byte, change func(b []byte)) []byte {
	b := bytes.Clone(one)
	change(b)
	return resum(b)
}

func resum(b []byte) []byte {
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func put64(at int, v int64) func([]byte) {
	return func(b []byte) { binary.BigEndian.PutUint64(b[at:], uint64(v)) }
}

func put32(at int, v int32) func([]byte) {
	return func(b []byte) { binary.BigEndian.PutUint32(b[at:], uint32(v)) }
}

func TestNextSaysWhenBytesEndWithinABatch(t *testing.T) {
	one := plain(t)
	for n := range len(one) {
		if _, _, _, err := batch.Next(one[:n]); !errors.Is(err, batch.ErrShort) {
			t.Fatalf("%d of %d bytes: %v", n, len(one), err)
		}
	}
}

func TestNextGoesFromBatchToBatch(t *testing.T) {
	first := with(plain(t), put64(0, 40))
	second := with(plain(t), put64(0, 43))
	h, one, rest, err := batch.Next(append(bytes.Clone(first), second[:70]...))
	if err != nil || !bytes.Equal(one, first) || !bytes.Equal(rest, second[:70]) {
		t.Fatalf("first: %v", err)
	}
	if h.BaseOffset != 40 || h.Last() != 42 || h.Next() != 43 || h.Size() != len(first) || !h.Dense() {
		t.Errorf("header %+v", h)
	}
	if _, _, left, err := batch.Next(rest); !errors.Is(err, batch.ErrShort) || !bytes.Equal(left, rest) {
		t.Errorf("the second is cut off: %v", err)
	}
}

func TestEveryFlippedBitBehindTheChecksumIsFound(t *testing.T) {
	one := plain(t)
	for i := 17; i < len(one); i++ {
		damaged := bytes.Clone(one)
		damaged[i] ^= 1 << (i % 8)
		if _, _, _, err := batch.Next(damaged); err == nil || errors.Is(err, batch.ErrShort) {
			t.Fatalf("byte %d was flipped: %v", i, err)
		}
	}
}

func TestDamageIsNamedWithItsOffset(t *testing.T) {
	one := with(plain(t), put64(0, 1234))
	for name, c := range map[string]struct {
		b    []byte
		says string
	}{
		"magic 1":             {with(one, func(b []byte) { b[16] = 1 }), "magic 1"},
		"magic 3":             {with(one, func(b []byte) { b[16] = 3 }), "magic 3"},
		"length 0":            {change(one, put32(8, 0)), "length is 0"},
		"length negative":     {change(one, put32(8, -1)), "length is -1"},
		"length 48":           {change(one, put32(8, 48)), "length is 48"},
		"checksum":            {change(one, put32(17, 7)), "CRC-32C"},
		"delta negative":      {with(one, put32(23, -1)), "last offset delta is -1"},
		"count negative":      {with(one, put32(57, -1)), "-1 records"},
		"more than fit":       {with(one, put32(57, 4)), "4 records in 3 offsets"},
		"count is everything": {with(one, put32(57, math.MaxInt32)), "2147483647 records in 3 offsets"},
	} {
		_, _, _, err := batch.Next(c.b)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "offset 1234") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, offset := range []int64{-1, math.MinInt64, math.MaxInt64} {
		if _, _, _, err := batch.Next(with(one, put64(0, offset))); err == nil {
			t.Errorf("offset %d was taken", offset)
		}
	}
}

func change(one []byte, change func([]byte)) []byte {
	b := bytes.Clone(one)
	change(b)
	return b
}

func TestRawSaysWhyABrokerRefuses(t *testing.T) {
	attributes := func(a byte) func([]byte) { return func(b []byte) { b[22] = a } }
	for name, c := range map[string]struct {
		change func([]byte)
		says   string
	}{
		"as it is":       {func([]byte) {}, ""},
		"transactional":  {attributes(0x10), ""},
		"delete horizon": {attributes(0x40), ""},
		"control":        {attributes(0x30), "transaction marker"},
		"log append":     {attributes(0x08), "LogAppendTime"},
		"unknown codec":  {attributes(0x07), "codec 7"},
		"cleaned":        {put32(23, 9), "only 3 of its 10"},
		"empty":          {put32(57, 0), "no record"},
	} {
		h, _, _, err := batch.Next(with(plain(t), c.change))
		if err != nil {
			t.Fatal(err)
		}
		if raw := h.Raw(); (raw == "") != (c.says == "") || !strings.Contains(raw, c.says) {
			t.Errorf("%s: %q", name, raw)
		}
	}
}

func TestStampKeepsRecordsAndTimes(t *testing.T) {
	for _, codec := range codecs() {
		one, err := encoder(t, codec, 0).Encode(nil, odd())
		if err != nil {
			t.Fatal(err)
		}
		from := with(one, func(b []byte) {
			put64(0, 1<<40)(b)
			put32(12, 17)(b)
			binary.BigEndian.PutUint16(b[21:], 0xff50|uint16(codec)) // transactional, delete horizon, unknown bits
		})
		records, was := from[batch.HeaderSize:], spell(relative(decode(t, from)))
		stamped := bytes.Clone(from)
		batch.Stamp(stamped, 4711, 3, math.MaxInt32)
		h, _, _, err := batch.Next(stamped)
		if err != nil {
			t.Fatal(err)
		}
		if h.BaseOffset != 0 || h.LeaderEpoch != -1 || h.Attributes != int16(codec) || h.ProducerID != 4711 || h.ProducerEpoch != 3 || h.BaseSequence != math.MaxInt32 {
			t.Errorf("%s: header %+v", codec, h)
		}
		if !bytes.Equal(stamped[batch.HeaderSize:], records) || spell(decode(t, stamped)) != was {
			t.Errorf("%s: records changed", codec)
		}
	}
}

// relative makes offsets count from 0.
func relative(records []batch.Record) []batch.Record {
	for i := range records {
		records[i].Offset -= 1 << 40
	}
	return records
}

func TestNextAllocatesNothing(t *testing.T) {
	one := plain(t)
	if n := testing.AllocsPerRun(100, func() {
		if _, _, _, err := batch.Next(one); err != nil {
			t.Error(err)
		}
		batch.Stamp(one, 1, 0, 5)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
