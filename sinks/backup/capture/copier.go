package capture

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// copier is the data's way: fetchers cut frames out of answers, squeezers make
// and sum their stored bytes, lanes write these into packs. Each stage waits for
// the next, and all of them for memory.
type copier struct {
	*run
	queue    *queue
	budget   *budget
	pacer    *pacer
	answer   int64 // bytes of an answer to a fetch
	frames   chan *stretch
	packs    *packer
	group    *errgroup.Group
	deadline time.Time

	leaders   map[int32]bool // that have fetchers; mend's, once it runs
	spares    sync.Pool      // of *[]byte
	progress  Progress
	told      time.Time
	progressM sync.Mutex
	requests  atomic.Int64
	throttled atomic.Int64 // nanoseconds
}

var errLeaderless = errors.New("it has no leader")

const (
	// largestAnswer is what one fetch asks for: a frame.
	largestAnswer = frameSize
	// memoryShare of the whole is for batches under way.
	memoryShare = 6
	// tellEvery is how often progress is told.
	tellEvery = 100 * time.Millisecond
)

// copy copies every window. It returns when all frames stand in the bucket.
func (r *run) copy(ctx context.Context) error {
	cursors := r.cursors()
	if len(cursors) == 0 {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	work, fetching := errgroup.WithContext(ctx)
	c := r.newCopier(ctx, group)
	c.queue = newQueue(fetching, r.Brokers)
	c.progress.Partitions = len(r.partitions())
	for _, cursor := range cursors {
		if cursor.leader < 0 {
			cursor.fails(errLeaderless, r.Now())
		}
		c.queue.add(cursor)
		c.staff(fetching, work, cursor.leader)
	}
	work.Go(func() error { return c.mend(fetching, work) })
	group.Go(func() error {
		defer close(c.frames)
		return work.Wait()
	})
	squeezing := c.squeezers(ctx)
	group.Go(func() error {
		squeezing.Wait()
		c.packs.finish()
		return nil
	})
	err := group.Wait()
	r.made.Packs = c.packs.packs
	r.requests += c.requests.Load()
	r.Step("copied")
	c.tell(true)
	return err
}

// cursors are the partitions that have something to copy, the largest topics
// first, each topic's partitions together.
func (r *run) cursors() []*cursor {
	var cursors []*cursor
	topics := r.readable()
	slices.SortStableFunc(topics, func(a, b *topic) int { return int(max(min(b.left.Load()-a.left.Load(), 1), -1)) })
	for _, t := range topics {
		for _, p := range t.parts {
			if c := newCursor(p, r.Options); !c.done() {
				c.rank = len(cursors)
				cursors = append(cursors, c)
			} else {
				r.settled(c.cut(nil))
			}
		}
	}
	return cursors
}

// settled takes frames without bytes.
func (r *run) settled(frames []stretch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range frames {
		r.made.Empty = append(r.made.Empty, f.Frame)
		r.account(&f)
	}
}

// account adds a frame to the report; for who has the lock.
func (r *run) account(f *stretch) {
	r.records += f.Records
	r.gone.Control += f.Gone.Control
	r.gone.Aborted += f.Gone.Aborted
	r.gone.Compacted += f.Gone.Compacted
	r.gone.Lost += f.Gone.Lost
}

func (r *run) newCopier(ctx context.Context, group *errgroup.Group) *copier {
	total := r.Memory / memoryShare
	c := &copier{
		run: r, group: group,
		budget: &budget{total: total, free: semaphore.NewWeighted(total)},
		answer: min(largestAnswer, total), frames: make(chan *stretch),
		leaders: make(map[int32]bool), deadline: r.began.Add(r.LongRun),
	}
	c.packs = newPacker(ctx, group, r)
	if r.BytesPerSec > 0 {
		c.answer = max(min(c.answer, r.BytesPerSec/10), 1<<10) // a tenth of a second
	}
	c.pacer = newPacer(r.BytesPerSec, c.answer)
	return c
}

// staff gives a leader its fetchers, each with a connection of its own.
func (c *copier) staff(ctx context.Context, work *errgroup.Group, leader int32) {
	if c.leaders[leader] || leader < 0 {
		return
	}
	c.leaders[leader] = true
	for i := range c.Connections {
		work.Go(func() error { return (&fetcher{copier: c, leader: leader, conn: i}).loop(ctx) })
	}
}

// squeezers make stored bytes out of frames, one for each processor.
func (c *copier) squeezers(ctx context.Context) *sync.WaitGroup {
	var squeezing sync.WaitGroup
	for range max(runtime.GOMAXPROCS(0), 2) {
		squeezing.Add(1)
		c.group.Go(func() error {
			defer squeezing.Done()
			s, err := newSqueezer(c.Options)
			for err == nil {
				f, more := <-c.frames
				if !more {
					return nil
				}
				err = c.pack(ctx, s, f)
			}
			return err
		})
	}
	return &squeezing
}

func (c *copier) pack(ctx context.Context, s *squeezer, f *stretch) error {
	spare, _ := c.spares.Get().(*[]byte)
	if spare == nil {
		spare = new([]byte)
	}
	stored, grown, err := s.squeeze(f, *spare)
	if err != nil {
		return err
	}
	*spare = grown
	f.Sum = format.Sum(stored)
	return c.packs.put(ctx, parcel{stretch: f, stored: stored, after: func() {
		c.spares.Put(spare)
		f.loan.release()
	}})
}

// emit sends frames on their way.
func (c *copier) emit(ctx context.Context, frames []stretch, l *loan) error {
	for i := range frames {
		f := &frames[i]
		if len(f.bytes) == 0 {
			c.settled(frames[i : i+1])
			f.topic.left.Add(f.First - f.Next)
			continue
		}
		f.loan = l.hold()
		select {
		case c.frames <- f:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// tell reports progress, but not all the time.
func (c *copier) tell(last bool) {
	c.progressM.Lock()
	defer c.progressM.Unlock()
	if !last && time.Since(c.told) < tellEvery {
		return
	}
	c.told = time.Now()
	c.progress.PartitionsDone = c.progress.Partitions - c.queue.unfinished()
	c.progress.Throttled = time.Duration(c.throttled.Load())
	c.progress.BytesTotal = c.progress.Bytes
	for _, t := range c.topics {
		c.progress.BytesTotal += t.cost(t.left.Load())
	}
	c.Progress(c.progress)
}

// budget bounds the bytes under way.
type budget struct {
	total int64
	free  *semaphore.Weighted
}

// borrow waits for n bytes. What is larger than all there is gets all of it,
// and so goes alone.
func (b *budget) borrow(ctx context.Context, n int64) (*loan, error) {
	n = min(n, b.total)
	if err := b.free.Acquire(ctx, n); err != nil {
		return nil, fmt.Errorf("wait for memory: %w", err)
	}
	l := &loan{free: b.free, bytes: n}
	l.holders.Store(1)
	return l, nil
}

// loan is a share of the budget that goes back when its last holder has
// released it.
type loan struct {
	free    *semaphore.Weighted
	bytes   int64
	holders atomic.Int32
}

func (l *loan) hold() *loan {
	l.holders.Add(1)
	return l
}

func (l *loan) release() {
	if l.holders.Add(-1) == 0 {
		l.free.Release(l.bytes)
	}
}

// shrink gives back what was not needed. Only for who borrowed, before anybody
// else holds it.
func (l *loan) shrink(to int64) {
	if to < l.bytes {
		l.free.Release(l.bytes - to)
		l.bytes = to
	}
}
