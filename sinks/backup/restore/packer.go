package restore

import (
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

const (
	// cutSize is how many bytes of records a batch of ours holds at most before it
	// is compressed; a larger record has one of its own. Lanes of one stream share
	// streamSize, so that a topic placed anew into many partitions takes no more
	// memory than another.
	cutSize    = 1 << 20
	streamSize = 8 << 20
	leastSize  = 16 << 10
	// recordOverhead is more than a record takes besides keys and values.
	recordOverhead = 24
)

// packer gathers decoded records of one lane. A batch has the codec that its
// records had.
type packer struct {
	lane    int
	limit   int   // bytes of records
	done    int64 // records handed on
	codec   batch.Codec
	records []batch.Record
	size    int
	runs    []run
	arena   []byte
}

func sizeOf(r batch.Record) int {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += 10 + len(h.Key) + len(h.Value)
	}
	return n
}

// limitOf is the limit of each of so many lanes. It knows only their number: cuts
// must be the same after a kill.
func limitOf(lanes int) int { return min(cutSize, max(leastSize, streamSize/lanes)) }

// full tells that a record does not go into the same batch.
func (p *packer) full(codec batch.Codec, r batch.Record) bool {
	return len(p.records) > 0 && (codec != p.codec || p.size+sizeOf(r) > p.limit)
}

// add copies a record: its bytes are the decoder's.
func (p *packer) add(partition int32, codec batch.Codec, r batch.Record) {
	p.codec, p.size = codec, p.size+sizeOf(r)
	if n := len(p.runs); n > 0 && p.runs[n-1].partition == partition && p.runs[n-1].from+p.runs[n-1].count == r.Offset {
		p.runs[n-1].count++
	} else {
		p.runs = append(p.runs, run{partition: partition, from: r.Offset, count: 1})
	}
	r.Key, r.Value = p.keep(r.Key), p.keep(r.Value)
	headers := make([]batch.RecordHeader, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = batch.RecordHeader{Key: p.keep(h.Key), Value: p.keep(h.Value)}
	}
	r.Headers = headers
	p.records = append(p.records, r)
}

// keep copies b; null stays null.
func (p *packer) keep(b []byte) []byte {
	if b == nil {
		return nil
	}
	if cap(p.arena)-len(p.arena) < len(b) {
		p.arena = make([]byte, 0, max(64<<10, len(b)))
	}
	from := len(p.arena)
	p.arena = append(p.arena, b...)
	return p.arena[from:len(p.arena):len(p.arena)]
}

// reset forgets the records, which were handed on.
func (p *packer) reset() {
	p.done += int64(len(p.records))
	clear(p.records)
	p.records, p.runs, p.size, p.arena = p.records[:0], nil, 0, p.arena[:0]
}

// withOrigin adds where a record stood.
func withOrigin(headers []batch.RecordHeader, partition int32, offset int64) []batch.RecordHeader {
	out := make([]batch.RecordHeader, 0, len(headers)+2)
	return append(append(out, headers...),
		batch.RecordHeader{Key: []byte("ottla-original-partition"), Value: strconv.AppendInt(nil, int64(partition), 10)},
		batch.RecordHeader{Key: []byte("ottla-original-offset"), Value: strconv.AppendInt(nil, offset, 10)})
}

// placer returns the function that finds a record's lane.
func (s *stream) placer() func(partition int32, key []byte) int {
	if s.topic.place != nil {
		return func(int32, []byte) int { return 0 }
	}
	n := s.topic.partitions
	// Kafka's murmur2 over keys, as the Java client's default.
	keyed := kgo.StickyKeyPartitioner(nil).ForTopic(s.topic.source.Name)
	return func(partition int32, key []byte) int {
		if key == nil {
			return int(partition) % n
		}
		return keyed.Partition(&kgo.Record{Key: key}, n)
	}
}

// encoders are those of one goroutine, one a codec.
type encoders struct {
	by [batch.Zstd + 1]*batch.Encoder
}

func (e *encoders) of(codec batch.Codec) (*batch.Encoder, error) {
	if e.by[codec] == nil {
		enc, err := batch.NewEncoder(codec, 0)
		if err != nil {
			return nil, err
		}
		e.by[codec] = enc
	}
	return e.by[codec], nil
}

func (e *encoders) encode(codec batch.Codec, records []batch.Record) ([]byte, error) {
	enc, err := e.of(codec)
	if err != nil {
		return nil, err
	}
	return enc.Encode(nil, records)
}

func (e *encoders) recompressed(codec batch.Codec, one []byte) ([]byte, error) {
	enc, err := e.of(codec)
	if err != nil {
		return nil, err
	}
	return enc.Recompressed(nil, one)
}

// codecOf finds a codec by its name in a frame.
func codecOf(name string) (batch.Codec, error) {
	for c := batch.None; c <= batch.Zstd; c++ {
		if name == c.String() || name == "" {
			return c, nil
		}
	}
	return batch.None, fmt.Errorf("unknown codec %q", name)
}
