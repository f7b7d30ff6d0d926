// Package through is a driver for gocloud.dev/blob that passes every call on to
// another bucket, with a hook around each. The store cleans errors with it, and
// tests let calls fail.
package through

import (
	"context"
	"errors"
	"io"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"
)

// Op is what a call does.
type Op string

// The operations. Open opens a reader and Read reads all of it; a Write is from
// the first byte until the object stands.
const (
	Open   Op = "open"
	Read   Op = "read"
	Write  Op = "write"
	List   Op = "list"
	Stat   Op = "stat"
	Delete Op = "delete"
	Copy   Op = "copy"
)

// Hook is called around every call; it calls do, or does not, and returns what
// the caller sees. It may be called by many goroutines at once.
type Hook func(ctx context.Context, op Op, key string, do func() error) error

// Bucket wraps b. Closing the result closes b.
func Bucket(b *blob.Bucket, hook Hook) *blob.Bucket {
	return blob.NewBucket(&bucket{b, hook})
}

// Coder is an error that knows its code.
type Coder interface{ Code() gcerrors.ErrorCode }

type bucket struct {
	b    *blob.Bucket
	hook Hook
}

// ErrorCode implements driver.Bucket.
func (b *bucket) ErrorCode(err error) gcerrors.ErrorCode {
	var coder Coder
	if errors.As(err, &coder) {
		return coder.Code()
	}
	return gcerrors.Code(err)
}

// As implements driver.Bucket.
func (b *bucket) As(i any) bool { return b.b.As(i) }

// ErrorAs implements driver.Bucket.
func (b *bucket) ErrorAs(err error, i any) bool { return b.b.ErrorAs(err, i) }

// Attributes implements driver.Bucket.
func (b *bucket) Attributes(ctx context.Context, key string) (out *driver.Attributes, err error) {
	err = b.hook(ctx, Stat, key, func() error {
		a, err := b.b.Attributes(ctx, key)
		if err == nil {
			out = &driver.Attributes{
				ContentType: a.ContentType, Metadata: a.Metadata, CreateTime: a.CreateTime,
				ModTime: a.ModTime, Size: a.Size, MD5: a.MD5, ETag: a.ETag, AsFunc: a.As,
			}
		}
		return err
	})
	return out, err
}

// ListPaged implements driver.Bucket.
func (b *bucket) ListPaged(ctx context.Context, o *driver.ListOptions) (*driver.ListPage, error) {
	page := &driver.ListPage{}
	err := b.hook(ctx, List, o.Prefix, func() error {
		token, size := o.PageToken, o.PageSize
		if len(token) == 0 {
			token = blob.FirstPageToken
		}
		if size == 0 {
			size = 1000
		}
		objects, next, err := b.b.ListPage(ctx, token, size, &blob.ListOptions{Prefix: o.Prefix, Delimiter: o.Delimiter, BeforeList: o.BeforeList})
		for _, l := range objects {
			page.Objects = append(page.Objects, &driver.ListObject{
				Key: l.Key, ModTime: l.ModTime, Size: l.Size, MD5: l.MD5, IsDir: l.IsDir, AsFunc: l.As,
			})
		}
		page.NextPageToken = next
		return err
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// NewRangeReader implements driver.Bucket.
func (b *bucket) NewRangeReader(ctx context.Context, key string, offset, length int64, o *driver.ReaderOptions) (driver.Reader, error) {
	r := &reader{ctx: ctx, hook: b.hook, key: key}
	err := b.hook(ctx, Open, key, func() (err error) {
		r.Reader, err = b.b.NewRangeReader(ctx, key, offset, length, &blob.ReaderOptions{BeforeRead: o.BeforeRead})
		return err
	})
	if err != nil {
		if r.Reader != nil {
			_ = r.Close()
		}
		return nil, err
	}
	return r, nil
}

type reader struct {
	*blob.Reader
	ctx  context.Context
	hook Hook
	key  string
}

// Read implements io.Reader: the end of the object is no error to the hook.
func (r *reader) Read(p []byte) (n int, err error) {
	end := false
	err = r.hook(r.ctx, Read, r.key, func() (err error) {
		n, err = r.Reader.Read(p)
		if end = errors.Is(err, io.EOF); end {
			return nil
		}
		return err
	})
	if err == nil && end {
		err = io.EOF
	}
	return n, err
}

// Attributes implements driver.Reader.
func (r *reader) Attributes() *driver.ReaderAttributes {
	return &driver.ReaderAttributes{ContentType: r.ContentType(), ModTime: r.ModTime(), Size: r.Size()}
}

// Copy implements driver.Bucket.
func (b *bucket) Copy(ctx context.Context, to, from string, o *driver.CopyOptions) error {
	return b.hook(ctx, Copy, to, func() error {
		return b.b.Copy(ctx, to, from, &blob.CopyOptions{BeforeCopy: o.BeforeCopy})
	})
}

// Delete implements driver.Bucket.
func (b *bucket) Delete(ctx context.Context, key string, o *driver.DeleteOptions) error {
	return b.hook(ctx, Delete, key, func() error {
		return b.b.DeleteWithOptions(ctx, key, &blob.DeleteOptions{BeforeDelete: o.BeforeDelete})
	})
}

// SignedURL implements driver.Bucket: there are none, they are secrets.
func (b *bucket) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", errors.ErrUnsupported
}

// Close implements driver.Bucket.
func (b *bucket) Close() error { return b.b.Close() }
