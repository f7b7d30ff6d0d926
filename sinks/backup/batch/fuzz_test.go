package batch_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

// seed adds small batches of every codec, those of Kafka's own log among them,
// and what is almost one. Large inputs would only make the fuzzer slow.
func seed(f *testing.F) {
	f.Helper()
	log, err := os.ReadFile("testdata/kafka.log")
	if err != nil {
		f.Fatal(err)
	}
	for len(log) > 0 {
		var one []byte
		if _, one, log, err = batch.Next(log); err != nil {
			f.Fatal(err)
		}
		if len(one) < 2000 {
			f.Add(one)
		}
	}
	for _, codec := range codecs() {
		one, err := encoder(f, codec, 0).Encode(nil, odd()[:7])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(one)
		f.Add(append(one, one[:len(one)-1]...))
	}
	f.Add([]byte{})
	f.Add(make([]byte, batch.HeaderSize))
}

func FuzzNext(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, one, _, err := batch.Parse(b); err == nil {
			resum(one) // in place: or nothing would get past the checksum
		}
		h, one, rest, err := batch.Next(b)
		if err != nil {
			return
		}
		if !bytes.Equal(append(bytes.Clone(one), rest...), b) || len(one) != h.Size() || h.Next() <= h.BaseOffset {
			t.Fatalf("header %+v of %d bytes", h, len(b))
		}
		if h.Raw() != "" {
			return
		}
		stamped := bytes.Clone(one)
		batch.Stamp(stamped, 1, 2, 3)
		if s, _, _, err := batch.Next(stamped); err != nil || s.BaseOffset != 0 || !bytes.Equal(stamped[batch.HeaderSize:], one[batch.HeaderSize:]) {
			t.Fatalf("stamped: %+v, %v", s, err)
		}
	})
}

// FuzzRecords holds that no bytes make a decoder fail otherwise than by an
// error, and that what decodes is encoded again to the same records.
func FuzzRecords(f *testing.F) {
	seed(f)
	d := batch.NewDecoder()
	f.Fuzz(func(t *testing.T, b []byte) {
		var records []batch.Record
		if err := d.Records(b, func(r batch.Record) error {
			records = append(records, clone(r))
			return nil
		}); err != nil || len(records) == 0 {
			return
		}
		flat, err := d.Decompressed(nil, b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := encoder(t, batch.None, 0).Encode(nil, records)
		if err != nil {
			t.Fatal(err)
		}
		if digest(decode(t, flat)...) != digest(records...) || digest(decode(t, again)...) != digest(records...) {
			t.Fatal("other records")
		}
	})
}

// FuzzRoundTrip makes records of the input and holds that they come back.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("key"), []byte("value"), []byte("header"), int64(1_790_000_000_000), int64(-3_000_000_000), byte(4))
	f.Add([]byte{}, []byte(nil), []byte{0xff}, int64(-1), int64(1<<62), byte(1))
	f.Fuzz(func(t *testing.T, key, value, header []byte, time, later int64, kind byte) {
		records := numbered([]batch.Record{
			{Timestamp: time, Key: key, Value: value},
			{Timestamp: time + later, Value: key, Headers: []batch.RecordHeader{{Key: append([]byte{}, header...), Value: value}, {Key: []byte{}}}},
			{Timestamp: later, Key: header},
		})
		one, err := encoder(t, codecs()[kind%5], 0).Encode(nil, records)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := spell(decode(t, one)), spell(records); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}
