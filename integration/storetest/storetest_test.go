package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob"
	_ "gocloud.dev/blob/gcsblob"
	_ "gocloud.dev/blob/s3blob"
	"gocloud.dev/gcerrors"
)

func TestEveryServerTakesAnObjectOnlyOnce(t *testing.T) {
	for name, start := range Kinds() {
		if name == "file" {
			continue // gocloud's fileblob does not, and ours is proven where it lives
		}
		t.Run(name, func(t *testing.T) {
			s := start(t)
			b := open(t, s, "first")
			var won atomic.Int64
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					// With a content type gocloud does not stream, which azureblob v0.47.0 panics on.
					err := b.Upload(t.Context(), "one", strings.NewReader(fmt.Sprint("writer ", i)), &blob.WriterOptions{IfNotExist: true, ContentType: "text/plain"})
					if err == nil {
						won.Add(1)
					} else if gcerrors.Code(err) != gcerrors.FailedPrecondition {
						t.Errorf("writer %d: %v", i, err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Errorf("%d of 16 writers won", won.Load())
			}
		})
	}
}

func TestAServerThatWasStoppedComesBackWithItsObjects(t *testing.T) {
	for name, start := range Kinds() {
		if name == "file" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := start(t)
			b := open(t, s, "kept")
			if err := b.WriteAll(t.Context(), "one", []byte("text"), nil); err != nil {
				t.Fatal(err)
			}
			s.Stop()
			// Google's client asks a server that is down until its context ends.
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := b.ReadAll(ctx, "one"); err == nil {
				t.Error("a stopped server was read from")
			}
			s.Start(t)
			got, err := b.ReadAll(t.Context(), "one")
			if err != nil || string(got) != "text" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PATH", t.TempDir())
	var missing *missingError
	if _, err := azurite(t.Context()); !errors.As(err, &missing) {
		t.Errorf("%v", err)
	}
	if _, err := goProgram(t.Context(), "versitygw", "x", "v1"); !errors.As(err, &missing) {
		t.Errorf("%v", err)
	}
}

// open goes around our own room: what is proven here is the server.
func open(t *testing.T, s *Server, bucket string) *blob.Bucket {
	t.Helper()
	address, err := url.Parse(s.Bucket(t, bucket))
	if err != nil {
		t.Fatal(err)
	}
	b, err := blob.OpenBucket(t.Context(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}
