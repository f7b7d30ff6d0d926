package repository

import (
	"context"
	"errors"
	"io"
	"sync"
)

// feed hands what one goroutine writes to another that reads, as io.Pipe does:
// a block is its writer's again when Write returns. Who reads by WriteTo gets
// the blocks themselves, so that on the way into a file no byte is copied.
type feed struct {
	stop   context.CancelFunc // of who reads: some drivers take the bytes before a failure for the whole object
	blocks chan []byte
	read   chan struct{} // for each block
	over   chan struct{} // closed at the end
	once   sync.Once
	err    error  // why it is over; io.EOF: all was written
	rest   []byte // the reader's, of the block under way
}

func newFeed(stop context.CancelFunc) *feed {
	return &feed{stop: stop, blocks: make(chan []byte), read: make(chan struct{}), over: make(chan struct{})}
}

// end ends it for both sides. What came first is why.
func (f *feed) end(why error) {
	f.once.Do(func() {
		f.err = why
		close(f.over)
	})
}

// Write implements io.Writer. It returns when the block was read.
func (f *feed) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	select {
	case f.blocks <- p:
	case <-f.over:
		return 0, f.err
	}
	select {
	case <-f.read:
		return len(p), nil
	case <-f.over:
		return 0, f.err
	}
}

// Read implements io.Reader.
func (f *feed) Read(p []byte) (int, error) {
	if err := f.next(); err != nil || len(p) == 0 {
		return 0, err
	}
	n := copy(p, f.rest)
	f.took(n)
	return n, nil
}

// WriteTo implements io.WriterTo.
func (f *feed) WriteTo(w io.Writer) (total int64, err error) {
	for {
		if err := f.next(); errors.Is(err, io.EOF) {
			return total, nil
		} else if err != nil {
			return total, err
		}
		n, err := w.Write(f.rest)
		total += int64(n)
		if err != nil {
			return total, err
		}
		f.took(n)
	}
}

// next waits for a block, where there is none under way.
func (f *feed) next() error {
	if len(f.rest) > 0 {
		return nil
	}
	select {
	case f.rest = <-f.blocks:
		return nil
	case <-f.over:
		if !errors.Is(f.err, io.EOF) {
			f.stop()
		}
		return f.err
	}
}

// took goes on behind n bytes, and gives a block back that is all read.
func (f *feed) took(n int) {
	if f.rest = f.rest[n:]; len(f.rest) > 0 {
		return
	}
	select {
	case f.read <- struct{}{}:
	case <-f.over:
	}
}
