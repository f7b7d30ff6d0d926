package repository

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// fed writes blocks into a feed, and ends it.
func fed(f *feed, why error, blocks ...[]byte) {
	go func() {
		for _, b := range blocks {
			n, err := f.Write(b)
			clear(b) // it is the writer's again
			if n != len(b) || err != nil {
				return
			}
		}
		f.end(why)
	}()
}

func TestWhatIsWrittenIntoAFeedIsReadWhicheverWay(t *testing.T) {
	for name, read := range map[string]func(f *feed) ([]byte, error){
		"in one go":     func(f *feed) ([]byte, error) { return io.ReadAll(struct{ io.Reader }{f}) },
		"byte by byte":  func(f *feed) ([]byte, error) { return io.ReadAll(iotest.OneByteReader(f)) },
		"as it came":    func(f *feed) ([]byte, error) { var b bytes.Buffer; _, err := f.WriteTo(&b); return b.Bytes(), err },
		"half and half": func(f *feed) ([]byte, error) { return halves(f) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFeed(func() { t.Error("it was stopped") })
			fed(f, io.EOF, []byte("one "), nil, []byte("two "), []byte("three"))
			if got, err := read(f); err != nil || string(got) != "one two three" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func halves(f *feed) ([]byte, error) {
	head := make([]byte, 6)
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(head)
	_, err := f.WriteTo(out)
	return out.Bytes(), err
}

func TestAFeedThatIsGivenUpStopsItsReader(t *testing.T) {
	lost := errors.New("given up")
	for name, read := range map[string]func(f *feed) error{
		"read":       func(f *feed) error { _, err := io.ReadAll(struct{ io.Reader }{f}); return err },
		"written to": func(f *feed) error { _, err := f.WriteTo(io.Discard); return err },
	} {
		t.Run(name, func(t *testing.T) {
			stopped := false
			f := newFeed(func() { stopped = true })
			fed(f, lost, []byte("half of it"))
			if err := read(f); !errors.Is(err, lost) || !stopped {
				t.Errorf("got %v, stopped: %v", err, stopped)
			}
		})
	}
}

func TestAFeedWhoseReaderFailsStopsItsWriter(t *testing.T) {
	full := errors.New("the disk is full")
	f := newFeed(func() {})
	go func() {
		_, err := f.WriteTo(fullDisk{full})
		f.end(err)
	}()
	for range 3 { // whatever is written from then on
		if n, err := f.Write([]byte("some")); n != 0 || !errors.Is(err, full) {
			t.Fatalf("got %d, %v", n, err)
		}
	}
}

type fullDisk struct{ err error }

func (w fullDisk) Write([]byte) (int, error) { return 0, w.err }
