package repository

import (
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
	c.frame, c.next, c.batches, c.records = f, 0, 0, 0
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
	return nil
}

// one checks a batch and its records.
func (c *batchCheck) one(h batch.Header, whole []byte, each func(batch.Record)) error {
	switch {
	case h.Control():
		return fmt.Errorf("it is a transaction marker, not data")
	case h.BaseOffset < c.next:
		return fmt.Errorf("it begins before offset %d, where the batch before it ends", c.next)
	case h.Next() <= c.frame.First || h.Next() > c.frame.Next:
		return fmt.Errorf("it ends at %d, outside the frame's offsets", h.Next())
	}
	decoded, inside := int64(0), int64(0)
	err := c.dec.Records(whole, func(r batch.Record) error {
		decoded++
		if err := c.timed(r); err != nil {
			return err
		}
		if r.Offset >= c.frame.First && r.Offset < c.frame.Next { // a log may begin within a batch
			inside++
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
	c.next, c.batches, c.records = h.Next(), c.batches+1, c.records+inside
	return nil
}

// timed checks what time windows rely on to leave a frame out unread.
func (c *batchCheck) timed(r batch.Record) error {
	if r.Timestamp > c.frame.MaxTime {
		return fmt.Errorf("record %d has timestamp %d, the frame's highest is said to be %d", r.Offset, r.Timestamp, c.frame.MaxTime)
	}
	if c.frame.MinTime != nil && r.Timestamp < *c.frame.MinTime {
		return fmt.Errorf("record %d has timestamp %d, the frame's lowest is said to be %d", r.Offset, r.Timestamp, *c.frame.MinTime)
	}
	return nil
}
