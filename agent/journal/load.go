package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

// loaded is a file that was read.
type loaded struct {
	state *reconcile.State
	seq   int
	size  int64 // of the good part
	torn  int   // bytes behind it, of a write that a crash cut off
	tail  tail
}

func load(path, cluster string) (loaded, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return loaded{}, fmt.Errorf("read ledger: %w", err)
	}
	l, line, err := fold(data, cluster)
	if err != nil {
		return loaded{}, damaged(path, line, err)
	}
	return l, nil
}

// errNewer is no damage: the way out is another one.
var errNewer = errors.New("was written by a newer version")

func damaged(path string, line int, err error) error {
	hint := "restore a copy of the file; or move it away and start again: everything declared is adopted anew, and nothing will be deleted"
	if errors.Is(err, errNewer) {
		hint = "run a version of ottla at least as new as the one that wrote it, or restore a copy of the file from before the upgrade"
	}
	return &sources.HintError{Err: fmt.Errorf("ledger %s is damaged: line %d: %w", path, line, err), Hint: hint}
}

// fold takes the whole file. With an error comes the line it is about.
func fold(data []byte, cluster string) (loaded, int, error) {
	l := loaded{state: reconcile.NewState()}
	number := 0
	for rest := data; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		number++
		if !whole {
			if number == 1 {
				return l, number, errors.New("it has no header") // a file is born with one
			}
			l.torn = len(line)
			return l, number, nil
		}
		r, err := decode(line)
		if err == nil {
			err = l.take(r, number, cluster)
		}
		if err != nil {
			return l, number, err
		}
		l.size += int64(len(line) + 1)
		l.account(r, int64(len(line)+1))
		rest = after
	}
	if number == 0 {
		return l, 1, errors.New("the file is empty")
	}
	return l, number, nil
}

// take folds one line.
func (l *loaded) take(r record, number int, cluster string) error {
	switch {
	case (number == 1) != (r.Header != nil):
		return errors.New("the header belongs into the first line, and only there")
	case r.Header != nil:
		return r.Header.check(cluster)
	case r.Snapshot != nil && number == 2 && r.Snapshot.State.Whole():
		l.seq, l.state = r.Snapshot.Seq, r.Snapshot.State
		return nil
	case r.Entry == nil:
		return errors.New("it holds nothing that belongs here")
	case r.Entry.Seq != l.seq+1:
		return fmt.Errorf("entry %d follows entry %d", r.Entry.Seq, l.seq)
	}
	l.seq = r.Entry.Seq
	l.state.Fold(*r.Entry)
	return nil
}

func (l *loaded) account(r record, size int64) {
	if r.Entry == nil {
		l.tail.from += size
		return
	}
	l.tail.entries++
	l.tail.bytes += size
}

func (h header) check(cluster string) error {
	switch {
	case h.Format != formatName || h.Version < 1:
		return fmt.Errorf("%q version %d is not a ledger", h.Format, h.Version)
	case h.Version > Version:
		return fmt.Errorf("it %w: it is of format %d, and this one reads up to %d", errNewer, h.Version, Version)
	case h.Cluster != cluster:
		return fmt.Errorf("it is the ledger of cluster %q, not of %q", h.Cluster, cluster)
	}
	return nil
}
