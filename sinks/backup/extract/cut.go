package extract

import (
	"bytes"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

// cutter re-encodes batches that reach over the end of what is wanted.
type cutter struct {
	source   *source
	encoders map[batch.Codec]*batch.Encoder
	out      []byte
}

// cut returns the part of a batch that belongs to the point, as a batch with
// the same offsets, and how many records it holds; nil if there is none.
func (c *cutter) cut(b stretch) (one []byte, records int64, err error) {
	var kept []batch.Record
	if err := c.source.records(b, func(r batch.Record) error {
		kept = append(kept, copied(r))
		return nil
	}); err != nil || len(kept) == 0 {
		return nil, 0, err
	}
	e, err := c.encoder(b.header.Codec())
	if err != nil {
		return nil, 0, err
	}
	c.out, err = e.Cut(c.out[:0], b.header, b.from, b.to, kept)
	return c.out, int64(len(kept)), err
}

func (c *cutter) encoder(codec batch.Codec) (*batch.Encoder, error) {
	if e, ok := c.encoders[codec]; ok {
		return e, nil
	}
	e, err := batch.NewEncoder(codec, 0)
	if err != nil {
		return nil, err
	}
	c.encoders[codec] = e
	return e, nil
}

// copied keeps a record beyond the call that it was handed to.
func copied(r batch.Record) batch.Record {
	r.Key, r.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	headers := make([]batch.RecordHeader, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = batch.RecordHeader{Key: bytes.Clone(h.Key), Value: bytes.Clone(h.Value)}
	}
	r.Headers = headers
	return r
}
