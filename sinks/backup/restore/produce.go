package restore

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"golang.org/x/sync/errgroup"

	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// load puts every record into the target, several streams at a time. A
// partition that somebody else wrote to is stopped and named, the others go on;
// any other failure ends all.
func (j *job) load(ctx context.Context) error {
	j.phase("records")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	streams := make(chan *stream)
	g.Go(func() error {
		defer close(streams)
		for i := range j.layout.topics {
			for _, s := range j.layout.topics[i].streams() {
				select {
				case streams <- s:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	})
	j.target.start = func(w *wire) { g.Go(func() error { w.run(ctx); return nil }) }
	work, workCtx := errgroup.WithContext(ctx)
	for range j.o.concurrency() {
		work.Go(func() error {
			for s := range streams {
				if err := j.stream(workCtx, s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := work.Wait()
	cancel() // wires end with it
	if all := g.Wait(); err == nil && !errors.Is(all, context.Canceled) {
		err = all
	}
	return errors.Join(append([]error{err}, j.foreign()...)...)
}

// stream restores one stream. Where the broker's idea of a partition is not
// ours, it looks again where the target ends and goes on from there.
func (j *job) stream(ctx context.Context, s *stream) error {
	again := newRetry(j.patience)
	for first := true; ; first = false {
		before := j.done.Load()
		err := j.pass(ctx, s, first)
		var foreign *ForeignWriteError
		switch {
		case errors.As(err, &foreign):
			j.stopped(foreign)
			return nil
		case err == nil, !errors.Is(err, errResync) && !passing(err):
			return err
		}
		if j.done.Load() > before {
			again.reset()
		}
		if err := again.wait(ctx, err); err != nil {
			return fmt.Errorf("restore %s: %w", s.topic.source.Name, err)
		}
		j.target.refresh(ctx, s.topic.target)
	}
}

// pass goes through a stream once, from the first frame that is not wholly in
// the target already.
type pass struct {
	job    *job
	stream *stream
	lanes  []*lane
	cutter *cutter
	cuts   *hold // memory of batches of our own making
}

func (j *job) pass(ctx context.Context, s *stream, first bool) error {
	p := &pass{job: j, stream: s, cuts: j.cuts.hold()}
	frames := j.frames.hold()
	defer frames.end()
	defer p.cuts.end()
	if err := p.open(ctx); err != nil {
		return err
	}
	for _, l := range p.lanes {
		if first {
			j.skipped.Add(l.position)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	p.cutter = newCutter(s, j.layout, func(c *cut) error { return p.accept(ctx, c) })
	for _, l := range p.lanes {
		g.Go(func() error { return l.run(ctx) })
	}
	g.Go(func() error {
		defer p.closeLanes()
		return p.cut(ctx, frames)
	})
	if err := g.Wait(); err != nil {
		return err
	}
	j.finished(p)
	return nil
}

func (p *pass) closeLanes() {
	for _, l := range p.lanes {
		close(l.in)
	}
}

// open finds out how far every lane is. The end of a partition is its high
// watermark: a batch of a killed process that is not replicated yet is sent
// once more, and told by its sequence.
func (p *pass) open(ctx context.Context) error {
	j := p.job
	rec := j.topicRecord(p.stream.topic.target)
	topic := targetTopic{name: rec.Target, id: j.ids[rec.Target]}
	ends, err := j.target.offsets(ctx, rec.Target, p.stream.lanes, -1)
	if err != nil {
		return err
	}
	for _, n := range p.stream.lanes {
		l := &lane{
			job: j, source: rec.Source, topic: topic, partition: n, start: rec.Starts[n], position: ends[n] - rec.Starts[n],
			in: make(chan *cut), retry: newRetry(j.patience),
		}
		if l.position < 0 {
			return &ForeignWriteError{topic.name, n, l.start, "the partition ends before where the restore began: records were lost"}
		}
		if l.position > 0 {
			l.tail, err = j.target.fetchTail(ctx, topic, n, ends[n]-1)
			if errors.Is(err, kerr.OffsetOutOfRange) {
				return &ForeignWriteError{topic.name, n, ends[n] - 1, "the last restored record was removed, by retention or by somebody,"}
			}
			if err != nil {
				return err
			}
		}
		p.lanes = append(p.lanes, l)
	}
	return nil
}

// cut reads the frames of the stream and cuts them.
func (p *pass) cut(ctx context.Context, frames *hold) error {
	refs := p.job.refs(p.stream)
	for len(refs) > 0 && p.known(refs[0]) {
		r := p.cutter.skip(refs[0])
		p.job.maps.add(p.lanes[0], r, p.cutter.lanes[0].done-r.count)
		refs = refs[1:]
	}
	if err := p.job.each(ctx, frames, refs, p.cutter.frame); err != nil {
		return err
	}
	if err := p.cutter.flush(); err != nil {
		return err
	}
	return p.whole()
}

// known tells a frame that is wholly in the target, with others behind it: the
// last batch of the target is compared, so the frame that holds it is read.
func (p *pass) known(ref repository.Ref) bool {
	return p.cutter.skippable(ref) && p.cutter.lanes[0].done+ref.Records < p.lanes[0].position
}

// accept takes a batch from the cutter: what is in the target already is
// compared or passed over, the rest is sent.
func (p *pass) accept(ctx context.Context, c *cut) error {
	l := p.lanes[c.lane]
	at := c.at
	for _, r := range c.runs {
		p.job.maps.add(l, r, at)
		at += r.count
	}
	switch {
	case c.next() < l.position:
		return nil
	case c.next() == l.position:
		return l.fits(c)
	case c.at < l.position:
		return &ForeignWriteError{l.topic.name, l.partition, l.start + c.at, "the partition ends within a batch of ours: somebody wrote"}
	}
	if err := p.job.maps.spill(ctx); err != nil {
		return err
	}
	if err := p.charge(ctx, c); err != nil {
		return err
	}
	select {
	case l.in <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// charge waits for the limits of speed and of memory.
func (p *pass) charge(ctx context.Context, c *cut) error {
	if err := p.job.limits.wait(ctx, c.records, int64(len(c.bytes))); err != nil {
		return err
	}
	if c.frame != nil {
		c.frame.use()
		c.free = c.frame.free
		return nil
	}
	n, err := p.cuts.acquire(ctx, int64(len(c.bytes)))
	c.free = func() { p.cuts.release(n) }
	return err
}

// whole looks, when all is cut, that the target does not hold more.
func (p *pass) whole() error {
	for i, l := range p.lanes {
		if total := p.cutter.lanes[i].done; l.position > total {
			return &ForeignWriteError{l.topic.name, l.partition, l.start + total, fmt.Sprintf("somebody wrote %d records", l.position-total)}
		}
	}
	return nil
}
