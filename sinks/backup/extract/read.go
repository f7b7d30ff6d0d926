package extract

import (
	"context"
	"fmt"
	"regexp"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/glob"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// source reads what was chosen of a point, partition by partition.
type source struct {
	Options
	done, total int64
	frame       []byte
	decoder     *batch.Decoder
}

// stretch is what of a batch belongs to the point: as a rule all of it, since
// points end between batches.
type stretch struct {
	header   batch.Header
	one      []byte // valid until the next
	from, to int64
}

// whole tells that nothing has to be cut off.
func (s stretch) whole() bool { return s.from <= s.header.BaseOffset && s.header.Next() <= s.to }

// chosen returns the topics that the options name. A glob that names none is an
// error: people who mistype a name must not take an empty folder for an empty
// topic.
func (o Options) chosen() ([]format.Topic, error) {
	var topics []format.Topic
	var all []string
	for _, t := range o.Point.Topics {
		if err := safe(t.Name); err != nil {
			return nil, err
		}
		all = append(all, t.Name)
		if len(o.Topics) == 0 || glob.Any(o.Topics, t.Name) {
			topics = append(topics, t)
		}
	}
	if idle := glob.Idle(o.Topics, all); idle != "" {
		return nil, fmt.Errorf("point %d holds no topic %q", o.Point.Number, idle)
	}
	return topics, nil
}

// safe holds that a name from a manifest can be part of a file's name: it is
// one that Kafka lets through (Topic.validate).
func safe(topic string) error {
	if !regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`).MatchString(topic) || topic == "." || topic == ".." {
		return fmt.Errorf("%w: %q is no name of a topic", repository.ErrDamaged, topic)
	}
	return nil
}

// newSource adds up what there is to read.
func newSource(o Options) (*source, []format.Topic, error) {
	topics, err := o.chosen()
	if err != nil {
		return nil, nil, err
	}
	s := &source{Options: o, decoder: batch.NewDecoder()}
	for _, t := range topics {
		for _, p := range t.Partitions {
			for _, ref := range o.Point.Refs(t.Name, p.Partition) {
				s.total += ref.Length
			}
		}
	}
	return s, topics, nil
}

// partition calls each with every stretch of a partition in order.
func (s *source) partition(ctx context.Context, topic string, partition int32, each func(stretch) error) error {
	for _, ref := range s.Point.Refs(topic, partition) {
		if ref.Length == 0 {
			continue
		}
		var err error
		if s.frame, err = s.Repository.Frame(ctx, ref, s.frame[:0]); err != nil {
			return fmt.Errorf("%s-%d, offsets [%d, %d): %w", topic, partition, ref.From, ref.To, err)
		}
		if err := stretches(ctx, ref, s.frame, each); err != nil {
			return fmt.Errorf("%s-%d, pack %s: %w", topic, partition, ref.Pack.ID, err)
		}
		s.done += ref.Length
		if s.Progress != nil {
			s.Progress(s.done, s.total)
		}
	}
	return nil
}

// stretches goes through the batches of a frame and holds that they are what
// the frame says: in order, and each with offsets of it. The first may begin
// before the frame and the last end behind it.
func stretches(ctx context.Context, ref repository.Ref, b []byte, each func(stretch) error) error {
	next := int64(0)
	for len(b) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, one, rest, err := batch.Next(b)
		if err != nil {
			return fmt.Errorf("%w: %w", repository.ErrDamaged, err)
		}
		if h.BaseOffset < next || h.Next() <= ref.First || h.BaseOffset >= ref.Next {
			return fmt.Errorf("%w: a batch of offsets [%d, %d) behind offset %d of the frame [%d, %d)", repository.ErrDamaged, h.BaseOffset, h.Next(), next, ref.First, ref.Next)
		}
		b, next = rest, h.Next()
		if h.Next() <= ref.From || h.BaseOffset >= ref.To {
			continue
		}
		if err := each(stretch{header: h, one: one, from: ref.From, to: ref.To}); err != nil {
			return err
		}
	}
	return nil
}

// records calls each with the records of a stretch. Their bytes are valid until
// it returns.
func (s *source) records(b stretch, each func(batch.Record) error) error {
	return s.decoder.Records(b.one, func(r batch.Record) error {
		if r.Offset < b.from || r.Offset >= b.to {
			return nil
		}
		return each(r)
	})
}
