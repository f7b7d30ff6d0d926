package capture

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/sync/errgroup"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// asked counts the brokers that are asked at the same time.
type asked struct {
	mu   sync.Mutex
	now  map[int32]int
	most int
}

func (a *asked) add(leader int32, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now[leader] += n; a.now[leader] == 0 {
		delete(a.now, leader)
	}
	a.most = max(a.most, len(a.now))
}

func TestNoMoreBrokersAreAskedAtOnceThanAllowed(t *testing.T) {
	const leaders, connections, each = 5, 3, 20
	for limit, want := range map[int]int{1: 1, 2: 2, 0: leaders} {
		t.Run(fmt.Sprintf("limit %d", limit), func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
			defer stop()
			q := newQueue(ctx, limit)
			for i := range leaders * each {
				c := reading(0, 3)
				c.leader, c.rank = int32(i%leaders), i
				q.add(c)
			}
			seen := &asked{now: make(map[int32]int)}
			group, ctx := errgroup.WithContext(ctx)
			for i := range leaders * connections {
				leader := int32(i % leaders)
				group.Go(func() error {
					for {
						cursors := q.take(leader, connections, 1)
						if cursors == nil {
							return ctx.Err()
						}
						seen.add(leader, 1)
						err := sleep(ctx, time.Millisecond) // a broker's answer
						for _, c := range cursors {
							c.skip(c.at+1, format.Compacted)
						}
						seen.add(leader, -1)
						q.give(leader, cursors)
						if err != nil {
							return err
						}
					}
				})
			}
			if err := group.Wait(); err != nil || q.unfinished() != 0 {
				t.Fatalf("%d left: %v", q.unfinished(), err)
			}
			if seen.most > want || limit == 0 && seen.most < 3 {
				t.Errorf("%d brokers at once", seen.most)
			}
		})
	}
}

func TestARunReadsAllBrokersWithinItsLimit(t *testing.T) {
	w := newWorld(t, kfake.NumBrokers(4))
	w.create("orders", 12)
	for p := range int32(12) {
		w.produce("orders", p, values(0, 20)...)
	}
	o := w.options("orders")
	o.Brokers = 1
	report := w.run(o)
	for p := range int32(12) {
		w.same(report.Point, "orders", p)
	}
}
