package restore

import (
	"fmt"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// cut is one batch for a target partition, dense, base offset 0.
type cut struct {
	lane    int   // index in the stream's lanes
	at      int64 // records of the lane before it
	records int64
	bytes   []byte
	raw     bool   // as the source broker wrote it
	frame   *frame // whose memory the bytes are in; nil where they are the cut's own
	runs    []run
	free    func() // gives its memory back; nil before it is charged for
}

// next is the number of records of the lane up to and with the cut.
func (c *cut) next() int64 { return c.at + c.records }

// run is a stretch of source offsets without a hole.
type run struct {
	partition   int32
	from, count int64
}

// cutter turns the frames of a stream into batches for its lanes. Where it cuts
// is a pure function of the frames and the layout, so that a restore that was
// killed finds the same batches again: it knows nothing of time, of the target,
// or of how well records compress. It is for one goroutine.
type cutter struct {
	stream  *stream
	window  window
	headers bool
	place   func(partition int32, key []byte) int // lane of a record
	lanes   []*packer
	decoder *batch.Decoder
	squeeze *encoders
	emit    func(*cut) error
}

func newCutter(s *stream, l *layout, emit func(*cut) error) *cutter {
	c := &cutter{
		stream: s, window: l.window, headers: l.headers, place: s.placer(), emit: emit,
		decoder: batch.NewDecoder(), squeeze: &encoders{},
	}
	for i := range s.lanes {
		c.lanes = append(c.lanes, &packer{lane: i, limit: limitOf(len(s.lanes))})
	}
	return c
}

// single tells a stream that fills its lane frame by frame: a cut never reaches
// over the end of a frame, so that whole frames can be skipped.
func (c *cutter) single() bool { return len(c.lanes) == 1 }

// frame cuts one frame of a source partition.
func (c *cutter) frame(f *frame) error {
	if c.window.misses(f.ref) {
		return nil
	}
	whole := c.window.inside(f.ref)
	for b := f.bytes; len(b) > 0; {
		h, one, rest, err := batch.Parse(b)
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		b = rest
		if h.Next() <= f.ref.From || h.BaseOffset >= f.ref.To || h.Records == 0 || c.window.missesBatch(h) {
			continue
		}
		if err := c.batch(f, h, one, whole); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
	}
	if c.single() {
		return c.flush()
	}
	return nil
}

func (c *cutter) batch(f *frame, h batch.Header, one []byte, whole bool) error {
	inside := h.BaseOffset >= f.ref.From && h.Next() <= f.ref.To
	if inside && c.single() && !c.headers && h.Raw() == "" && (whole || c.window.insideBatch(h)) {
		return c.whole(f, h, one)
	}
	codec := h.Codec()
	if codec == batch.None {
		codec = f.was
	}
	return c.decoder.Records(one, func(r batch.Record) error {
		if r.Offset < f.ref.From || r.Offset >= f.ref.To || !c.window.holds(r.Timestamp) {
			return nil
		}
		return c.record(f.ref.Partition, codec, r)
	})
}

// whole hands a batch on as it is.
func (c *cutter) whole(f *frame, h batch.Header, one []byte) error {
	if err := c.flush(); err != nil {
		return err
	}
	out := &cut{
		at: c.lanes[0].done, records: int64(h.Records), bytes: one, raw: true, frame: f,
		runs: []run{{partition: f.ref.Partition, from: h.BaseOffset, count: int64(h.Records)}},
	}
	if h.Codec() == batch.None && f.was != batch.None {
		packed, err := c.squeeze.recompressed(f.was, one)
		if err != nil {
			return err
		}
		out.bytes, out.frame = packed, nil
	}
	c.lanes[0].done += out.records
	return c.emit(out)
}

// record puts one record behind the others of its lane.
func (c *cutter) record(partition int32, codec batch.Codec, r batch.Record) error {
	lane := c.lanes[c.place(partition, r.Key)]
	if c.headers {
		r.Headers = withOrigin(r.Headers, partition, r.Offset)
	}
	if lane.full(codec, r) {
		if err := c.flushLane(lane); err != nil {
			return err
		}
	}
	lane.add(partition, codec, r)
	return nil
}

// flush hands on what the lanes hold.
func (c *cutter) flush() error {
	for _, lane := range c.lanes {
		if err := c.flushLane(lane); err != nil {
			return err
		}
	}
	return nil
}

func (c *cutter) flushLane(lane *packer) error {
	if len(lane.records) == 0 {
		return nil
	}
	bytes, err := c.squeeze.encode(lane.codec, lane.records)
	if err != nil {
		return fmt.Errorf("encode %d records of %s: %w", len(lane.records), c.stream.topic.source.Name, err)
	}
	out := &cut{lane: lane.lane, at: lane.done, records: int64(len(lane.records)), bytes: bytes, runs: lane.runs}
	lane.reset()
	return c.emit(out)
}

// skip accounts for a frame that is known to be in its lane already and of
// which every offset is a record.
func (c *cutter) skip(ref repository.Ref) run {
	n := ref.To - ref.From
	c.lanes[0].done += n
	return run{partition: ref.Partition, from: ref.From, count: n}
}

// skippable tells a frame whose records can be counted without reading it.
func (c *cutter) skippable(ref repository.Ref) bool {
	return c.single() && c.window.inside(ref) && ref.From == ref.First && ref.To == ref.Next && ref.Records == ref.To-ref.From
}
