package restore

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// readAhead is how many frames of a stream are fetched at once.
const readAhead = 4

// frame is a frame that was read. Its memory is given back when the cutter and
// every batch that lies in it are done.
type frame struct {
	ref     repository.Ref
	was     batch.Codec // of the batches, before they were repacked
	bytes   []byte
	weight  int64
	users   atomic.Int32
	hold    *hold
	pool    *sync.Pool  // of *[]byte
	tainted atomic.Bool // a request that failed may still read the bytes: never reuse them
}

func (f *frame) String() string {
	return fmt.Sprintf("%s-%d: frame at offset %d in pack %s", f.ref.Topic, f.ref.Partition, f.ref.First, f.ref.Pack.ID)
}

func (f *frame) use() { f.users.Add(1) }

func (f *frame) free() {
	if f.users.Add(-1) > 0 {
		return
	}
	if !f.tainted.Load() {
		f.pool.Put(&f.bytes)
	}
	f.hold.release(f.weight)
}

// hold is one pass's part of a memory budget that passes share.
type hold struct {
	sem   *semaphore.Weighted
	limit int64
	held  atomic.Int64
}

// acquire waits for n bytes; what is larger than all there are gets all.
func (h *hold) acquire(ctx context.Context, n int64) (int64, error) {
	n = min(max(n, 1), h.limit)
	if err := h.sem.Acquire(ctx, n); err != nil {
		return 0, err
	}
	h.held.Add(n)
	return n, nil
}

func (h *hold) release(n int64) {
	h.held.Add(-n)
	h.sem.Release(n)
}

// end gives back what a pass that failed still held.
func (h *hold) end() {
	if n := h.held.Swap(0); n > 0 {
		h.sem.Release(n)
	}
}

// budget is memory that passes share.
type budget struct {
	sem   *semaphore.Weighted
	limit int64
}

func newBudget(limit int64) budget { return budget{semaphore.NewWeighted(limit), limit} }

func (b budget) hold() *hold { return &hold{sem: b.sem, limit: b.limit} }

// each calls use with every frame in order.
func (j *job) each(ctx context.Context, h *hold, refs []repository.Ref, use func(*frame) error) error {
	g, ctx := errgroup.WithContext(ctx)
	queue := make(chan chan fetched, readAhead)
	g.Go(func() error { return j.read(ctx, h, refs, queue) })
	g.Go(func() error {
		for one := range queue {
			var got fetched
			select {
			case got = <-one:
			case <-ctx.Done():
				return ctx.Err()
			}
			if got.err != nil {
				return got.err
			}
			if err := use(got.frame); err != nil {
				return err
			}
			got.frame.free()
		}
		return nil
	})
	return g.Wait()
}

// fetched is a frame on its way.
type fetched struct {
	frame *frame
	err   error
}

// read hands frames over in the order of refs, and fetches the next ones
// meanwhile. It returns when all are on their way.
func (j *job) read(ctx context.Context, h *hold, refs []repository.Ref, out chan<- chan fetched) error {
	defer close(out)
	for _, ref := range refs {
		weight, err := h.acquire(ctx, weightOf(ref))
		if err != nil {
			return err
		}
		one := make(chan fetched, 1)
		select {
		case out <- one:
		case <-ctx.Done():
			return ctx.Err()
		}
		go func() { one <- j.fetchFrame(ctx, h, ref, weight) }()
	}
	return nil
}

// weightOf is the memory that reading a frame takes: its bytes as they are
// stored and, where it is compressed as a unit, as they are inside.
func weightOf(r repository.Ref) int64 {
	if r.Codec == "" {
		return r.Length
	}
	return r.Length + r.Raw
}

func (j *job) fetchFrame(ctx context.Context, h *hold, ref repository.Ref, weight int64) fetched {
	f := &frame{ref: ref, weight: weight, hold: h, pool: &j.buffers}
	f.use()
	was, err := codecOf(ref.Was)
	if err == nil {
		f.was = was
		var buf []byte
		if used, ok := j.buffers.Get().(*[]byte); ok {
			buf = *used
		}
		f.bytes, err = j.o.Repository.Frame(ctx, ref, buf)
	}
	if err != nil {
		return fetched{err: fmt.Errorf("read %s: %w", f, err)}
	}
	return fetched{frame: f}
}
