package through

import (
	"context"
	"io"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
)

// NewTypedWriter implements driver.Bucket. Whatever way the caller writes, the
// bucket below sees an Upload: azureblob v0.47 panics on a failed streamed write.
func (b *bucket) NewTypedWriter(ctx context.Context, key, contentType string, o *driver.WriterOptions) (driver.Writer, error) {
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return &writer{ctx: ctx, b: b, key: key, options: &blob.WriterOptions{
		BufferSize: o.BufferSize, MaxConcurrency: o.MaxConcurrency, ContentType: contentType,
		CacheControl: o.CacheControl, ContentDisposition: o.ContentDisposition, ContentEncoding: o.ContentEncoding,
		ContentLanguage: o.ContentLanguage, Metadata: o.Metadata, BeforeWrite: o.BeforeWrite, IfNotExist: o.IfNotExist,
	}}, nil
}

type writer struct {
	ctx     context.Context
	b       *bucket
	key     string
	options *blob.WriterOptions

	uploaded bool
	failed   error // of the upload, for Close
	pipe     *io.PipeWriter
	done     chan error
}

// Upload implements driver.Uploader. An error of r leaves no object. Errors are
// Close's to tell: blob v0.47 gives those a code, and Upload's none.
func (w *writer) Upload(r io.Reader) error {
	w.uploaded = true
	w.failed = w.upload(r)
	return nil
}

func (w *writer) upload(r io.Reader) error {
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	source := &stopping{r: r, stop: cancel}
	return w.b.hook(ctx, Write, w.key, func() error {
		err := w.b.b.Upload(ctx, w.key, source, w.options)
		if source.err != nil {
			return source.err
		}
		return err
	})
}

// Write implements io.Writer for those who stream.
func (w *writer) Write(p []byte) (int, error) {
	if w.pipe == nil {
		w.start()
	}
	return w.pipe.Write(p)
}

func (w *writer) start() {
	r, pipe := io.Pipe()
	w.pipe, w.done = pipe, make(chan error, 1)
	go func() {
		err := w.upload(r)
		r.CloseWithError(err)
		w.done <- err
	}()
}

// Close waits until the object stands.
func (w *writer) Close() error {
	if w.uploaded {
		return w.failed
	}
	if w.pipe == nil {
		w.start()
	}
	// A context that has ended says that there must be no object.
	w.pipe.CloseWithError(w.ctx.Err())
	return <-w.done
}

// stopping cancels the write when its source fails: some drivers would take the
// bytes so far for the whole object.
type stopping struct {
	r    io.Reader
	stop func()
	err  error
}

// Read implements io.Reader.
func (s *stopping) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // io.Reader's own word for the end is not wrapped
		s.err = err
		s.stop()
	}
	return n, err
}
