package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// lay is a batch as it lies in a log.
type lay struct {
	base     int64
	records  int
	delta    int32 // last offset delta, where it is not records-1
	producer int64
	attrs    int16
	key      []byte // of the first record, for markers
	value    int    // bytes of each
	codec    batch.Codec
}

const (
	transactional = 1 << 4
	control       = 1 << 5
)

func (l lay) bytes(t testing.TB) []byte {
	t.Helper()
	e, err := batch.NewEncoder(l.codec, 0)
	if err != nil {
		t.Fatal(err)
	}
	records := make([]batch.Record, max(l.records, 1))
	for i := range records {
		records[i] = batch.Record{Timestamp: 1000 + l.base + int64(i), Key: l.key, Value: bytes.Repeat([]byte{'v'}, l.value)}
	}
	b, err := e.Encode(nil, records)
	if err != nil {
		t.Fatal(err)
	}
	if l.records == 0 {
		b = b[:batch.HeaderSize]
		binary.BigEndian.PutUint32(b[8:], batch.HeaderSize-12)
	}
	binary.BigEndian.PutUint64(b, uint64(l.base))
	binary.BigEndian.PutUint32(b[12:], 7) // leader epoch
	binary.BigEndian.PutUint16(b[21:], uint16(l.attrs|int16(l.codec)))
	binary.BigEndian.PutUint32(b[23:], uint32(max(l.delta, int32(l.records)-1)))
	binary.BigEndian.PutUint64(b[43:], uint64(l.producer))
	binary.BigEndian.PutUint32(b[57:], uint32(l.records))
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func log(t testing.TB, lays ...lay) []byte {
	var b []byte
	for _, l := range lays {
		b = append(b, l.bytes(t)...)
	}
	return b
}

func marker(base, producer int64, commit uint16) lay {
	return lay{base: base, records: 1, producer: producer, attrs: transactional | control, key: binary.BigEndian.AppendUint16([]byte{0, 0}, commit)}
}

func tx(base int64, records int, producer int64) lay {
	return lay{base: base, records: records, producer: producer, attrs: transactional}
}

func reading(base, end int64) *cursor {
	t := &topic{Topic: format.Topic{Name: "orders", ID: "id"}}
	return newCursor(&part{topic: t, Partition: format.Partition{Start: base, Base: base, End: end, Epoch: -1}}, Options{})
}

// say prints frames so that they can be compared.
func say(frames []stretch) string {
	var b strings.Builder
	for _, f := range frames {
		fmt.Fprintf(&b, "[%d,%d) %dB/%dR", f.First, f.Next, f.Batches, f.Records)
		for _, g := range f.Gaps {
			fmt.Fprintf(&b, " %s[%d,%d)", g.Reason, g.First, g.Next)
		}
		b.WriteString("; ")
	}
	return strings.TrimSuffix(b.String(), "; ")
}

func aborted(list ...int64) (out []kmsg.FetchResponseTopicPartitionAbortedTransaction) {
	for i := 0; i < len(list); i += 2 {
		out = append(out, kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: list[i], FirstOffset: list[i+1]})
	}
	return out
}

func TestEveryOffsetIsDataOrAGapWithItsReason(t *testing.T) {
	for _, c := range []struct {
		name      string
		base, end int64
		log       []lay
		aborted   []kmsg.FetchResponseTopicPartitionAbortedTransaction
		want      string
	}{
		{"dense", 0, 10, []lay{{base: 0, records: 4}, {base: 4, records: 6}}, nil, "[0,10) 2B/10R"},
		{"a batch behind the end is not taken", 0, 4, []lay{{base: 0, records: 4}, {base: 4, records: 6}}, nil, "[0,4) 1B/4R"},
		{"the fetch answers the whole batch before us", 2, 4, []lay{{base: 0, records: 4}}, nil, "[2,4) 1B/2R"},
		{"a batch that lies before us is passed by", 4, 6, []lay{{base: 0, records: 4}, {base: 4, records: 2}}, nil, "[4,6) 1B/2R"},
		{"cleaned between batches", 0, 10, []lay{{base: 0, records: 2}, {base: 8, records: 2}}, nil, "[0,10) 2B/4R compacted[2,8)"},
		{"cleaned within a batch", 0, 10, []lay{{base: 0, records: 3, delta: 9}}, nil, "[0,10) 1B/3R"},
		{"cleaned up to the end", 0, 10, []lay{{base: 0, records: 2}, {base: 12, records: 2}}, nil, "[0,10) 1B/2R compacted[2,10)"},
		{"emptied by the cleaner", 0, 6, []lay{{base: 0, records: 0, delta: 3}, {base: 4, records: 2}}, nil, "[0,6) 1B/2R compacted[0,4)"},
		{"committed", 0, 4, []lay{tx(0, 3, 5), marker(3, 5, 1)}, nil, "[0,4) 1B/3R control[3,4)"},
		{"aborted", 0, 4, []lay{tx(0, 3, 5), marker(3, 5, 0)}, aborted(5, 0), "[0,4) 0B/0R aborted[0,3) control[3,4)"},
		{"aborted, then committed by the same producer", 0, 6, []lay{tx(0, 2, 5), marker(2, 5, 0), tx(3, 2, 5), marker(5, 5, 1)}, aborted(5, 0), "[0,6) 1B/2R aborted[0,2) control[2,3) control[5,6)"},
		{"interleaved", 0, 7, []lay{tx(0, 1, 5), tx(1, 1, 6), {base: 2, records: 1}, tx(3, 1, 5), marker(4, 6, 1), tx(5, 1, 7), marker(6, 5, 0)}, aborted(5, 0), "[0,7) 3B/3R aborted[0,1) aborted[3,4) control[4,5) control[6,7)"},
		{"begun before the answer", 10, 14, []lay{tx(10, 3, 5), marker(13, 5, 0)}, aborted(5, 2), "[10,14) 0B/0R aborted[10,13) control[13,14)"},
		{"not transactional by a producer that aborts", 0, 3, []lay{{base: 0, records: 2, producer: 5}, marker(2, 5, 0)}, aborted(5, 1), "[0,3) 1B/2R control[2,3)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cur := reading(c.base, c.end)
			frames, err := cur.take(&kmsg.FetchResponseTopicPartition{RecordBatches: log(t, c.log...), AbortedTransactions: c.aborted})
			if err != nil {
				t.Fatal(err)
			}
			if got := say(frames); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if !cur.done() {
				t.Errorf("it stands at %d", cur.at)
			}
			for _, f := range frames {
				accounted(t, f)
			}
		})
	}
}

// accounted holds a frame's numbers and bytes against its offsets.
func accounted(t *testing.T, f stretch) {
	t.Helper()
	g := f.Gone
	if sum := f.Records + g.Control + g.Aborted + g.Compacted + g.Lost; sum != f.Next-f.First {
		t.Errorf("%s accounts for %d of %d offsets", say([]stretch{f}), sum, f.Next-f.First)
	}
	batches := int64(0)
	for rest := f.bytes; len(rest) > 0; batches++ {
		var err error
		if _, _, rest, err = batch.Next(rest); err != nil {
			t.Fatal(err)
		}
	}
	if batches != f.Batches {
		t.Errorf("%d batches in the bytes, %d in the frame", batches, f.Batches)
	}
}

func TestAPartialBatchIsDroppedAndComesAgain(t *testing.T) {
	whole := log(t, lay{base: 0, records: 2}, lay{base: 2, records: 2})
	cur := reading(0, 4)
	first, err := cur.take(&kmsg.FetchResponseTopicPartition{RecordBatches: bytes.Clone(whole[:len(whole)-1])})
	if err != nil {
		t.Fatal(err)
	}
	if got := say(first); got != "[0,2) 1B/2R" || cur.at != 2 {
		t.Errorf("got %s, at %d", got, cur.at)
	}
	second, err := cur.take(&kmsg.FetchResponseTopicPartition{RecordBatches: log(t, lay{base: 2, records: 2})})
	if err != nil {
		t.Fatal(err)
	}
	if got := say(second); got != "[2,4) 1B/2R" {
		t.Errorf("got %s", got)
	}
}

func TestGapsWaitForTheNextBatch(t *testing.T) {
	cur := reading(0, 6)
	frames, err := cur.take(&kmsg.FetchResponseTopicPartition{RecordBatches: log(t, tx(0, 2, 5), marker(2, 5, 0)), AbortedTransactions: aborted(5, 0)})
	if err != nil || len(frames) != 0 {
		t.Fatalf("%s, %v", say(frames), err)
	}
	frames, err = cur.take(&kmsg.FetchResponseTopicPartition{RecordBatches: log(t, lay{base: 3, records: 3})})
	if err != nil {
		t.Fatal(err)
	}
	if got := say(frames); got != "[0,6) 1B/3R aborted[0,2) control[2,3)" {
		t.Error(got)
	}
}

func TestFramesAreCutBySizeAndByGaps(t *testing.T) {
	var lays []lay
	for i := range int64(5) {
		lays = append(lays, lay{base: i, records: 1, value: 1 << 20})
	}
	cur := reading(0, 5)
	frames, err := cur.take(&kmsg.FetchResponseTopicPartition{RecordBatches: log(t, lays...)})
	if err != nil {
		t.Fatal(err)
	}
	if got := say(frames); got != "[0,3) 3B/3R; [3,5) 2B/2R" {
		t.Error(got)
	}
	lays = nil
	for i := range int64(maxGaps + 10) {
		lays = append(lays, lay{base: 2 * i, records: 1})
	}
	cur = reading(0, 2*int64(len(lays)))
	if frames, err = cur.take(&kmsg.FetchResponseTopicPartition{RecordBatches: log(t, lays...)}); err != nil {
		t.Fatal(err)
	}
	if len(frames) != 2 || len(frames[0].Gaps) != maxGaps || frames[0].Next != 2*maxGaps+1 {
		t.Errorf("%d frames, the first of %d gaps to %d", len(frames), len(frames[0].Gaps), frames[0].Next)
	}
}

func TestDamageIsNamedWithTopicPartitionOffsetAndWhatToDo(t *testing.T) {
	for name, spoil := range map[string]func([]byte){
		"CRC":     func(b []byte) { b[len(b)-1] ^= 1 },
		"magic 1": func(b []byte) { b[16] = 1 },
		"length":  func(b []byte) { binary.BigEndian.PutUint32(b[8:], 3) },
	} {
		b := log(t, lay{base: 40, records: 2})
		spoil(b)
		_, err := reading(40, 42).take(&kmsg.FetchResponseTopicPartition{RecordBatches: b})
		var damaged *damagedError
		if !errors.As(err, &damaged) {
			t.Fatalf("%s: %v", name, err)
		}
		for _, word := range []string{"orders/0", "offset 40", "exclude"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q does not say %q", name, err, word)
			}
		}
	}
}

func TestWhatIsPackedIsWhatWasSentWhicheverBatchIsDamagedOnTheWay(t *testing.T) {
	lays := []lay{{base: 0, records: 2}, tx(2, 2, 5), marker(4, 5, 0), {base: 5, records: 3}, tx(8, 1, 6), marker(9, 6, 1), {base: 10, records: 2}}
	var want []byte
	for _, l := range []lay{lays[0], lays[3], lays[4], lays[6]} {
		want = append(want, l.bytes(t)...)
	}
	for bad := range lays {
		for from := range bad + 1 { // one answer for those before, and one with the damage
			cur := reading(0, 12)
			var got []byte
			answer := func(lays []lay, spoil int) error {
				b := log(t, lays...)
				if spoil >= 0 {
					b[len(log(t, lays[:spoil+1]...))-1] ^= 1
				}
				frames, err := cur.take(&kmsg.FetchResponseTopicPartition{RecordBatches: b, AbortedTransactions: aborted(5, 2)})
				for _, f := range frames {
					accounted(t, f)
					got = append(got, f.bytes...)
				}
				return err
			}
			err := answer(lays[:from], -1)
			var damaged *damagedError
			if again := answer(lays[from:], bad-from); err != nil || !errors.As(again, &damaged) || cur.at != lays[bad].base {
				t.Fatalf("damage in batch %d: %v, %v, at %d", bad, err, again, cur.at)
			}
			if err := answer(lays[bad:], -1); err != nil || !cur.done() || !bytes.Equal(got, want) {
				t.Errorf("damage in batch %d of an answer from batch %d on: %v, at %d, %d bytes kept of %d", bad, from, err, cur.at, len(got), len(want))
			}
		}
	}
}

func FuzzTake(f *testing.F) {
	f.Add(log(f, lay{base: 0, records: 2}, tx(2, 2, 5), marker(4, 5, 0), lay{base: 9, records: 1, codec: batch.Zstd}), int64(0), int64(10))
	f.Fuzz(func(t *testing.T, b []byte, base, end int64) {
		if base < 0 || end < base {
			return
		}
		cur := reading(base, end)
		frames, _ := cur.take(&kmsg.FetchResponseTopicPartition{RecordBatches: b, AbortedTransactions: aborted(5, 2)})
		at := base
		for _, frame := range frames {
			if frame.First != at || frame.Next <= frame.First {
				t.Fatalf("[%d,%d) does not follow %d", frame.First, frame.Next, at)
			}
			at = frame.Next
			accounted(t, frame)
		}
		if at > cur.at || cur.at > end {
			t.Fatalf("it stands at %d behind frames up to %d, of %d", cur.at, at, end)
		}
	})
}
