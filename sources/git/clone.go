package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// clones keeps the directory of one repository: a lock and, at most times, one
// clone. A new clone is built beside the old one and takes over when it is
// whole; snapshots taken before go on reading the old one until the next
// change or Close.
type clones struct {
	dir     string
	lock    *flock.Flock
	current *store // nil until there is one
	before  *store
}

// lockWait is how long a start waits for another process to let go, as it does
// while a service restarts.
const lockWait = 10 * time.Second

// open takes the lock and finds the clone a former run left. What is not whole
// is removed.
func (c *clones) open(ctx context.Context) error {
	if c.lock != nil {
		return nil
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("create the state directory: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lockWait, ErrLocked)
	defer cancel()
	lock := flock.New(filepath.Join(c.dir, "lock"))
	if held, err := lock.TryLockContext(ctx, 50*time.Millisecond); err != nil || !held {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return hint(fmt.Errorf("lock %s: %w", c.dir, err), "stop the other one, or give this one a state directory of its own")
	}
	c.lock = lock
	return c.adopt()
}

// adopt takes the newest complete clone and sweeps the rest away.
func (c *clones) adopt() error {
	entries, err := os.ReadDir(c.dir) // sorted, and numbers are padded
	if err != nil {
		return fmt.Errorf("read the state directory: %w", err)
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if !strings.HasPrefix(entries[i].Name(), "clone-") {
			continue
		}
		st := openStore(filepath.Join(c.dir, entries[i].Name()))
		if c.current == nil && st.isComplete() && st.sound() {
			st.sweep()
			c.current = st
			continue
		}
		if err := errors.Join(st.close(), os.RemoveAll(st.dir)); err != nil {
			return fmt.Errorf("remove an unfinished clone: %w", err)
		}
	}
	return nil
}

// sound looks every object of the followed tips up, and the history near them.
func (s *store) sound() bool {
	tips, err := s.tips()
	if err != nil {
		return false
	}
	for _, h := range tips {
		if _, err := s.whole(h); err != nil {
			return false
		}
	}
	_, err = s.haves()
	return err == nil
}

// create makes the next, still empty clone.
func (c *clones) create() (*store, error) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, fmt.Errorf("read the state directory: %w", err)
	}
	last := 0
	for _, e := range entries {
		if n, err := strconv.Atoi(strings.TrimPrefix(e.Name(), "clone-")); err == nil {
			last = max(last, n)
		}
	}
	return createStore(filepath.Join(c.dir, fmt.Sprintf("clone-%06d", last+1)))
}

// adoptNew lets a whole clone take over.
func (c *clones) adoptNew(st *store) error {
	if err := st.markComplete(); err != nil {
		return fmt.Errorf("finish the clone: %w", err)
	}
	gone := c.before
	c.before, c.current = c.current, st
	return gone.discard()
}

// discard removes a clone; none is fine.
func (s *store) discard() error {
	if s == nil {
		return nil
	}
	s.gone.Store(true)
	return errors.Join(s.close(), os.RemoveAll(s.dir))
}

func (c *clones) close() error {
	if c.lock == nil {
		return nil
	}
	err := c.before.discard()
	if c.current != nil {
		err = errors.Join(err, c.current.close())
	}
	err = errors.Join(err, c.lock.Unlock())
	*c = clones{dir: c.dir}
	return err
}
