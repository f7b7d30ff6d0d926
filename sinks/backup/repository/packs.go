package repository

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

const (
	packs  = "packs/"
	suffix = ".pack"
)

func packName(id string) string { return packs + id + suffix }

// packID reads a pack's id out of its object's name.
func packID(name string) (string, bool) {
	id, ok := strings.CutPrefix(name, packs)
	id, ok = cutSuffix(id, suffix, ok)
	return id, ok && isPackID(id)
}

func isPackID(id string) bool {
	return len(id) == 28 && strings.Trim(id, "0123456789abcdef") == ""
}

// newPackID is the time in milliseconds, so that names sort by time, and 64
// random bits.
func (r *Repository) newPackID() string {
	var random [8]byte
	rand.Read(random[:])
	return fmt.Sprintf("%012x%x", uint64(r.o.Now().UnixMilli())&(1<<48-1), random)
}

// PackWriter streams one pack into the bucket while frames are added. It is for
// one goroutine.
type PackWriter struct {
	r      *Repository
	ctx    context.Context
	cancel context.CancelFunc
	name   string
	pack   format.Pack
	frames []format.Frame // as the index has them

	feed    *feed
	out     io.Writer // feed, or what encrypts into it
	seal    io.Closer // of what encrypts; nil if nothing does
	sent    counter
	size    int64         // of the plaintext so far
	done    chan struct{} // closed when the upload is over
	sentErr error         // of the upload, once done
	closed  bool
	err     error
}

// counter counts what is stored, and keeps its end.
type counter struct {
	n   int64
	end []byte
}

// endKept is how much of the end is kept, lookAgain how long looking for it takes.
const (
	endKept   = 64
	lookAgain = 30 * time.Second
)

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	c.end = append(c.end, p[max(0, len(p)-endKept):]...)
	c.end = append(c.end[:0], c.end[max(0, len(c.end)-endKept):]...)
	return len(p), nil
}

// NewPack begins a pack. Nothing appears in the bucket before Close. ctx holds
// until then: when it ends there is no pack.
func (r *Repository) NewPack(ctx context.Context) (*PackWriter, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &PackWriter{r: r, ctx: ctx, cancel: cancel, done: make(chan struct{})}
	w.pack.ID = r.newPackID()
	w.name = packName(w.pack.ID)
	w.feed = newFeed(cancel)
	go w.upload()
	if err := w.begin(); err != nil {
		w.Abort()
		return nil, fmt.Errorf("begin pack %s: %w", w.pack.ID, err)
	}
	return w, nil
}

func (w *PackWriter) upload() {
	err := w.r.o.Bucket.Upload(w.ctx, w.r.root+w.name, w.feed, writing("application/octet-stream"))
	if w.ctx.Err() != nil {
		err = context.Cause(w.ctx) // a lease that was lost, rather than "canceled"
	}
	w.feed.end(errors.Join(err, io.ErrClosedPipe))
	w.sentErr = err
	close(w.done)
}

// begin writes the head, through age where there are recipients.
func (w *PackWriter) begin() error {
	w.out = io.MultiWriter(w.feed, &w.sent)
	if len(w.r.o.Recipients) > 0 {
		sealed, err := age.Encrypt(w.out, w.r.o.Recipients...)
		if err != nil {
			return fmt.Errorf("encrypt to %d recipients: %w", len(w.r.o.Recipients), err)
		}
		w.out, w.seal, w.pack.Encrypted = sealed, sealed, true
	}
	return w.write(format.PackHead())
}

func (w *PackWriter) write(b []byte) error {
	if w.err != nil {
		return w.err
	}
	n, err := w.out.Write(b)
	w.size += int64(n)
	w.err = err
	return err
}

// Add writes the stored bytes of a frame, which f describes; Offset, Length and
// Sum are filled in. It blocks while the bucket is slower than we are. stored
// may be used again when it returns.
func (w *PackWriter) Add(f format.Frame, stored []byte) error {
	f.Sum = format.Sum(stored)
	return w.AddSummed(f, stored)
}

// AddSummed is Add for who has f.Sum already: a pack is written by one goroutine,
// and sums are worked out by many.
func (w *PackWriter) AddSummed(f format.Frame, stored []byte) error {
	f.Offset, f.Length = w.size, int64(len(stored))
	if len(stored) == 0 {
		return fmt.Errorf("pack %s: a frame of %s/%d without bytes belongs into the manifest", w.pack.ID, f.Topic, f.Partition)
	}
	if f.Raw == 0 && f.Codec == format.Plain {
		f.Raw = f.Length
	}
	f.TakeFrom, f.TakeTo = 0, 0
	if err := f.Check(f.Offset + f.Length); err != nil {
		return fmt.Errorf("pack %s: %w", w.pack.ID, err)
	}
	if err := w.write(stored); err != nil {
		return fmt.Errorf("write pack %s: %w", w.pack.ID, err)
	}
	w.frames = append(w.frames, f)
	return nil
}

// Size is the bytes so far.
func (w *PackWriter) Size() int64 { return w.size }

// Close writes the index and waits until the object stands. The frames of the
// pack it returns are as a manifest has them: without gaps.
func (w *PackWriter) Close() (format.Pack, error) {
	w.r.step("before", w.name)
	if err := w.finish(); err != nil {
		w.Abort()
		return format.Pack{}, fmt.Errorf("write pack %s: %w", w.pack.ID, err)
	}
	<-w.done
	w.cancelled()
	if w.sentErr != nil && !w.stands(w.sentErr) {
		return format.Pack{}, fmt.Errorf("write pack %s: %w", w.pack.ID, w.sentErr)
	}
	w.r.step("after", w.name)
	w.pack.Size = w.sent.n
	w.pack.Frames = w.frames
	for i := range w.pack.Frames {
		w.pack.Frames[i].Gaps = nil
	}
	return w.pack, nil
}

func (w *PackWriter) finish() error {
	index, digest, err := format.AppendIndex(nil, w.size, w.frames)
	if err != nil {
		return err
	}
	w.pack.Digest = digest
	if err := w.write(index); err != nil {
		return err
	}
	if w.seal != nil {
		if err := w.seal.Close(); err != nil {
			return err
		}
	}
	w.feed.end(io.EOF)
	return nil
}

// cancelled frees the context once the upload is over.
func (w *PackWriter) cancelled() {
	w.cancel()
	w.closed, w.err = true, errors.New("the pack is closed")
}

// stands says whether the pack is there after an error of unknown outcome: its
// name is random, so what is there with our size and our end is ours.
func (w *PackWriter) stands(failed error) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), lookAgain)
	defer cancel()
	if !taken(failed) && !passing(failed) {
		return false
	}
	from := w.sent.n - int64(len(w.sent.end))
	end, err := w.r.fetch(ctx, w.name, from, -1, endKept, nil)
	return err == nil && bytes.Equal(end, w.sent.end)
}

// Abort leaves nothing behind. It may be called after Close, and does nothing then.
func (w *PackWriter) Abort() {
	if w.closed {
		return
	}
	w.cancel()
	w.feed.end(context.Canceled)
	<-w.done
	w.cancelled()
}
