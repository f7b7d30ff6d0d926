package capture

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// queue hands cursors to those who fetch from their leaders, in order, so that
// a partition is read to its end before the next one is begun: what belongs
// together then stands together. It is safe for concurrent use.
type queue struct {
	mu      sync.Mutex
	changed *sync.Cond
	ready   map[int32][]*cursor // by leader, in order
	busy    map[int32]int       // cursors that are being fetched, by leader
	failing []*cursor           // for mend
	left    int                 // cursors that are not done
	brokers int                 // at once; 0 is all
	stopped bool
}

func newQueue(ctx context.Context, brokers int) *queue {
	q := &queue{ready: make(map[int32][]*cursor), busy: make(map[int32]int), brokers: brokers}
	q.changed = sync.NewCond(&q.mu)
	context.AfterFunc(ctx, func() { q.with(func() { q.stopped = true }) })
	return q
}

// with changes the queue and wakes who waits.
func (q *queue) with(change func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change()
	q.changed.Broadcast()
}

// add brings a cursor that is new.
func (q *queue) add(c *cursor) {
	q.with(func() {
		q.left++
		q.sort(c)
	})
}

// sort puts a cursor where it belongs; for who has the lock.
func (q *queue) sort(c *cursor) {
	switch {
	case c.done():
		q.left--
	case c.why != nil:
		q.failing = append(q.failing, c)
	default:
		q.put(c)
	}
}

// unfinished is how many cursors are not done.
func (q *queue) unfinished() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.left
}

// put queues a cursor for its leader; for who has the lock.
func (q *queue) put(c *cursor) {
	at, _ := slices.BinarySearchFunc(q.ready[c.leader], c, func(a, b *cursor) int { return cmp.Compare(a.rank, b.rank) })
	q.ready[c.leader] = slices.Insert(q.ready[c.leader], at, c)
}

// take waits for cursors of a leader that together hold about so many bytes;
// nil says that there will be none any more.
func (q *queue) take(leader int32, share int, want int64) []*cursor {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if q.stopped || q.left == 0 {
			return nil
		}
		if len(q.ready[leader]) > 0 && q.allowed(leader) {
			break
		}
		q.changed.Wait()
	}
	ready := q.ready[leader]
	most := max((len(ready)+q.busy[leader]+share-1)/share, 1)
	n := 0
	for n < len(ready) && n < most && (n == 0 || want > 0) {
		want -= ready[n].estimate()
		n++
	}
	taken := slices.Clone(ready[:n])
	q.ready[leader] = slices.Delete(ready, 0, n)
	q.busy[leader] += n
	return taken
}

// allowed tells whether a broker may be asked beside those that are.
func (q *queue) allowed(leader int32) bool {
	if q.brokers <= 0 || q.busy[leader] > 0 {
		return true
	}
	asked := 0
	for _, n := range q.busy {
		if n > 0 {
			asked++
		}
	}
	return asked < q.brokers
}

// give brings cursors back that take has handed out: done, failing, or to be
// read on.
func (q *queue) give(leader int32, cursors []*cursor) {
	q.with(func() {
		q.busy[leader] -= len(cursors)
		for _, c := range cursors {
			q.sort(c)
		}
	})
}

// broken waits for cursors that fail; nil says that there will be none any more.
func (q *queue) broken() []*cursor {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.failing) == 0 {
		if q.stopped || q.left == 0 {
			return nil
		}
		q.changed.Wait()
	}
	failing := q.failing
	q.failing = nil
	return failing
}

// mended brings cursors back that broken has handed out.
func (q *queue) mended(cursors []*cursor) {
	q.with(func() {
		for _, c := range cursors {
			q.sort(c)
		}
	})
}
