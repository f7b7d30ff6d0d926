package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"

	"github.com/ottla-io/ottla/reconcile"
)

const (
	// compactEntries is how many entries may follow the snapshot.
	compactEntries = 1000
	// compactBytes is how long they may be, or as long as the snapshot.
	compactBytes = 8 << 20
)

// ErrClosed is returned by a journal that was closed.
var ErrClosed = errors.New("the ledger is closed")

// file is what a journal needs of an open file.
type file interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

// Journal is a cluster's ledger in a file. Its methods are safe for concurrent
// use; the State that Replay returned is not: it changes with each Append.
type Journal struct {
	path    string
	cluster string
	lock    *flock.Flock

	mu      sync.Mutex
	file    file
	state   *reconcile.State
	seq     int
	size    int64 // bytes that are known to be good
	tail    tail
	dropped int
	broken  error // what is on the disk is not known until Replay
}

// tail is what follows the snapshot.
type tail struct {
	entries int
	bytes   int64
	from    int64 // where it begins
}

var _ reconcile.Ledger = (*Journal)(nil)

// Open opens or creates the ledger of a cluster in a directory and locks it
// against every other process, until Close. A ledger in use is ErrLocked.
func Open(dir, cluster string) (*Journal, error) {
	if cluster == "" || filepath.Base(cluster) != cluster || cluster[0] == '.' {
		return nil, fmt.Errorf("open ledger: %q cannot be the name of a file", cluster)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	if err := elsewhere(dir, cluster); err != nil {
		return nil, err
	}
	j := &Journal{path: filePath(dir, cluster), cluster: cluster}
	lock, err := takeLock(filepath.Join(dir, cluster+".lock"))
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", j.path, err)
	}
	j.lock = lock
	if _, err := j.Replay(context.Background()); err != nil { //nolint:forbidigo // reading a local file does not wait
		_ = lock.Close()
		return nil, err
	}
	return j, nil
}

// Path is the ledger's file.
func (j *Journal) Path() string { return j.path }

// Dropped is how many bytes of a write that a crash cut off were left out by
// the last reading.
func (j *Journal) Dropped() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.dropped
}

// Replay returns the file folded. It is read by the first Replay, which is
// Open's, and again after an error; in between the same State is returned,
// which Append keeps up to date. Damage is a sources.HintError that names file,
// line and the way out.
func (j *Journal) Replay(ctx context.Context) (*reconcile.State, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if j.lock == nil {
		return nil, ErrClosed
	}
	if j.file != nil && j.broken == nil {
		return j.state, nil
	}
	read, err := load(j.path, j.cluster)
	if errors.Is(err, os.ErrNotExist) {
		read, err = loaded{state: reconcile.NewState()}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := j.adopt(read); err != nil {
		return nil, err
	}
	return j.state, nil
}

// adopt goes on from what was read. A file that is new, or whose end is not
// known to be on the disk, is first written whole.
func (j *Journal) adopt(read loaded) error {
	rewrite := read.size == 0 || j.broken != nil
	j.state, j.seq, j.dropped = read.state, read.seq, read.torn
	if rewrite {
		if err := j.compact(); err != nil {
			j.broken = err
			return err
		}
		return nil
	}
	if err := j.reopen(read.size); err != nil {
		return err
	}
	j.tail = read.tail
	return nil
}

// reopen continues the file at j.path behind its good bytes.
func (j *Journal) reopen(size int64) error {
	f, err := os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	err = f.Truncate(size)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		_ = f.Close()
		return fmt.Errorf("cut off the end of ledger %s: %w", j.path, err)
	}
	if j.file != nil {
		_ = j.file.Close()
	}
	j.file, j.size, j.broken = f, size, nil
	return nil
}

// Append writes the entry, flushes it and folds it into the state. After an
// error the entry may or may not be in the file: the state does not have it,
// and Replay says what is so.
func (j *Journal) Append(ctx context.Context, e reconcile.Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.ready(ctx); err != nil {
		return err
	}
	e.Seq = j.seq + 1
	line, err := encode(record{Entry: &e})
	if err != nil {
		return fmt.Errorf("encode ledger entry: %w", err)
	}
	if err := j.write(line); err != nil {
		return fmt.Errorf("write ledger %s: %w", j.path, err)
	}
	j.seq = e.Seq
	j.state.Fold(e)
	j.tail.entries++
	j.tail.bytes += int64(len(line))
	if j.tail.entries >= compactEntries || j.tail.bytes >= max(compactBytes, j.tail.from) {
		j.shorten()
	}
	return nil
}

func (j *Journal) ready(ctx context.Context) error {
	switch {
	case j.lock == nil:
		return ErrClosed
	case j.broken != nil:
		return fmt.Errorf("ledger %s must be read again after an error: %w", j.path, j.broken)
	default:
		return ctx.Err()
	}
}

// write appends a line. One that could not be written whole is cut off again,
// so that the next begins on a line of its own. After a failed flush nobody
// knows what is on the disk (the kernel may drop the pages and call the next
// flush a success), so the file is not trusted until it was written anew.
func (j *Journal) write(line []byte) error {
	if _, err := j.file.Write(line); err != nil {
		if cut := j.file.Truncate(j.size); cut != nil {
			j.broken = errors.Join(err, cut)
		}
		return err
	}
	if err := j.file.Sync(); err != nil {
		j.broken = err
		return err
	}
	j.size += int64(len(line))
	return nil
}

// shorten compacts. The entry that led here is safe already, so a failure (a
// full disk, say) is not the caller's: the long file goes on, and it is tried
// again later.
func (j *Journal) shorten() {
	if err := j.compact(); err != nil {
		j.tail.entries, j.tail.bytes = 0, 0
	}
}

// Close gives the ledger up to others.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.lock == nil {
		return nil
	}
	var err error
	if j.file != nil {
		err = j.file.Close()
	}
	err = errors.Join(err, j.lock.Close())
	j.lock, j.file = nil, nil
	return err
}
