package batch_test

import (
	"math"
	"slices"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

func TestACutKeepsOffsetsTimesAndProducer(t *testing.T) {
	for _, codec := range codecs() {
		whole, err := encoder(t, codec, 0).Encode(nil, odd())
		if err != nil {
			t.Fatal(err)
		}
		whole = with(whole, func(b []byte) {
			put64(0, 500)(b)
			put32(12, 9)(b)
			put64(43, 77)(b)
			put32(53, math.MaxInt32-1)(b)
		})
		records := decode(t, whole)
		for from := int64(498); from < 508; from++ {
			for to := max(from, 500) + 1; to <= 511; to++ {
				holdsCut(t, codec, whole, from, to, records)
			}
		}
	}
}

func holdsCut(t *testing.T, codec batch.Codec, whole []byte, from, to int64, records []batch.Record) {
	t.Helper()
	h, _, _, _ := batch.Parse(whole)
	kept := slices.DeleteFunc(slices.Clone(records), func(r batch.Record) bool { return r.Offset < from || r.Offset >= to })
	cut, err := encoder(t, codec, 0).Cut(nil, h, from, to, kept)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := spell(decode(t, cut)), spell(kept); got != want {
		t.Errorf("[%d, %d): got\n%.300s\nwant\n%.300s", from, to, got, want)
	}
	c, _, _, _ := batch.Parse(cut)
	from, to = max(from, 500), min(to, h.Next())
	if c.BaseOffset != from || c.Next() != to || c.ProducerID != 77 || c.LeaderEpoch != 9 {
		t.Errorf("[%d, %d): header %+v", from, to, c)
	}
	if want := int32((int64(math.MaxInt32) - 1 + from - 500) % (1 << 31)); c.BaseSequence != want {
		t.Errorf("[%d, %d): sequence %d, want %d", from, to, c.BaseSequence, want)
	}
}

func TestACutOfABatchWithTheBrokersTimeKeepsIt(t *testing.T) {
	whole := with(plain(t), func(b []byte) {
		b[22] |= 0x08
		put64(35, 4242)(b)
	})
	h, _, _, _ := batch.Parse(whole)
	cut, err := encoder(t, batch.None, 0).Cut(nil, h, 1, 3, decode(t, whole)[1:])
	if err != nil {
		t.Fatal(err)
	}
	if got := decode(t, cut); len(got) != 2 || got[0].Timestamp != 4242 || got[1].Offset != 2 {
		t.Errorf("%s", spell(got))
	}
}

func TestRecordsOutsideACutAreRefused(t *testing.T) {
	h, _, _, _ := batch.Parse(plain(t))
	e, records := encoder(t, batch.None, 0), decode(t, plain(t))
	for name, cut := range map[string]func() ([]byte, error){
		"before":  func() ([]byte, error) { return e.Cut(nil, h, 1, 3, records) },
		"behind":  func() ([]byte, error) { return e.Cut(nil, h, 0, 2, records) },
		"nothing": func() ([]byte, error) { return e.Cut(nil, h, 0, 3, nil) },
	} {
		if _, err := cut(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
