package repository

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// encoded is a batch of records at offsets, as it would lie in a log.
func encoded(t *testing.T, first, next int64) []byte {
	t.Helper()
	enc, err := batch.NewEncoder(batch.LZ4, 0)
	if err != nil {
		t.Fatal(err)
	}
	var records []batch.Record
	for o := first; o < next; o++ {
		records = append(records, batch.Record{Timestamp: 100 + o, Value: []byte("v")})
	}
	b, err := enc.Encode(nil, records)
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint64(b, uint64(first))
	return b
}

func TestBatchesMustBeWhatTheirFrameSays(t *testing.T) {
	low := int64(105)
	frame := func(change func(*format.Frame)) format.Frame {
		f := format.Frame{First: 10, Next: 30, Records: 15, Batches: 2, MaxTime: 200, Gone: format.Gone{Aborted: 5}}
		change(&f)
		return f
	}
	two := append(encoded(t, 10, 20), encoded(t, 25, 30)...)
	cases := []struct {
		name  string
		frame format.Frame
		body  []byte
		want  string // part of the error
	}{
		{"a gap between batches", frame(func(*format.Frame) {}), two, ""},
		{"the first batch reaches over the beginning", frame(func(f *format.Frame) { f.First, f.Records = 15, 10 }), two, ""},
		{"the last batch reaches over the end", frame(func(f *format.Frame) { f.Next, f.Records = 28, 13 }), two, ""},
		{"another count of records", frame(func(f *format.Frame) { f.Records++ }), two, "15 records in 2 batches"},
		{"another count of batches", frame(func(f *format.Frame) { f.Batches = 1 }), two, "15 records in 2 batches"},
		{"offsets nobody accounts for", frame(func(f *format.Frame) { f.Next = 40 }), two, "has 30 offsets"},
		{"batches out of order", frame(func(*format.Frame) {}), append(encoded(t, 25, 30), encoded(t, 10, 20)...), "begins before offset 30"},
		{"a batch twice", frame(func(*format.Frame) {}), append(encoded(t, 10, 20), encoded(t, 10, 20)...), "begins before offset 20"},
		{"a batch before the frame", frame(func(*format.Frame) {}), encoded(t, 0, 10), "outside the frame"},
		{"a batch behind the frame", frame(func(*format.Frame) {}), encoded(t, 30, 40), "outside the frame"},
		{"a batch that is cut off", frame(func(*format.Frame) {}), two[:len(two)-1], batch.ErrShort.Error()},
		{"a byte of a batch flipped", frame(func(*format.Frame) {}), flipped(two, len(two)-1), "CRC"},
		{"a later time than the frame's", frame(func(f *format.Frame) { f.MaxTime = 120 }), two, "highest timestamp is 129"},
		{"an earlier time than the frame's", frame(func(f *format.Frame) { f.MinTime = &low; f.First = 5; f.Gone.Aborted += 5 }), append(encoded(t, 0, 10), two...), "timestamp 100"},
		{"another length", frame(func(f *format.Frame) { f.Raw = 1 }), two, "bytes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			check := batchCheck{dec: batch.NewDecoder()}
			err := check.read(c.frame, c.body, func(batch.Record) {})
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func flipped(b []byte, at int) []byte {
	b = append([]byte(nil), b...)
	b[at] ^= 1
	return b
}
