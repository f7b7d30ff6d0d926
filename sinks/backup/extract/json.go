package extract

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

// line is one record. What is not UTF-8 stands in base64 under its other name;
// null is null under the first.
type line struct {
	Topic       string   `json:"topic"`
	Partition   int32    `json:"partition"`
	Offset      int64    `json:"offset"`
	Timestamp   int64    `json:"timestamp"` // milliseconds
	Key         text     `json:"key,omitempty"`
	KeyBase64   []byte   `json:"keyBase64,omitempty"`
	Value       text     `json:"value,omitempty"`
	ValueBase64 []byte   `json:"valueBase64,omitempty"`
	Headers     []header `json:"headers,omitempty"`
}

type header struct {
	Key         text   `json:"key,omitempty"`
	KeyBase64   []byte `json:"keyBase64,omitempty"`
	Value       text   `json:"value,omitempty"`
	ValueBase64 []byte `json:"valueBase64,omitempty"`
}

// text is a string or null; without either it is left out.
type text **string

// JSON writes a line a record, partition after partition: {"topic":…,
// "partition":…,"offset":…,"timestamp":…,"key":…,"value":…,"headers":[…]}. Bytes
// that are not UTF-8 are in base64, under keyBase64 and valueBase64 instead.
func JSON(ctx context.Context, o Options, w io.Writer) (Report, error) {
	src, topics, err := newSource(o)
	if err != nil {
		return Report{}, err
	}
	out := &lines{w: bufio.NewWriterSize(w, 1<<20)}
	out.encoder = json.NewEncoder(out)
	out.encoder.SetEscapeHTML(false)
	for _, t := range topics {
		for _, p := range t.Partitions {
			err := src.partition(ctx, t.Name, p.Partition, func(b stretch) error {
				return src.records(b, func(r batch.Record) error { return out.record(t.Name, p.Partition, r) })
			})
			if err != nil {
				return out.report, fmt.Errorf("extract point %d: %w", o.Point.Number, err)
			}
		}
	}
	if err := out.w.Flush(); err != nil {
		return out.report, fmt.Errorf("extract: write: %w", err)
	}
	return out.report, nil
}

// lines counts what it writes.
type lines struct {
	w       *bufio.Writer
	encoder *json.Encoder
	report  Report
}

// Write counts and hands on.
func (l *lines) Write(b []byte) (int, error) {
	n, err := l.w.Write(b)
	l.report.Bytes += int64(n)
	return n, err
}

func (l *lines) record(topic string, partition int32, r batch.Record) error {
	out := line{Topic: topic, Partition: partition, Offset: r.Offset, Timestamp: r.Timestamp}
	out.Key, out.KeyBase64 = spelt(r.Key)
	out.Value, out.ValueBase64 = spelt(r.Value)
	for _, h := range r.Headers {
		var one header
		one.Key, one.KeyBase64 = spelt(h.Key)
		one.Value, one.ValueBase64 = spelt(h.Value)
		out.Headers = append(out.Headers, one)
	}
	l.report.Records++
	return l.encoder.Encode(out)
}

// spelt returns bytes as text, or as they are where they are none.
func spelt(b []byte) (text, []byte) {
	if b != nil && !utf8.Valid(b) {
		return nil, b
	}
	var s *string
	if b != nil {
		valid := string(b)
		s = &valid
	}
	return &s, nil
}
