package repository

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// object is one in a listing. Its name is without the repository's root.
type object struct {
	name    string
	size    int64
	written time.Time // by the store's clock
}

// list lists all objects whose names begin with prefix, in order.
func (r *Repository) list(ctx context.Context, prefix string) (all []object, err error) {
	for i := r.o.Bucket.List(&blob.ListOptions{Prefix: r.root + prefix}); ; {
		l, err := i.Next(ctx)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		all = append(all, object{strings.TrimPrefix(l.Key, r.root), l.Size, l.ModTime})
	}
}

// get reads a whole object. What was read once is kept: objects never change.
func (r *Repository) get(ctx context.Context, name string) ([]byte, error) {
	if b, ok := r.cache.get(name); ok {
		return b, nil
	}
	b, err := r.fetch(ctx, name, 0, -1, format.MaxSealed, nil)
	if err != nil {
		return nil, err
	}
	r.cache.put(name, b)
	return b, nil
}

// fetch reads a range of an object into buf[:0]; length -1 is to its end. More
// than limit bytes are an error before they are held. It tries three times: the
// SDKs try requests again, but not a body that broke off.
func (r *Repository) fetch(ctx context.Context, name string, offset, length, limit int64, buf []byte) ([]byte, error) {
	b, err := backoff.Retry(ctx, func() ([]byte, error) {
		b, err := r.fetchOnce(ctx, name, offset, length, limit, buf)
		if err != nil && !passing(err) {
			return nil, backoff.Permanent(err)
		}
		return b, err
	}, backoff.WithMaxTries(3), backoff.WithBackOff(&backoff.ExponentialBackOff{
		InitialInterval: 100 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 4, MaxInterval: 2 * time.Second,
	}))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
}

// passing tells an error that may be over at the next try.
func passing(err error) bool {
	switch gcerrors.Code(err) {
	case gcerrors.NotFound, gcerrors.PermissionDenied, gcerrors.InvalidArgument, gcerrors.FailedPrecondition,
		gcerrors.Canceled, gcerrors.DeadlineExceeded, gcerrors.Unimplemented:
		return false
	}
	return !errors.Is(err, ErrDamaged)
}

func (r *Repository) fetchOnce(ctx context.Context, name string, offset, length, limit int64, buf []byte) ([]byte, error) {
	b, err := r.o.Bucket.NewRangeReader(ctx, r.root+name, offset, length, nil)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	want := b.Size() - offset
	if length >= 0 {
		want = min(length, want)
	}
	if want < 0 || length >= 0 && want < length {
		return nil, fmt.Errorf("%w: it ends at %d, before %d: it was cut off", ErrDamaged, b.Size(), offset+max(0, length))
	}
	if want > limit {
		return nil, fmt.Errorf("%w: %d bytes are more than the %d that it can have", ErrDamaged, want, limit)
	}
	if int64(cap(buf)) < want {
		buf = make([]byte, want)
	}
	buf = buf[:want]
	if _, err := io.ReadFull(b, buf); err != nil {
		return nil, err
	}
	return buf, nil
}

// writing is how everything is written: uploaded with a content type (azureblob
// v0.47 panics on a failed streamed write), and only if absent. Two parts of
// 8 MiB go at a time and one is being filled, so an upload holds 24 MiB.
func writing(contentType string) *blob.WriterOptions {
	return &blob.WriterOptions{ContentType: contentType, IfNotExist: true, BufferSize: 8 << 20, MaxConcurrency: 2}
}

// put writes an object, only if absent; ErrTaken if another one is there. After
// an error of unknown outcome it looks whether the object stands: an SDK that
// tried again may have found its own first try.
func (r *Repository) put(ctx context.Context, name, contentType string, body []byte) error {
	r.step("before", name)
	err := r.o.Bucket.Upload(ctx, r.root+name, bytes.NewReader(body), writing(contentType))
	if err != nil {
		err = r.outcome(ctx, name, body, err)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	r.cache.put(name, body)
	r.step("after", name)
	return nil
}

func (r *Repository) outcome(ctx context.Context, name string, body []byte, failed error) error {
	there, err := r.fetch(ctx, name, 0, -1, format.MaxSealed, nil)
	switch {
	case err == nil && bytes.Equal(there, body):
		return nil
	case err == nil:
		return ErrTaken
	case taken(failed) && gcerrors.Code(err) == gcerrors.NotFound:
		return ErrTaken // and taken away again: S3 tells of writers that met
	case taken(failed):
		return fmt.Errorf("it is there, but cannot be read: %w", err)
	}
	return failed
}

// taken tells that a name was there before.
func taken(err error) bool {
	code := gcerrors.Code(err)
	return code == gcerrors.FailedPrecondition || code == gcerrors.AlreadyExists
}

// open reads a sealed object into value. Whoever signed it must be trusted: by
// the repository, or as one of also.
func (r *Repository) open(ctx context.Context, name, kind string, value any, also ...[]byte) (signer []byte, err error) {
	b, err := r.get(ctx, name)
	if err != nil {
		return nil, err
	}
	key, err := format.Open(b, kind, value)
	if errors.Is(err, format.ErrNewer) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, ErrDamaged, err)
	}
	known := key != nil && slices.ContainsFunc(also, func(a []byte) bool { return bytes.Equal(a, key) })
	if !known && !r.trusts(key) {
		return nil, fmt.Errorf("%s: %w: %w", name, ErrDamaged, &UntrustedError{key})
	}
	return key, nil
}

// UntrustedError is behind the error for an object that is whole, and signed by
// a key that is not trusted here, or by none.
type UntrustedError struct{ Signer ed25519.PublicKey }

// Error says who signed it.
func (e *UntrustedError) Error() string { return untrusted(e.Signer) }

func untrusted(key []byte) string {
	if key == nil {
		return "it is not signed, and only signed objects are trusted here"
	}
	return fmt.Sprintf("it is signed by %x, which is not among the trusted keys", key)
}

func (r *Repository) trusts(key []byte) bool {
	for _, t := range r.o.Trusted {
		if bytes.Equal(t, key) {
			return true
		}
	}
	return len(r.o.Trusted) == 0
}
