package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// reportEvery is how often progress is told.
const reportEvery = 200 * time.Millisecond

func (o Options) concurrency() int {
	if o.Concurrency <= 0 {
		return 8
	}
	return o.Concurrency
}

func (o Options) memory() int64 {
	if o.Memory <= 0 {
		return 256 << 20
	}
	return o.Memory
}

func (o Options) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

func (o Options) replicas(source int) int {
	if o.Replicas > 0 {
		return o.Replicas
	}
	return max(1, source)
}

// limits hold records and bytes back.
type limits struct{ records, bytes *rate.Limiter }

func newLimits(o Options) *limits {
	return &limits{limiter(o.RecordsPerSec), limiter(o.BytesPerSec)}
}

func limiter(perSecond int64) *rate.Limiter {
	if perSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), int(min(perSecond, 1<<30)))
}

func (l *limits) wait(ctx context.Context, records, bytes int64) error {
	return errors.Join(waitFor(ctx, l.records, records), waitFor(ctx, l.bytes, bytes))
}

// waitFor waits for n tokens, a bucketful at a time.
func waitFor(ctx context.Context, l *rate.Limiter, n int64) error {
	for l != nil && n > 0 {
		now := min(n, int64(l.Burst()))
		if err := l.WaitN(ctx, int(now)); err != nil {
			return err
		}
		n -= now
	}
	return nil
}

// took counts a batch that is in the target, and gives its memory back.
func (j *job) took(c *cut) {
	j.done.Add(c.records)
	j.bytes.Add(int64(len(c.bytes)))
	if c.raw {
		j.raw.Add(int64(len(c.bytes)))
	} else {
		j.encoded.Add(int64(len(c.bytes)))
	}
	c.free()
	j.step("batch written")
}

func (j *job) step(name string) {
	if j.o.Step != nil {
		j.o.Step(name)
	}
}

func (j *job) phase(name string) {
	j.mu.Lock()
	j.current = name
	j.mu.Unlock()
	j.tell()
}

func (j *job) tell() {
	if j.o.Progress == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	partitions := 0
	for _, t := range j.layout.topics {
		partitions += t.partitions
	}
	// What an earlier process restored counts with its share of the bytes.
	before := int64(float64(j.plan.Bytes) * float64(j.skipped.Load()) / float64(max(1, j.plan.Records)))
	j.o.Progress(Progress{
		Partitions: partitions, PartitionsDone: int(j.finishedLen.Load()),
		Records: j.done.Load() + j.skipped.Load(), RecordsTotal: j.plan.Records, Bytes: j.bytes.Load() + before, BytesTotal: j.plan.Bytes, Phase: j.current,
	})
}

// reporting tells progress now and then until it is stopped.
func (j *job) reporting() (stop func()) {
	if j.o.Progress == nil {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(reportEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				j.tell()
			case <-quit:
				j.tell()
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

// stopped takes note of a partition that was left because of a foreign write.
func (j *job) stopped(e *ForeignWriteError) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.halted = append(j.halted, e)
}

func (j *job) foreign() []error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []error
	for _, e := range j.halted {
		out = append(out, e)
	}
	return out
}

// leave says what was left alone.
func (j *job) leave(words string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Contains(j.left, words) {
		j.left = append(j.left, words)
	}
}

// finished takes note of a stream that is in the target, with its ends.
func (j *job) finished(p *pass) {
	j.finishedLen.Add(int64(len(p.lanes)))
	var sources []int32
	for _, s := range p.stream.sources {
		sources = append(sources, s.Partition)
	}
	for i, l := range p.lanes {
		j.maps.end(l, sources, p.stream.topic.place != nil, l.start+p.cutter.lanes[i].done)
	}
}

// ProblemsError says why a restore did not begin.
type ProblemsError struct{ Problems []Problem }

// Error lists the problems, with what to do about them.
func (e *ProblemsError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s: %s", p.Where, p.Text)
		if p.Hint != "" {
			lines[i] += ": " + p.Hint
		}
	}
	return "the restore cannot begin: " + strings.Join(lines, "; ")
}
