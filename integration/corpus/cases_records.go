package corpus

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// anyTime is when most records are made: timestamps do not depend on the day.
func anyTime() time.Time { return time.Now().Add(-time.Hour).Truncate(time.Second) }

// Records are n records that compress about as well as people's data does.
func Records(n int, seed uint64) []Record {
	random := rand.New(rand.NewPCG(seed, 0))
	at := anyTime().UnixMilli()
	out := make([]Record, n)
	for i := range out {
		value := fmt.Appendf(nil, `{"id":%d,"customer":"c-%05d","amount":%d.%02d}`, i, random.IntN(1000), random.IntN(1000), random.IntN(100))
		out[i] = Record{Timestamp: at + int64(i), Key: fmt.Appendf(nil, "k-%d", random.IntN(n)), Value: value}
	}
	return out
}

// codecs: a partition for each, several batches of many records, and one
// partition with all of them.
func codecs(w *Writer) {
	const batches = 3
	topic := w.Topic("", Xerial+2)
	for codec := None; codec <= Xerial; codec++ {
		for i := range batches {
			b := Batch{Codec: codec, Records: Records(300, uint64(codec*batches+i))}
			w.Produce(topic, int32(codec), b)
			w.Produce(topic, Xerial+1, b)
		}
	}
}

// javaSnappy is larger than one of xerial's blocks.
func javaSnappy(w *Writer) {
	topic := w.Topic("", 1)
	w.Produce(topic, 0, Batch{Codec: Xerial, Records: Records(2000, 7)}, Batch{Codec: Snappy, Records: Records(2000, 8)})
}

// nulls: every key with every value, in batches and alone.
func nulls(w *Writer) {
	topic := w.Topic("", 2)
	few := [][]byte{nil, {}, {'x'}, {0}, []byte("several")}
	var all []Record
	for _, key := range few {
		for _, value := range few {
			r := Record{Timestamp: anyTime().UnixMilli(), Key: key, Value: value}
			all = append(all, r)
			w.Produce(topic, 1, Batch{Records: []Record{r}})
		}
	}
	w.Produce(topic, 0, Batch{Records: all}, Batch{Codec: Zstd, Records: all})
}

// headers: duplicate, nameless, null-valued, empty, not UTF-8, large and many.
func headers(w *Writer) {
	topic := w.Topic("", 1)
	odd := []kgo.RecordHeader{
		{Key: "same", Value: []byte("1")}, {Key: "same", Value: []byte("2")}, {Key: "same", Value: []byte("1")},
		{Key: "", Value: []byte("nameless")}, {Key: "null"}, {Key: "empty", Value: []byte{}},
		{Key: "\xff\xfe\x00name", Value: []byte{0xff, 0, 0xfe}}, {Key: "large", Value: bytes.Repeat([]byte("v"), 100_000)},
	}
	var many []kgo.RecordHeader
	for i := range 500 {
		many = append(many, kgo.RecordHeader{Key: fmt.Sprint("h", i), Value: fmt.Append(nil, i)})
	}
	at := anyTime().UnixMilli()
	records := []Record{
		{Timestamp: at, Key: []byte("odd"), Value: []byte("v"), Headers: odd},
		{Timestamp: at, Headers: many},
		{Timestamp: at, Key: []byte("none"), Value: []byte("v")},
	}
	w.Produce(topic, 0, Batch{Records: records}, Batch{Codec: LZ4, Records: records})
}

// times: ten years old, tomorrow, none at all; sixty days in one batch, out of
// order; the lowest time neither first nor the highest last.
func times(w *Writer) {
	topic := w.Topic("", 2, "message.timestamp.after.max.ms", fmt.Sprint((48 * time.Hour).Milliseconds()))
	now := anyTime()
	at := func(t time.Time) Record {
		return Record{Timestamp: t.UnixMilli(), Key: []byte("t"), Value: fmt.Append(nil, t.UnixMilli())}
	}
	old, tomorrow := now.AddDate(-10, 0, 0), now.AddDate(0, 0, 1)
	w.Produce(topic, 0, Batch{Records: []Record{at(old)}}, Batch{Records: []Record{at(tomorrow)}}, Batch{Records: []Record{at(old.Add(time.Millisecond)), at(now)}})
	var spread []Record
	random := rand.New(rand.NewPCG(60, 0))
	for range 500 {
		spread = append(spread, at(now.Add(-time.Duration(random.Int64N(int64(60*24*time.Hour))))))
	}
	w.Produce(topic, 1, Batch{Records: spread}, Batch{Codec: Gzip, Records: spread}, Batch{Records: []Record{{Timestamp: -1, Value: []byte("timeless")}}})
}

// big: records of 20 MB, one of which compresses well.
func big(w *Writer) {
	const size = 20 << 20
	topic := w.Topic("", 1, "max.message.bytes", fmt.Sprint(24<<20))
	value := make([]byte, size)
	random := rand.NewChaCha8([32]byte{20})
	_, _ = random.Read(value)
	at := anyTime().UnixMilli()
	w.Produce(topic, 0,
		Batch{Records: []Record{{Timestamp: at, Key: []byte("before"), Value: []byte("small")}}},
		Batch{Records: []Record{{Timestamp: at, Key: []byte("big"), Value: value}}},
		Batch{Codec: LZ4, Records: []Record{{Timestamp: at, Key: []byte("flat"), Value: make([]byte, size)}}},
		Batch{Records: []Record{{Timestamp: at, Key: []byte("after"), Value: []byte("small")}}})
}

// logAppend: the broker's clock, for batches of one and of many.
func logAppend(w *Writer) {
	topic := w.Topic("", 1, "message.timestamp.type", "LogAppendTime")
	for i := range 5 {
		w.Produce(topic, 0, Batch{Codec: i, Records: Records(1+i*20, uint64(i))})
	}
}

// empty: a topic without a record, and one with an empty partition.
func empty(w *Writer) {
	w.Topic("-whole", 3)
	topic := w.Topic("-partly", 3)
	w.Produce(topic, 1, Batch{Records: Records(10, 1)})
}

// deletedRecords: the log does not begin at 0, nor at a batch's beginning.
func deletedRecords(w *Writer) {
	topic := w.Topic("", 2)
	for partition := range int32(2) {
		w.Produce(topic, partition, Batch{Records: Records(100, 1)}, Batch{Records: Records(100, 2)})
	}
	w.DeleteRecords(topic, 0, 150)
	w.DeleteRecords(topic, 1, 200) // all of them
}
