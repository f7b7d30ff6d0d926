package capture

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// session is what the windows of a continuous backup share: the lease, the
// connections, and how long a last stable offset has stood still.
type session struct {
	Options
	lease   *repository.Lease
	clients *clients
	stuck   map[place]time.Time
	parent  *repository.Point // what the window before committed; nil: read it
	looked  time.Time         // when it was read, and found good
}

// place is a partition by name.
type place struct {
	topic     string
	partition int32
}

// String is how people name a partition.
func (p place) String() string { return fmt.Sprintf("%s/%d", p.topic, p.partition) }

// with runs do with a session. The context that do gets ends when the lease is
// lost.
func with(ctx context.Context, o Options, do func(context.Context, *session) error) (err error) {
	o, err = o.complete()
	if err != nil {
		return err
	}
	o.Step("begin")
	if err := o.Repository.Begin(ctx); err != nil {
		return fmt.Errorf("begin in the backup repository: %w", err)
	}
	o.Step("lease")
	lease, err := o.Repository.Acquire(ctx, o.LeaseTTL)
	if err != nil {
		return fmt.Errorf("take the lease of the backup repository: %w", err)
	}
	s := &session{Options: o, lease: lease, clients: &clients{dial: o.Dial}, stuck: make(map[place]time.Time)}
	defer s.clients.close()
	defer func() {
		o.Step("release")
		if released := lease.Release(ctx); released != nil && err == nil && !errors.Is(released, repository.ErrLease) {
			err = fmt.Errorf("give back the lease of the backup repository: %w", released)
		}
	}()
	return s.held(ctx, do)
}

// held ends the context of do with the lease, and says so.
func (s *session) held(ctx context.Context, do func(context.Context, *session) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(s.lease.Context(), func() {
		// It ends with ctx, too, and that is no loss.
		if errors.Is(context.Cause(s.lease.Context()), repository.ErrLease) {
			cancel(errLost)
		}
	})
	defer stop()
	err := do(ctx, s)
	if err != nil && errors.Is(context.Cause(ctx), errLost) {
		return errLost
	}
	return err
}

var errLost = fmt.Errorf("the run stopped, nothing of it is committed: %w", repository.ErrLease)

// clients are connections to the source cluster; each is dialled when it is
// first asked for, so that a run without new data has one. Safe for concurrent use.
type clients struct {
	dial func(context.Context) (*kgo.Client, error)
	mu   sync.Mutex
	open []*kgo.Client
}

// at returns the i-th client.
func (c *clients) at(ctx context.Context, i int) (*kgo.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.open) <= i {
		cl, err := c.dial(ctx)
		if err != nil {
			return nil, fmt.Errorf("connect to the source cluster: %w", err)
		}
		if len(c.open) == 0 { // a wrong address is told at once, what happens later is waited for
			if err := cl.Ping(ctx); err != nil {
				cl.Close()
				return nil, fmt.Errorf("connect to the source cluster: %w", err)
			}
		}
		c.open = append(c.open, cl)
	}
	return c.open[i], nil
}

func (c *clients) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cl := range c.open {
		cl.Close()
	}
	c.open = nil
}
