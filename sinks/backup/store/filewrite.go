package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"gocloud.dev/blob/driver"
)

// NewTypedWriter implements driver.Bucket.
func (d *directory) NewTypedWriter(ctx context.Context, key, _ string, o *driver.WriterOptions) (driver.Writer, error) {
	path, err := d.path(key)
	if err != nil {
		return nil, err
	}
	if err := d.bear(); err != nil {
		return nil, err
	}
	dir := filepath.Join(d.root, temporary)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	d.clean.Do(func() { sweepTemporary(dir) })
	f, err := os.CreateTemp(dir, "*")
	if err != nil {
		return nil, err
	}
	return &fileWriter{ctx: ctx, d: d, f: f, path: path, absent: o.IfNotExist}, nil
}

// bear makes the directory of a store that nobody has written to.
func (d *directory) bear() error {
	if !d.unborn.Load() {
		return nil
	}
	if err := os.MkdirAll(d.root, 0o700); err != nil {
		return fmt.Errorf("make the directory of the store: %w", err)
	}
	d.unborn.Store(false)
	return nil
}

// sweepTemporary removes what writers that crashed have left. It is housekeeping:
// what cannot be removed does no harm.
func sweepTemporary(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > stale {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

type fileWriter struct {
	ctx    context.Context
	d      *directory
	f      *os.File
	path   string
	absent bool
	err    error
}

// Write implements io.Writer.
func (w *fileWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	w.err = errors.Join(w.err, err)
	return n, err
}

// Upload implements driver.Uploader.
func (w *fileWriter) Upload(r io.Reader) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{w.f}, r, make([]byte, 1<<20))
	w.err = errors.Join(w.err, err)
	return err
}

// Close makes the object stand: bytes on disk, then its name, then the name on
// disk. After any error there is no object, save where its directory could not
// be synced.
func (w *fileWriter) Close() error {
	defer os.Remove(w.f.Name())
	err := w.err
	if err == nil {
		err = w.f.Sync()
	}
	if closed := w.f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = w.ctx.Err()
	}
	if err == nil {
		err = w.commit()
	}
	return err
}

func (w *fileWriter) commit() error {
	dir := filepath.Dir(w.path)
	if err := w.d.mkdir(dir); err != nil {
		return err
	}
	if w.absent {
		// link(2) fails where the name is taken: there is one winner.
		if err := os.Link(w.f.Name(), w.path); err != nil {
			return linkError(err)
		}
	} else if err := os.Rename(w.f.Name(), w.path); err != nil {
		return err
	}
	return syncDir(dir)
}

func linkError(err error) error {
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.EXDEV) {
		return fmt.Errorf("the file system of the store has no hard links within it, so only-if-absent cannot be kept there: use another one: %w", err)
	}
	return err
}

// mkdir makes a directory below the root that outlives a power cut.
func (d *directory) mkdir(dir string) error {
	if _, err := os.Stat(dir); err == nil || dir == d.root {
		return nil
	}
	if err := d.mkdir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
