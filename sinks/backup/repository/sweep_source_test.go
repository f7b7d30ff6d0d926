package repository_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// source is a model of a Kafka cluster, as far as a backup can see it.
type source struct {
	rng    *rand.Rand
	topics map[string]*modelTopic
	clock  int64 // counts changes: tells what happened since a point
}

type modelTopic struct {
	id         string
	partitions []*modelLog
}

// modelLog is a partition: records by offset, with holes.
type modelLog struct {
	start, end int64
	offsets    []int64
	text       map[int64]string
	cuts       []cut // truncations
	compacted  int64 // when it was compacted last
}

// cut is a truncation at an offset.
type cut struct{ at, offset int64 }

func newSource(rng *rand.Rand) *source {
	s := &source{rng: rng, topics: map[string]*modelTopic{}}
	for _, name := range []string{"audit", "orders", "pay"} {
		s.recreate(name)
	}
	return s
}

func (s *source) recreate(name string) {
	s.clock++
	t := &modelTopic{id: fmt.Sprintf("id-%s-%d", name, s.clock)}
	for range 1 + s.rng.IntN(2) {
		t.partitions = append(t.partitions, &modelLog{text: map[int64]string{}})
	}
	s.topics[name] = t
}

// change does something to the source.
func (s *source) change() {
	s.clock++
	names := sortedNames(s.topics)
	name := names[s.rng.IntN(len(names))]
	t := s.topics[name]
	l := t.partitions[s.rng.IntN(len(t.partitions))]
	switch n := s.rng.IntN(100); {
	case n < 70:
		l.append(s)
	case n < 82:
		l.retain(l.start + s.rng.Int64N(l.end-l.start+1))
	case n < 90:
		l.compact(s)
	case n < 94:
		l.truncate(s)
	case n < 96 && len(t.partitions) < 4:
		t.partitions = append(t.partitions, &modelLog{text: map[int64]string{}})
	case n < 98:
		s.recreate(name)
	}
}

// append adds records, and now and then offsets without one: markers, aborted ones.
func (l *modelLog) append(s *source) {
	for range 1 + s.rng.IntN(30) {
		if s.rng.IntN(8) > 0 {
			l.offsets = append(l.offsets, l.end)
			l.text[l.end] = fmt.Sprintf("v%d", s.clock)
		}
		l.end++
	}
	if l.end-l.start > 150 {
		l.retain(l.end - 100)
	}
}

func (l *modelLog) retain(start int64) {
	l.start = start
	l.drop(func(o int64) bool { return o < start })
}

func (l *modelLog) compact(s *source) {
	l.compacted = s.clock
	l.drop(func(int64) bool { return s.rng.IntN(3) == 0 })
}

func (l *modelLog) truncate(s *source) {
	l.end -= s.rng.Int64N(min(20, l.end-l.start) + 1)
	l.cuts = append(l.cuts, cut{s.clock, l.end})
	l.drop(func(o int64) bool { return o >= l.end })
}

func (l *modelLog) drop(gone func(int64) bool) {
	l.offsets = slices.DeleteFunc(l.offsets, func(o int64) bool {
		if gone(o) {
			delete(l.text, o)
			return true
		}
		return false
	})
}

// base is where a run begins that stands on a point which ended at end when the
// source's clock was at.
func (l *modelLog) base(end, at int64) int64 {
	if l.compacted > at {
		return l.start // copied in full again
	}
	for _, c := range l.cuts {
		if c.at > at {
			end = min(end, c.offset)
		}
	}
	return min(max(end, l.start), l.end)
}

func (l *modelLog) record(o int64) batch.Record {
	return batch.Record{Offset: o, Timestamp: o, Key: []byte("k"), Value: []byte(l.text[o])}
}

// lines are the records in [from, to), as read gives them back.
func (l *modelLog) lines(from, to int64) (lines []string) {
	for _, o := range l.offsets {
		if o >= from && o < to {
			lines = append(lines, line(l.record(o)))
		}
	}
	return lines
}

// frames are the frames of [from, to) with their bytes; a frame without records
// has none.
func (l *modelLog) frames(t testing.TB, s *source, enc *batch.Encoder, f format.Frame, from, to int64) (frames []format.Frame, bodies [][]byte) {
	for from < to {
		f.First, f.Next = from, min(to, from+1+s.rng.Int64N(40))
		f.Batches, f.Records, f.MaxTime = 0, 0, 0
		var body []byte
		var run []batch.Record
		flush := func() {
			if len(run) == 0 {
				return
			}
			at := len(body)
			var err error
			if body, err = enc.Encode(body, run); err != nil {
				t.Fatal(err)
			}
			binary.BigEndian.PutUint64(body[at:], uint64(run[0].Offset))
			f.Batches, f.Records, run = f.Batches+1, f.Records+int64(len(run)), run[:0]
		}
		for o := f.First; o < f.Next; o++ {
			if _, ok := l.text[o]; !ok {
				flush()
				continue
			}
			run = append(run, l.record(o))
			f.MaxTime = o
		}
		flush()
		f.Raw = int64(len(body))
		f.Gone.Compacted = f.Next - f.First - f.Records
		frames, bodies = append(frames, f), append(bodies, body)
		from = f.Next
	}
	return frames, bodies
}
