package corpus

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ottla-io/ottla/integration/kafkatest"
)

// transactions: committed, aborted, interleaved with each other and with a
// producer that has none, over two partitions.
func transactions(w *Writer) {
	topic := w.Topic("", 2)
	a, b, plain := w.session(topic+"-a"), w.session(topic+"-b"), w.session("")
	send := func(s *session, partition int32, what string) {
		w.t.Helper()
		s.send(topic, partition, None, Records(5, uint64(len(what)))[0:3]...)
	}
	for round := range 3 {
		send(a, 0, "a")
		send(b, 0, "bb")
		send(plain, 0, "ccc")
		send(a, 1, "aa")
		send(b, 0, "b")
		a.end(round%2 == 0)
		send(b, 1, "b")
		send(plain, 1, "c")
		b.end(round == 1)
		send(plain, 0, "cc")
	}
	send(a, 0, "aborted")
	a.end(false) // the log ends with an aborted range and its marker
	send(b, 1, "committed")
	b.end(true) // and here with a marker
}

// openTransaction stays open: the last stable offset stands before it, and
// committed records behind it are not read.
func openTransaction(w *Writer) {
	topic := w.Topic("", 1)
	a, b := w.session(topic+"-a"), w.session(topic+"-b")
	a.send(topic, 0, None, Records(4, 1)...)
	a.end(true)
	b.send(topic, 0, LZ4, Records(4, 2)...)
	a.send(topic, 0, None, Records(4, 3)...)
	a.end(true)
	w.Produce(topic, 0, Batch{Records: Records(4, 4)})
}

// rolling makes the cleaner's work quick: a batch two seconds after the last
// one begins a segment.
func rolling(more ...string) []string {
	return append([]string{"cleanup.policy", "compact", "segment.ms", "1000", "min.cleanable.dirty.ratio", "0.01", "min.compaction.lag.ms", "0"}, more...)
}

// paced are records of a batch that begins a segment. They are of the near
// future: a marker has the broker's time, and rolls no segment that began later.
func paced(i int, keys ...string) []Record {
	at := time.Now().Add(time.Minute + time.Duration(i)*2*time.Second).UnixMilli()
	var out []Record
	for n, key := range keys {
		out = append(out, Record{Timestamp: at + int64(n), Key: []byte(key), Value: fmt.Appendf(nil, "%s at %d", key, i)})
	}
	return out
}

// compacted: batches with holes, batches that are gone, and some untouched.
func compacted(w *Writer) {
	topic := w.Topic("", 1, rolling()...)
	w.Produce(topic, 0,
		Batch{Records: paced(0, "a", "b", "c", "d", "e")},
		Batch{Records: paced(1, "x", "y")}, // all of it is overwritten: the batch goes
		Batch{Records: paced(2, "b", "d", "x", "y")},
		Batch{Codec: LZ4, Records: paced(3, "f", "g", "h", "b")},
		Batch{Codec: Zstd, Records: paced(4, "g", "i")},
		Batch{Records: paced(5, "end")})
	// a c e | d x y | f h b | g i | end
	w.cleaned(topic, 0, 12)
}

// tombstones: some are younger than delete.retention.ms, and carry a delete
// horizon; of another topic they are gone.
func tombstones(w *Writer) {
	kept := w.Topic("-kept", 1, rolling("delete.retention.ms", "86400000")...)
	gone := w.Topic("-gone", 1, rolling("delete.retention.ms", "1")...)
	for _, topic := range []string{kept, gone} {
		dead := paced(2, "a", "c")
		dead[0].Value, dead[1].Value = nil, nil
		w.Produce(topic, 0, Batch{Records: paced(0, "a", "b")}, Batch{Records: paced(1, "c", "d")},
			Batch{Records: dead}, Batch{Records: paced(3, "e")}, Batch{Records: paced(4, "end")})
	}
	w.cleaned(kept, 0, 6)
	// Tombstones go in a second pass: something must be there to clean for it.
	i := 5
	w.later(func() error {
		w.Produce(gone, 0, Batch{Records: paced(i, "again")})
		i++
		records, err := read(w.t.Context(), w.Client, gone)
		if err != nil {
			return err
		}
		for _, r := range records[0] {
			if r.Value == nil {
				return fmt.Errorf("%s still has %s", gone, r)
			}
		}
		return nil
	})
}

// compactedTransactions: markers and aborted records under the cleaner.
func compactedTransactions(w *Writer) {
	topic := w.Topic("", 1, rolling("delete.retention.ms", "1")...)
	a := w.session(topic + "-a")
	for i := range 6 {
		a.send(topic, 0, None, paced(i, "a", "b", fmt.Sprint("only-", i))...)
		a.end(i%3 != 2)
	}
	w.Produce(topic, 0, Batch{Records: paced(8, "end")}, Batch{Records: paced(9, "end too")})
	// the newest of a and b, only-0, -1, -3 and -4, and two ends
	w.cleaned(topic, 0, 8)
}

// emptied: a batch whose records are all gone stays, without records, as long
// as its producer is known: it holds the last sequence.
func emptied(w *Writer) {
	topic := w.Topic("", 1, rolling()...)
	first, last := w.session(""), w.session("")
	first.send(topic, 0, None, paced(0, "a", "b")...)
	last.send(topic, 0, None, paced(1, "a", "b")...)
	w.Produce(topic, 0, Batch{Records: paced(2, "end")}, Batch{Records: paced(3, "end too")})
	w.cleaned(topic, 0, 4)
}

// cleaned is met when no more than so many records are left.
func (w *Writer) cleaned(topic string, partition int32, most int) {
	w.later(func() error {
		records, err := read(w.t.Context(), w.Client, topic)
		if err != nil {
			return err
		}
		if n := len(records[partition]); n > most {
			return fmt.Errorf("%s has %d records, and the cleaner has not made %d of them yet", topic, n, most)
		}
		return nil
	})
}

// recreated: the name had another topic before.
func recreated(w *Writer) {
	topic := w.Topic("", 2)
	w.Produce(topic, 0, Batch{Records: Records(50, 1)})
	w.Recreate(topic, 1)
	w.Produce(topic, 0, Batch{Records: Records(20, 2)})
}

// Recreate deletes a topic and makes another of its name.
func (w *Writer) Recreate(topic string, partitions int) {
	w.t.Helper()
	_, err := w.Admin.DeleteTopic(w.t.Context(), topic)
	w.must(err)
	kafkatest.Eventually(w.t, func() error {
		_, err := w.Admin.CreateTopic(w.t.Context(), int32(partitions), 1, map[string]*string{"retention.ms": text("-1")}, topic)
		return err
	})
	w.led(topic, partitions)
}

// DeleteRecords moves the beginning of a log.
func (w *Writer) DeleteRecords(topic string, partition int32, before int64) {
	w.t.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topic, Partition: partition, At: before})
	got, err := w.Admin.DeleteRecords(w.t.Context(), offsets)
	w.must(err)
	w.must(got.Error())
}
