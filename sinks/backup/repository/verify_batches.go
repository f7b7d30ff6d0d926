package repository

import (
	"errors"
	"fmt"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// batchCheck reads the batches of frames as a restore does, and compares them
// with what their frames promise. It is for one goroutine.
type batchCheck struct {
	dec     *batch.Decoder
	frame   format.Frame
	next    int64 // offset that the next batch begins at or behind
	batches int64
	records int64
}

// read calls each with every record of a frame, in order. Its error says what
// the frame's batches are not.
func (c *batchCheck) read(f format.Frame, b []byte, each func(batch.Record)) error {
	c.frame, c.next, c.batches, c.records = f, f.First, 0, 0
	if f.Raw != 0 && int64(len(b)) != f.Raw {
		return fmt.Errorf("its batches are %d bytes, %d were written", len(b), f.Raw)
	}
	for len(b) > 0 {
		h, one, rest, err := batch.Next(b)
		if err != nil {
			return err
		}
		if err := c.one(h, one, each); err != nil {
			return fmt.Errorf("batch at offset %d: %w", h.BaseOffset, err)
		}
		b = rest
	}
	if c.batches != f.Batches || c.records != f.Records {
		return fmt.Errorf("it holds %d records in %d batches, %d in %d were written", c.records, c.batches, f.Records, f.Batches)
	}
	gone := f.Gone.Control + f.Gone.Aborted + f.Gone.Compacted + f.Gone.Lost
	if f.Records+gone != f.Next-f.First {
		return fmt.Errorf("it accounts for %d records and %d offsets without one, but has %d offsets", f.Records, gone, f.Next-f.First)
	}
	return nil
}

// one checks a batch and its records.
func (c *batchCheck) one(h batch.Header, whole []byte, each func(batch.Record)) error {
	switch {
	case h.Control():
		return errors.New("it is a transaction marker, not data")
	case h.BaseOffset < c.next && c.batches > 0:
		return fmt.Errorf("it begins before offset %d, where the batch before it ends", c.next)
	case h.Next() <= c.next || h.BaseOffset >= c.frame.Next:
		return fmt.Errorf("it is [%d, %d), outside the frame", h.BaseOffset, h.Next())
	case h.MaxTimestamp > c.frame.MaxTime:
		return fmt.Errorf("its highest timestamp is %d, the frame's is said to be %d", h.MaxTimestamp, c.frame.MaxTime)
	}
	decoded := int64(0)
	err := c.dec.Records(whole, func(r batch.Record) error {
		decoded++
		if low := c.frame.MinTime; low != nil && r.Timestamp < *low {
			return fmt.Errorf("record %d has timestamp %d, the frame's lowest is said to be %d", r.Offset, r.Timestamp, *low)
		}
		each(r)
		return nil
	})
	if err != nil {
		return err
	}
	if decoded != int64(h.Records) {
		return fmt.Errorf("it holds %d records, its header says %d", decoded, h.Records)
	}
	// The first and the last batch may reach over the frame's ends.
	inside := min(h.Next(), c.frame.Next) - max(h.BaseOffset, c.next)
	c.next, c.batches, c.records = h.Next(), c.batches+1, c.records+min(decoded, inside)
	return nil
}
