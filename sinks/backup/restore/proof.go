package restore

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// prove compares what is in the target, record by record, with what the
// backup says should be there. The one is read from the brokers, the other
// from the frames, without the code that cuts, encodes or sends batches.
func (j *job) prove(ctx context.Context) error {
	if !j.o.Prove {
		return nil
	}
	j.phase("prove")
	want, err := j.expected(ctx)
	if err != nil {
		return fmt.Errorf("work out the digests of the backup: %w", err)
	}
	got, err := j.target.digests(ctx, want)
	if err != nil {
		return fmt.Errorf("work out the digests of the target: %w", err)
	}
	j.proof, j.unequal = nil, nil
	for i, w := range want {
		if g := got[i]; g.Digest != w.Digest || g.Records != w.Records {
			j.unequal = append(j.unequal, fmt.Sprintf("%s-%d in offsets [%d, %d): %d records with digest %s, the backup has %d with %s",
				w.Topic, w.Partition, w.Start, w.End, g.Records, g.Digest, w.Records, w.Digest))
			continue
		}
		j.proof = append(j.proof, got[i])
	}
	if len(j.unequal) > 0 {
		return fmt.Errorf("%d of %d partitions do not hold what the backup has; the first: %s", len(j.unequal), len(want), strings.Join(j.unequal[:1], ""))
	}
	return nil
}

// expected are the digests that the target's partitions should have.
func (j *job) expected(ctx context.Context) ([]format.Digest, error) {
	var mu sync.Mutex
	var out []format.Digest
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(j.o.concurrency())
	for i := range j.layout.topics {
		for _, s := range j.layout.topics[i].streams() {
			g.Go(func() error {
				digests, err := j.expect(ctx, s)
				mu.Lock()
				defer mu.Unlock()
				out = append(out, digests...)
				return err
			})
		}
	}
	return out, g.Wait()
}

// expect works out the digests of a stream's lanes.
func (j *job) expect(ctx context.Context, s *stream) ([]format.Digest, error) {
	place, decoder := s.placer(), batch.NewDecoder()
	sums := make([]*batch.Digest, len(s.lanes))
	for i := range sums {
		sums[i] = batch.NewDigest()
	}
	hold := j.frames.hold()
	defer hold.end()
	err := j.each(ctx, hold, j.refs(s), func(f *frame) error {
		return f.records(decoder, func(r batch.Record) {
			if !j.layout.window.holds(r.Timestamp) {
				return
			}
			lane := place(f.ref.Partition, r.Key)
			if j.layout.headers {
				r.Headers = withOrigin(r.Headers, f.ref.Partition, r.Offset)
			}
			sums[lane].Add(r)
		})
	})
	out := make([]format.Digest, len(s.lanes))
	rec := j.topicRecord(s.topic.target)
	for i, lane := range s.lanes {
		hex, n := sums[i].Sum()
		out[i] = format.Digest{Topic: s.topic.target, Partition: lane, Start: rec.Starts[lane], End: rec.Starts[lane] + n, Records: n, Digest: hex}
	}
	return out, err
}

// records decodes what the point takes of a frame.
func (f *frame) records(d *batch.Decoder, each func(batch.Record)) error {
	for b := f.bytes; len(b) > 0; {
		h, one, rest, err := batch.Parse(b)
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		if b = rest; h.Next() <= f.ref.From || h.BaseOffset >= f.ref.To {
			continue
		}
		err = d.Records(one, func(r batch.Record) error {
			if r.Offset >= f.ref.From && r.Offset < f.ref.To {
				each(r)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
	}
	return nil
}

// refs are the frames of a stream, in order, that may hold records of it.
func (j *job) refs(s *stream) []repository.Ref {
	var refs []repository.Ref
	for _, src := range s.sources {
		for _, ref := range j.layout.point.Refs(s.topic.source.Name, src.Partition) {
			if !j.layout.window.misses(ref) {
				refs = append(refs, ref)
			}
		}
	}
	return refs
}
