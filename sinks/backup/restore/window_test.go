package restore

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// chaos is a random log: out of order, with holes, codecs mixed, batches of
// one and of many, times that span months within a batch.
func chaos(r *rand.Rand) log {
	var l log
	offset := r.Int64N(50)
	for range 1 + r.IntN(4) {
		var pieces []piece
		for range 1 + r.IntN(5) {
			p := piece{codec: batch.Codec(r.IntN(5)), append: r.IntN(6) == 0}
			for range 1 + r.IntN(12) {
				p.records = append(p.records, rec(offset, times(r), fmt.Sprintf("k%d", r.IntN(9)), fmt.Sprintf("v%d", offset)))
				if offset++; r.IntN(8) == 0 {
					offset += r.Int64N(5)
				}
			}
			pieces = append(pieces, p)
		}
		l = append(l, pieces)
	}
	return l
}

func times(r *rand.Rand) int64 {
	base := int64(1_700_000_000_000)
	if r.IntN(10) == 0 {
		return base - r.Int64N(int64(60*24*time.Hour/time.Millisecond))
	}
	return base + r.Int64N(100)
}

// knownTimes gives some frames the lowest time that a decoding run would know.
func knownTimes(r *rand.Rand, logs []log) func(*format.Manifest) {
	return func(m *format.Manifest) {
		for _, part := range m.Parts {
			for _, pack := range part.Packs {
				for i := range pack.Frames {
					if f := &pack.Frames[i]; r.IntN(2) == 0 {
						f.MinTime = lowest(logs[f.Partition], f.First, f.Next)
					}
				}
			}
		}
	}
}

func lowest(l log, first, next int64) *int64 {
	var found *int64
	for _, pieces := range l {
		for _, p := range pieces {
			resolved := want(log{{p}})
			for i, rec := range p.records {
				if at := resolved[i].time; rec.Offset >= first && rec.Offset < next && (found == nil || at < *found) {
					found = &at
				}
			}
		}
	}
	return found
}

// TestATimeWindowHoldsWhatAnOracleSays compares windows over random data with
// the plainest filter there is.
func TestATimeWindowHoldsWhatAnOracleSays(t *testing.T) {
	w := newWorld(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for round := range 25 {
		name := fmt.Sprintf("w%d", round)
		src := topic{Topic: format.Topic{Name: name}, logs: []log{chaos(r), chaos(r)}}
		w.point(knownTimes(r, src.logs), src)
		o := w.options(name)
		o.Prove = true
		from, to := times(r), times(r)
		if from > to {
			from, to = to, from
		}
		if r.IntN(4) > 0 {
			o.From = time.UnixMilli(from)
		}
		if r.IntN(4) > 0 {
			o.To = time.UnixMilli(to)
		}
		w.run(o)
		for p, l := range src.logs {
			w.same(name, int32(p), slices.DeleteFunc(want(l), func(x plain) bool {
				return !o.From.IsZero() && x.time < from || !o.To.IsZero() && x.time > to
			}))
		}
	}
}

// TestTheMapOfOffsetsHoldsWhatAnOracleSays looks up every offset, and what is
// before, between and behind them.
func TestTheMapOfOffsetsHoldsWhatAnOracleSays(t *testing.T) {
	w := newWorld(t)
	r := rand.New(rand.NewPCG(7, 7))
	for round := range 12 {
		name := fmt.Sprintf("m%d", round)
		src := topic{Topic: format.Topic{Name: name}, logs: []log{chaos(r)}}
		w.point(nil, src)
		before := make([]string, r.IntN(5))
		must(t, w.createTopic(name))
		w.write(name, 0, before...)
		o := w.options(name)
		o.Existing = "append"
		w.run(o)
		maps := w.maps(name)
		if len(maps) != 1 {
			t.Fatalf("%d maps", len(maps))
		}
		next := int64(len(before)) // of the target, for the record at or behind
		var offsets []int64
		for _, pieces := range src.logs[0] {
			for _, p := range pieces {
				for _, x := range p.records {
					offsets = append(offsets, x.Offset)
				}
			}
		}
		for at := int64(0); at < offsets[len(offsets)-1]+3; at++ {
			i, _ := slices.BinarySearch(offsets, at)
			got, ok := maps[0].Of(at)
			if got != next+int64(i) || ok != (i < len(offsets)) {
				t.Fatalf("offset %d is mapped to %d (%v), want %d", at, got, ok, next+int64(i))
			}
		}
	}
}

func TestAWindowThatBeginsBeforeWhatTheTopicHadLeftIsNoted(t *testing.T) {
	w := newWorld(t)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w.point(nil, topic{Topic: format.Topic{Name: "orders"}, logs: []log{{{{records: []batch.Record{rec(7, noon.UnixMilli(), "k", "v")}}}}}})
	for name, c := range map[string]struct {
		from time.Time
		said bool
	}{"before": {noon.Add(-time.Hour), true}, "behind": {noon.Add(time.Hour), false}, "open": {time.Time{}, false}} {
		t.Run(name, func(t *testing.T) {
			o := w.options(name)
			o.Rename, o.From, o.To = map[string]string{"*": name + "-*"}, c.from, noon.Add(2*time.Hour)
			plan, err := Check(t.Context(), o)
			must(t, err)
			said := slices.ContainsFunc(plan.Topics[0].Notes, func(n string) bool { return strings.Contains(n, "the oldest that was left of it") })
			if said != c.said {
				t.Errorf("the notes are %q", plan.Topics[0].Notes)
			}
		})
	}
}
