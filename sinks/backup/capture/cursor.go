package capture

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

const (
	// frameSize is where a frame of many batches is cut.
	frameSize = 4 << 20
	// repackSize is that where batches are decompressed on the way.
	repackSize = 1 << 20
	// maxGaps is how many holes the index of one frame holds.
	maxGaps = 4096
)

// stretch is a frame on its way: its batches stand one behind the other.
type stretch struct {
	format.Frame
	bytes []byte
	plain int64       // bytes in batches that no producer had compressed
	codec batch.Codec // of the batches
	topic *topic
	loan  *loan // what its bytes are counted on; nil without bytes
}

// cursor reads one partition from Base to End. It is with one goroutine at a time.
type cursor struct {
	*part
	at      int64 // the next offset
	open    stretch
	limit   int64 // bytes of a frame
	repack  bool
	decoder *batch.Decoder

	rank    int       // in the queue
	need    int32     // bytes of a batch that did not fit; 0: none
	damage  int       // times that a batch was damaged
	dry     int       // answers without a batch, where there was room for one
	idle    int       // turns in a row that brought nothing, where they should have
	failing time.Time // since when it has failed; zero: it does not
	why     error     // of the last failure
	behind  bool      // the log may begin behind us: look
}

func newCursor(p *part, o Options) *cursor {
	c := &cursor{part: p, at: p.Base, limit: frameSize, repack: o.Mode == Repack, decoder: batch.NewDecoder()}
	if c.repack {
		c.limit = repackSize
	}
	c.begin()
	if p.lost > 0 {
		c.skip(p.Base+p.lost, format.Lost)
	}
	return c
}

func (c *cursor) done() bool { return c.at >= c.End }

// begin opens the next frame where the last one ended.
func (c *cursor) begin() {
	c.open = stretch{topic: c.topic, Frame: format.Frame{
		Topic: c.Name, TopicID: c.ID, Partition: c.Partition.Partition, First: c.at, Next: c.at,
	}}
}

// take goes through the batches of an answer, in order, up to End. The frames
// that it returns are cut out of the answer's own bytes, which it moves together
// where batches are left out. Beside an error it returns what came before the
// damage; the cursor stands there.
func (c *cursor) take(answer *kmsg.FetchResponseTopicPartition) ([]stretch, error) {
	var frames []stretch
	aborted := newTransactions(answer.AbortedTransactions, c.decoder)
	rest, buf := answer.RecordBatches, answer.RecordBatches
	kept := 0 // bytes at the beginning of buf that are kept
	var damage error
	for len(rest) > 0 && !c.done() {
		h, one, behind, err := batch.Next(rest)
		if errors.Is(err, batch.ErrShort) {
			break // it comes again, whole
		}
		if err != nil {
			damage = &damagedError{place: c.place(), leader: c.leader, err: err}
			break
		}
		if h.BaseOffset >= c.End {
			c.skip(c.End, format.Compacted)
			break
		}
		rest = behind
		if h.Next() <= c.at {
			continue
		}
		c.skip(h.BaseOffset, format.Compacted)
		reason, err := aborted.reason(h, one)
		if err != nil {
			damage = &damagedError{place: c.place(), leader: c.leader, err: err}
			break
		}
		c.Epoch = h.LeaderEpoch
		if reason != "" {
			c.skip(min(h.Next(), c.End), reason)
		} else {
			if c.full(h) || h.BaseOffset < c.at {
				frames = c.cut(frames) // so that a frame's First hides what a batch has before it
			}
			kept = c.keep(h, one, buf, kept)
		}
		if len(c.open.Gaps) >= maxGaps {
			frames = c.cut(frames)
		}
	}
	if len(c.open.bytes) > 0 || c.done() {
		frames = c.cut(frames) // no frame has bytes of two answers
	}
	return frames, damage
}

// full tells whether a batch belongs into another frame.
func (c *cursor) full(h batch.Header) bool {
	size := int64(len(c.open.bytes))
	return size > 0 && (size+int64(h.Size()) > c.limit || c.repack && h.Codec() != c.open.codec)
}

// keep takes a batch into the frame, behind the bytes that are kept already.
func (c *cursor) keep(h batch.Header, one, buf []byte, kept int) int {
	f := &c.open
	if len(f.bytes) == 0 {
		f.bytes, f.codec, f.FirstTime, f.MaxTime = buf[kept:kept], h.Codec(), h.FirstTimestamp, h.MaxTimestamp
	}
	if &buf[kept] != &one[0] {
		copy(buf[kept:], one)
	}
	f.bytes = f.bytes[:len(f.bytes)+len(one)]
	next := min(h.Next(), c.End)
	offsets := next - c.at
	records := min(int64(h.Records), offsets)
	f.Batches, f.Records, f.Gone.Compacted = f.Batches+1, f.Records+records, f.Gone.Compacted+offsets-records
	f.MaxTime = max(f.MaxTime, h.MaxTimestamp)
	if h.Codec() == batch.None {
		f.plain += int64(len(one))
	}
	c.at, f.Next = next, next
	return kept + len(one)
}

// skip accounts for offsets up to next that hold no record.
func (c *cursor) skip(next int64, reason format.Reason) {
	if next <= c.at {
		return
	}
	f := &c.open
	count(&f.Gone, reason, next-c.at)
	if n := len(f.Gaps); n > 0 && f.Gaps[n-1].Next == c.at && f.Gaps[n-1].Reason == reason {
		f.Gaps[n-1].Next = next
	} else {
		f.Gaps = append(f.Gaps, format.Gap{First: c.at, Next: next, Reason: reason})
	}
	c.at, f.Next = next, next
}

// count adds offsets without a record.
func count(g *format.Gone, reason format.Reason, n int64) {
	switch reason {
	case format.Control:
		g.Control += n
	case format.Aborted:
		g.Aborted += n
	case format.Compacted:
		g.Compacted += n
	case format.Lost:
		g.Lost += n
	}
}

// cut closes the frame that is open, if it holds anything.
func (c *cursor) cut(frames []stretch) []stretch {
	if c.open.Next > c.open.First {
		frames = append(frames, c.open)
	}
	c.begin()
	return frames
}

// stop ends the partition where it is: the point has no more of it.
func (c *cursor) stop(why string) []stretch {
	c.End, c.Why = c.at, fmt.Sprintf("%s at %d: %s", whyStopped, c.at, why)
	return c.cut(nil)
}

// damagedError is a batch that is not what a broker should have sent.
type damagedError struct {
	place
	leader int32
	err    error
}

// Error says which, and what can be done.
func (e *damagedError) Error() string {
	return fmt.Sprintf("%s, as broker %d has it: %v; look for it with kafka-dump-log.sh, let another replica lead, or exclude the topic", e.place, e.leader, e.err)
}

// Unwrap is what is wrong with it.
func (e *damagedError) Unwrap() error { return e.err }
