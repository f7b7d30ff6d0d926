package batch_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

const day = 24 * 60 * 60 * 1000

// codecs are all of them.
func codecs() []batch.Codec {
	return []batch.Codec{batch.None, batch.Gzip, batch.Snappy, batch.LZ4, batch.Zstd}
}

func encoder(t testing.TB, codec batch.Codec, level int) *batch.Encoder {
	t.Helper()
	e, err := batch.NewEncoder(codec, level)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// decode copies every record out of a batch that must be whole.
func decode(t testing.TB, one []byte) []batch.Record {
	t.Helper()
	if _, _, rest, err := batch.Next(one); err != nil || len(rest) > 0 {
		t.Fatalf("not one whole batch: %v, %d bytes left", err, len(rest))
	}
	var out []batch.Record
	err := batch.NewDecoder().Records(one, func(r batch.Record) error {
		out = append(out, clone(r))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func clone(r batch.Record) batch.Record {
	r.Key, r.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	var headers []batch.RecordHeader
	for _, h := range r.Headers {
		headers = append(headers, batch.RecordHeader{Key: bytes.Clone(h.Key), Value: bytes.Clone(h.Value)})
	}
	r.Headers = headers
	return r
}

// spell prints records so that null, empty and every byte can be told apart.
func spell(records []batch.Record) string {
	var b bytes.Buffer
	for _, r := range records {
		fmt.Fprintf(&b, "%d @%d %s=%s", r.Offset, r.Timestamp, quote(r.Key), quote(r.Value))
		for _, h := range r.Headers {
			fmt.Fprintf(&b, " %s=%s", quote(h.Key), quote(h.Value))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func quote(b []byte) string {
	if b == nil {
		return "null"
	}
	return strconv.Quote(string(b))
}

// odd are the records that decoders lose.
func odd() []batch.Record {
	now := int64(1_790_000_000_000)
	return []batch.Record{
		{Timestamp: now, Key: []byte("k"), Value: []byte("v")},
		{Timestamp: now - 10*365*day, Value: []byte("null key, ten years ago")},
		{Timestamp: now + 60*day, Key: []byte("tombstone, 60 days ahead")},
		{Timestamp: -1},
		{Timestamp: 0, Key: []byte{}, Value: []byte{}},
		{Timestamp: now - 30*day, Key: []byte{0}, Value: []byte{0xff}},
		{Timestamp: now, Headers: []batch.RecordHeader{
			{Key: []byte("twice"), Value: []byte("a")}, {Key: []byte("twice"), Value: []byte("b")},
			{Key: []byte("null")}, {Key: []byte("empty"), Value: []byte{}},
			{Key: []byte{}, Value: []byte("no name")}, {Key: []byte{0xff, 0xfe}, Value: []byte{0xc3, 0x28}},
		}},
		{Timestamp: now, Value: bytes.Repeat([]byte("long "), 40_000)},
		{Timestamp: math.MaxInt64, Key: []byte("end of time")},
	}
}

func numbered(records []batch.Record) []batch.Record {
	for i := range records {
		records[i].Offset = int64(i)
	}
	return records
}

func TestWhatIsEncodedIsDecodedAsItWas(t *testing.T) {
	for _, codec := range codecs() {
		t.Run(codec.String(), func(t *testing.T) {
			records := numbered(odd())
			one, err := encoder(t, codec, 0).Encode([]byte("before"), records)
			if err != nil {
				t.Fatal(err)
			}
			one = bytes.TrimPrefix(one, []byte("before"))
			if got, want := spell(decode(t, one)), spell(records); got != want {
				t.Errorf("got\n%.2000s\nwant\n%.2000s", got, want)
			}
			h, _, _, _ := batch.Parse(one)
			if h.Codec() != codec || h.Raw() != "" || h.MaxTimestamp != math.MaxInt64 || h.ProducerID != -1 {
				t.Errorf("header %+v, raw %q", h, h.Raw())
			}
		})
	}
}

func TestRandomRecordsComeBackInEveryCodecAndLevel(t *testing.T) {
	levels := map[batch.Codec][]int{batch.Gzip: {0, 1, 9}, batch.LZ4: {0, 1, 9}, batch.Zstd: {0, 1, 3, 22}, batch.Snappy: {0}, batch.None: {0}}
	random := rand.New(rand.NewPCG(1, 2))
	for codec, levels := range levels {
		for _, level := range levels {
			e := encoder(t, codec, level) // used again and again, as a restore does
			for range 15 {
				records := randomRecords(random)
				one, err := e.Encode(nil, records)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := spell(decode(t, one)), spell(records); got != want {
					t.Fatalf("%s level %d: got\n%.1000s\nwant\n%.1000s", codec, level, got, want)
				}
			}
		}
	}
}

func randomRecords(random *rand.Rand) []batch.Record {
	records := make([]batch.Record, 1+random.IntN(60))
	for i := range records {
		r := &records[i]
		r.Offset, r.Timestamp = int64(i), random.Int64()>>random.IntN(60)
		r.Key, r.Value = randomBytes(random), randomBytes(random)
		for range random.IntN(4) {
			r.Headers = append(r.Headers, batch.RecordHeader{Key: append([]byte{}, randomBytes(random)...), Value: randomBytes(random)})
		}
	}
	return records
}

// randomBytes are null, empty, short or long, and compress a little.
func randomBytes(random *rand.Rand) []byte {
	n := []int{-1, 0, 1, 20, 3000}[random.IntN(5)]
	if n < 0 {
		return nil
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.IntN(1 + random.IntN(255)))
	}
	return b
}

func TestUnknownCodecsAndLevelsAreRefused(t *testing.T) {
	for _, c := range []struct {
		codec batch.Codec
		level int
	}{{5, 0}, {-1, 0}, {batch.Gzip, 10}, {batch.Zstd, 23}, {batch.LZ4, -1}, {batch.Snappy, 1}, {batch.None, 3}} {
		if _, err := batch.NewEncoder(c.codec, c.level); err == nil {
			t.Errorf("%s level %d was taken", c.codec, c.level)
		}
	}
}
