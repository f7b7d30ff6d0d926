package batch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

// made is an uncompressed batch whose record block is b, with an honest header.
func made(t testing.TB, count int32, b []byte) []byte {
	t.Helper()
	return with(append(bytes.Clone(plain(t)[:batch.HeaderSize]), b...), func(b []byte) {
		put64(0, 900)(b)
		put32(23, max(count-1, 2))(b)
		put32(57, count)(b)
	})
}

// record is one record's bytes after its attributes, behind their length.
func record(body ...byte) []byte {
	return append(binary.AppendVarint(nil, int64(len(body)+1)), append([]byte{0}, body...)...)
}

func TestWhatDoesNotDecodeToExactlyItsRecordsIsAnError(t *testing.T) {
	null := []byte{0, 0, 1, 1, 0} // time 0, offset 0, null key, null value, no headers
	second := []byte{0, 2, 1, 1, 0}
	join := func(bs ...[]byte) []byte { return bytes.Join(bs, nil) }
	for name, c := range map[string]struct {
		count int32
		b     []byte
		says  string
	}{
		"fewer than promised":  {2, record(null...), "record 2 of 2: it ends within a field"},
		"more than promised":   {1, join(record(null...), record(second...)), "7 bytes behind the last"},
		"rubbish at the end":   {1, join(record(null...), []byte{9}), "1 bytes behind the last"},
		"nothing":              {3, nil, "record 1 of 3"},
		"length too long":      {1, record(null...)[:6], "its length is 6 where 5 bytes are left"},
		"length negative":      {1, []byte{1, 0, 0, 0, 1, 1, 0}, "its length is -1"},
		"length is huge":       {1, append(binary.AppendVarint(nil, 1<<40), record(null...)...), "out of range"},
		"rubbish in a record":  {1, record(append(null, 5)...), "1 bytes behind its last field"},
		"key too long":         {1, record(0, 0, 100, 1, 0), "ends within a field"},
		"key length -2":        {1, record(0, 0, 3, 1, 0), "out of range"},
		"value too long":       {1, record(0, 0, 1, 100, 0), "ends within a field"},
		"headers negative":     {1, record(0, 0, 1, 1, 1), "it has -1 headers"},
		"headers beyond bytes": {1, record(0, 0, 1, 1, 8, 0, 1), "it has 4 headers in 2 bytes"},
		"header without name":  {1, record(0, 0, 1, 1, 2, 1, 1), "out of range"},
		"number does not end":  {1, record(0x80, 0x80, 0x80, 0x80, 0x80, 0x80), "ends within a field"},
		"offset too high":      {1, record(0, 6, 1, 1, 0), "offset delta 3 after -1"},
		"offset negative":      {1, record(0, 1, 1, 1, 0), "offset delta -1"},
		"offset twice":         {2, join(record(null...), record(null...)), "offset delta 0 after 0"},
	} {
		err := batch.NewDecoder().Records(made(t, c.count, c.b), func(batch.Record) error { return nil })
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "offset 900") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := batch.NewDecoder().Records(made(t, 2, join(record(null...), record(second...))), func(batch.Record) error { return nil }); err != nil {
		t.Errorf("what is right: %v", err)
	}
}

func TestAnErrorOfTheCallerComesBackAsItIs(t *testing.T) {
	stop, seen := errors.New("enough"), 0
	err := batch.NewDecoder().Records(plain(t), func(batch.Record) error {
		seen++
		return stop
	})
	if err != stop || seen != 1 { //nolint:errorlint // the very same
		t.Errorf("%v after %d records", err, seen)
	}
}

func TestLogAppendTimeIsTheTimeOfEveryRecord(t *testing.T) {
	one := with(plain(t), func(b []byte) {
		b[22] |= 0x08
		put64(35, 555)(b)
	})
	for _, r := range decode(t, one) {
		if r.Timestamp != 555 {
			t.Errorf("time %d", r.Timestamp)
		}
	}
}

// The cleaner puts the horizon where the first timestamp was and writes all
// deltas anew, counted from it: the times stay what they were (KIP-534).
func TestDeltasCountFromTheDeleteHorizon(t *testing.T) {
	one := made(t, 2, append(record(append(binary.AppendVarint(nil, -1000), 0, 1, 1, 0)...), record(0, 2, 1, 1, 0)...))
	one = with(one, func(b []byte) {
		b[22] |= 0x40
		put64(27, 5000)(b)
		put64(35, 5000)(b)
	})
	if got := decode(t, one); got[0].Timestamp != 4000 || got[1].Timestamp != 5000 {
		t.Errorf("times %d and %d", got[0].Timestamp, got[1].Timestamp)
	}
	batch.Stamp(one, -1, -1, -1)
	if got := decode(t, one); got[0].Timestamp != 4000 || got[1].Timestamp != 5000 {
		t.Errorf("after a stamp: times %d and %d", got[0].Timestamp, got[1].Timestamp)
	}
}

func TestABatchThatTheCleanerEmptiedHasNoRecords(t *testing.T) {
	for _, codec := range []byte{0, 2, 4} { // the codec does not matter: there is nothing to decompress
		empty := with(made(t, 0, nil), func(b []byte) { b[22] = codec })
		if got := decode(t, empty); got != nil {
			t.Errorf("%d records", len(got))
		}
		plain, err := batch.NewDecoder().Decompressed(nil, empty)
		if err != nil || decode(t, plain) != nil {
			t.Errorf("decompressed: %v", err)
		}
	}
}

func TestDecompressedAndRecompressedKeepAllButTheCodec(t *testing.T) {
	d := batch.NewDecoder()
	for _, codec := range codecs() {
		one, err := encoder(t, codec, 0).Encode(nil, odd())
		if err != nil {
			t.Fatal(err)
		}
		one = with(one, func(b []byte) {
			put64(0, 77)(b)
			b[22] |= 0x50
			put64(43, 5)(b)
		})
		flat, err := d.Decompressed([]byte("ahead"), one)
		if err != nil {
			t.Fatal(err)
		}
		flat = bytes.TrimPrefix(flat, []byte("ahead"))
		again, err := encoder(t, codec, 0).Recompressed(nil, flat)
		if err != nil {
			t.Fatal(err)
		}
		if h, _, _, _ := batch.Parse(flat); h.Codec() != batch.None || h.Attributes != 0x50 || h.BaseOffset != 77 || h.ProducerID != 5 {
			t.Errorf("%s, decompressed: %+v", codec, h)
		}
		if !bytes.Equal(again, one) {
			t.Errorf("%s: compressed again by the same encoder it is another batch", codec)
		}
		if spell(decode(t, flat)) != spell(decode(t, one)) {
			t.Errorf("%s: records changed", codec)
		}
	}
}

func TestWhatIsCompressedIsNotCompressedAgain(t *testing.T) {
	one, _ := encoder(t, batch.LZ4, 0).Encode(nil, odd())
	if _, err := encoder(t, batch.Zstd, 0).Recompressed(nil, one); err == nil {
		t.Error("it was")
	}
}
