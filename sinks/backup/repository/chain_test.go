package repository

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// model says which frame holds each offset of a partition in the newest point.
type model struct {
	start, end int64
	holds      map[int64]string // offset to pack and place
	id         string           // of the topic
}

// TestAChainOfRandomRunsContainsWhatTheNewestWroteOfEachOffset: runs that go on,
// copy anew, are truncated, lose their beginning or meet a new topic.
func TestAChainOfRandomRunsContainsWhatTheNewestWroteOfEachOffset(t *testing.T) {
	f := newFixture(t, Options{})
	random := rand.New(rand.NewPCG(4, 2)) //nolint:gosec // a test
	m := &model{holds: map[int64]string{}, id: topicID}
	parent, complete := int64(0), 0
	for step := range 400 {
		base, first := m.run(random, step)
		written := manifest(parent, nil, span(0, m.start, base, m.end))
		if parent == 0 {
			base = m.start
			written.Topics[0].Partitions[0].Base = base
		}
		written.Topics[0].ID = m.id
		if first < m.end {
			written.Parts = []format.Part{m.write(f, random, first, base)}
		}
		p := f.commit(written)
		if parent = p.Number; p.Parent == 0 {
			complete++
		}
		fresh := opened(t, f.o.Bucket, "reader")
		fresh.o.Identity, fresh.root = f.o.Identity, f.root
		read, err := fresh.Newest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []*Point{p, read} {
			if problem := m.compare(p); problem != "" {
				t.Fatalf("step %d: %s", step, problem)
			}
		}
	}
	if complete < 10 || complete > 200 {
		t.Errorf("%d of 400 manifests are complete", complete)
	}
}

// run moves the model on and says from where its frames count, and where the
// first of them begins: batches are whole.
func (m *model) run(random *rand.Rand, step int) (base, first int64) {
	base = m.end
	switch what := random.IntN(20); {
	case what == 0: // a new topic of the same name
		*m = model{holds: map[int64]string{}, id: fmt.Sprintf("%021dA", step)}
		base = 0
	case what == 1: // copied in full
		base = m.start
	case what < 4: // truncated, and written anew
		base = m.start + random.Int64N(m.end-m.start+1)
	case what < 7: // retention
		m.start += random.Int64N(m.end - m.start + 1)
	}
	m.end = base
	if random.IntN(4) > 0 {
		m.end += random.Int64N(30)
	}
	first = max(0, base-random.Int64N(5))
	return base, first
}

// write writes frames of [first, end), one or two packs and some gaps.
func (m *model) write(f *fixture, random *rand.Rand, first, base int64) format.Part {
	var part format.Part
	var all []stretch
	for at := first; at < m.end; {
		to := min(m.end, at+1+random.Int64N(12))
		if random.IntN(5) == 0 {
			gap := stretch{0, at, to}.frame()
			gap.Records, gap.Batches, gap.TopicID = 0, 0, m.id
			gap.Gaps = []format.Gap{{First: at, Next: to, Reason: format.Compacted}}
			part.Empty = append(part.Empty, gap)
			m.hold(at, to, base, "gap")
		} else {
			all = append(all, stretch{0, at, to})
		}
		at = to
	}
	for half := (len(all) + 1) / 2; len(all) > 0; all = all[min(half, len(all)):] {
		p := f.packOf(m.id, all[:min(half, len(all))]...)
		for _, frame := range p.Frames {
			m.hold(frame.First, frame.Next, base, fmt.Sprint(p.ID, "+", frame.Offset))
		}
		part.Packs = append(part.Packs, p)
	}
	return part
}

func (m *model) hold(from, to, base int64, what string) {
	for o := max(from, base); o < to; o++ {
		m.holds[o] = what
	}
}

func (m *model) compare(p *Point) string {
	next := m.start
	for _, ref := range p.Refs("orders", 0) {
		what := fmt.Sprint(ref.Pack.ID, "+", ref.Offset)
		if ref.Length == 0 {
			what = "gap"
		}
		if ref.From != next {
			return fmt.Sprintf("a frame begins at %d, not %d", ref.From, next)
		}
		for next < ref.To {
			if m.holds[next] != what {
				return fmt.Sprintf("offset %d is in %s, not in %s", next, what, m.holds[next])
			}
			next++
		}
	}
	if next != m.end {
		return fmt.Sprintf("it ends at %d, not %d", next, m.end)
	}
	return ""
}
