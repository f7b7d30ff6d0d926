package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"
)

// temporary is where files lie until they are linked to their name. It is below
// the bucket's directory, so that it is on the same file system.
const temporary = ".ottla-tmp"

// stale is how old a temporary file is before nobody can be writing it.
const stale = 48 * time.Hour

// directory is a driver for a local directory. gocloud's own looks before it
// renames, so two writers can both win; it never fsyncs, leaves attribute files
// and leaves directories out that it cannot read.
type directory struct {
	root   string
	unborn atomic.Bool // it may not be there yet: the first write makes it
	clean  sync.Once
}

// openDirectory opens a directory. With create one that is not there is empty
// until somebody writes: looking makes nothing.
func openDirectory(root string, create bool) (*blob.Bucket, error) {
	d := &directory{root: root}
	info, err := os.Stat(root)
	if errors.Is(err, fs.ErrNotExist) && create {
		d.unborn.Store(true)
		return blob.NewBucket(d), nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the directory %s of the store does not exist: mount it, make it, or put ?create_dir=true behind its URL", root)
	}
	if err != nil {
		return nil, fmt.Errorf("open the directory of the store: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is no directory", root)
	}
	return blob.NewBucket(d), nil
}

// ErrorCode implements driver.Bucket.
func (d *directory) ErrorCode(err error) gcerrors.ErrorCode {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return gcerrors.NotFound
	case errors.Is(err, fs.ErrExist):
		return gcerrors.FailedPrecondition
	case errors.Is(err, fs.ErrPermission):
		return gcerrors.PermissionDenied
	case errors.Is(err, errKey):
		return gcerrors.InvalidArgument
	}
	return gcerrors.Unknown
}

var errKey = errors.New("not a name for an object in a directory")

// path is where an object lies: a name that could leave the directory is refused.
func (d *directory) path(key string) (string, error) {
	if !fs.ValidPath(key) || key == "." || strings.ContainsAny(key, "\\\x00") || strings.HasPrefix(key+"/", temporary+"/") {
		return "", fmt.Errorf("%q: %w", key, errKey)
	}
	return filepath.Join(d.root, filepath.FromSlash(key)), nil
}

// stat is os.Stat of a regular file.
func (d *directory) stat(key string) (string, fs.FileInfo, error) {
	path, err := d.path(key)
	if err != nil {
		return "", nil, err
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file: %w", path, fs.ErrNotExist)
	}
	return path, info, err
}

// Attributes implements driver.Bucket.
func (d *directory) Attributes(_ context.Context, key string) (*driver.Attributes, error) {
	_, info, err := d.stat(key)
	if err != nil {
		return nil, err
	}
	return &driver.Attributes{ModTime: info.ModTime(), Size: info.Size(), AsFunc: no}, nil
}

func no(any) bool { return false }

// NewRangeReader implements driver.Bucket.
func (d *directory) NewRangeReader(_ context.Context, key string, offset, length int64, _ *driver.ReaderOptions) (driver.Reader, error) {
	path, info, err := d.stat(key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if length < 0 {
		length = max(0, info.Size()-offset)
	}
	return &fileReader{SectionReader: io.NewSectionReader(f, offset, length), f: f, info: info}, nil
}

type fileReader struct {
	*io.SectionReader
	f    *os.File
	info fs.FileInfo
}

// Close implements io.Closer.
func (r *fileReader) Close() error { return r.f.Close() }

// As implements driver.Reader.
func (r *fileReader) As(any) bool { return false }

// Attributes implements driver.Reader.
func (r *fileReader) Attributes() *driver.ReaderAttributes {
	return &driver.ReaderAttributes{ModTime: r.info.ModTime(), Size: r.info.Size()}
}

// Delete implements driver.Bucket.
func (d *directory) Delete(_ context.Context, key string, _ *driver.DeleteOptions) error {
	path, _, err := d.stat(key)
	if err != nil {
		return err
	}
	return os.Remove(path)
}

// ListPaged implements driver.Bucket. A directory that cannot be read is an
// error: what it holds must not seem to be gone.
func (d *directory) ListPaged(_ context.Context, o *driver.ListOptions) (*driver.ListPage, error) {
	_, err := os.Stat(d.root)
	if errors.Is(err, fs.ErrNotExist) && d.unborn.Load() {
		return &driver.ListPage{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the directory of the store is gone, is it mounted? %v", err) //nolint:errorlint // a missing store must not look like a missing object
	}
	base := ""
	if i := strings.LastIndexByte(o.Prefix, '/'); i >= 0 {
		base = o.Prefix[:i]
		if _, err := d.path(base); err != nil {
			return nil, err
		}
	}
	all, err := d.walk(base, o, nil)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b *driver.ListObject) int { return strings.Compare(a.Key, b.Key) })
	if token := string(o.PageToken); token != "" {
		all = slices.DeleteFunc(all, func(l *driver.ListObject) bool { return l.Key <= token })
	}
	page := &driver.ListPage{Objects: all}
	if o.PageSize > 0 && len(all) > o.PageSize {
		page.Objects = all[:o.PageSize]
		page.NextPageToken = []byte(page.Objects[o.PageSize-1].Key)
	}
	return page, nil
}

// walk adds what is in one directory and, without a delimiter, below it.
func (d *directory) walk(dir string, o *driver.ListOptions, all []*driver.ListObject) ([]*driver.ListObject, error) {
	entries, err := os.ReadDir(filepath.Join(d.root, filepath.FromSlash(dir)))
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		key := e.Name()
		if dir != "" {
			key = dir + "/" + key
		}
		if all, err = d.entry(key, e, o, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (d *directory) entry(key string, e fs.DirEntry, o *driver.ListOptions, all []*driver.ListObject) ([]*driver.ListObject, error) {
	if e.IsDir() {
		inside := key + "/"
		switch {
		case key == temporary:
			return all, nil
		case o.Delimiter == "/" && strings.HasPrefix(inside, o.Prefix):
			return append(all, &driver.ListObject{Key: inside, IsDir: true, AsFunc: no}), nil
		case strings.HasPrefix(inside, o.Prefix) || strings.HasPrefix(o.Prefix, inside):
			return d.walk(key, o, all)
		}
		return all, nil
	}
	if !e.Type().IsRegular() || !strings.HasPrefix(key, o.Prefix) {
		return all, nil
	}
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil // deleted since
	}
	if err != nil {
		return nil, err
	}
	return append(all, &driver.ListObject{Key: key, ModTime: info.ModTime(), Size: info.Size(), AsFunc: no}), nil
}

// As implements driver.Bucket.
func (d *directory) As(any) bool { return false }

// ErrorAs implements driver.Bucket.
func (d *directory) ErrorAs(error, any) bool { return false }

// Copy implements driver.Bucket: nobody copies.
func (d *directory) Copy(context.Context, string, string, *driver.CopyOptions) error {
	return errors.ErrUnsupported
}

// SignedURL implements driver.Bucket.
func (d *directory) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", errors.ErrUnsupported
}

// Close implements driver.Bucket.
func (d *directory) Close() error { return nil }
