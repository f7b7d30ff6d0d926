package integration

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/integration/storetest"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

// large is more than one part of an upload in every store.
const large = 40 << 20

func TestBackupUploadInPartsIsOnlyIfAbsentToo(t *testing.T) {
	for name, start := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			b := bucket(t, start(t), "parts")
			options := &blob.WriterOptions{ContentType: "application/octet-stream", IfNotExist: true, BufferSize: 8 << 20, MaxConcurrency: 2}
			if err := b.Upload(t.Context(), "dir/one", io.LimitReader(endless('a'), large), options); err != nil {
				t.Fatal(err)
			}
			err := b.Upload(t.Context(), "dir/one", io.LimitReader(endless('b'), large), options)
			if code := gcerrors.Code(err); code != gcerrors.FailedPrecondition && code != gcerrors.AlreadyExists {
				t.Errorf("a second writer was told %v (%v)", err, code)
			}
			r, err := b.NewRangeReader(t.Context(), "dir/one", large-3, 3, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if got, err := io.ReadAll(r); err != nil || string(got) != "aaa" || r.Size() != large {
				t.Errorf("%q of %d bytes, %v", got, r.Size(), err)
			}
		})
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestBackupPackThatIsAbandonedLeavesNothing(t *testing.T) {
	for name, start := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			b := bucket(t, start(t), "abandoned")
			r, err := repository.Open(t.Context(), repository.Options{Bucket: b, Identity: format.Identity{Name: "n", Cluster: "c"}})
			if err != nil {
				t.Fatal(err)
			}
			for _, end := range []string{"abort", "cancel"} {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				w, err := r.NewPack(ctx)
				if err != nil {
					t.Fatal(err)
				}
				addMany(t, w, 20)
				if end == "cancel" {
					cancel()
					if _, err := w.Close(); err == nil {
						t.Error("a pack stands whose context had ended")
					}
				}
				w.Abort()
			}
			if left := keys(t, b); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

func addMany(t *testing.T, w *repository.PackWriter, frames int) {
	t.Helper()
	body := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	for i := range int64(frames) {
		f := format.Frame{Topic: "t", TopicID: "AAAAAAAAAAAAAAAAAAAAAQ", First: i, Next: i + 1, Records: 1}
		if err := w.Add(f, body); err != nil {
			t.Fatal(err)
		}
	}
}

// Packs of 64 MiB, four at a time: what they hold is stated in the package comment.
func TestBackupPacksInFlightHoldLittleMemory(t *testing.T) {
	for name, start := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			b := bucket(t, start(t), "memory")
			r, err := repository.Open(t.Context(), repository.Options{Bucket: b, Identity: format.Identity{Name: "n", Cluster: "c"}})
			if err != nil {
				t.Fatal(err)
			}
			before := heap()
			var open []*repository.PackWriter
			for range 4 {
				w, err := r.NewPack(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				addMany(t, w, 40)
				open = append(open, w)
			}
			held := int64(heap()) - int64(before)
			t.Logf("four packs of 40 MiB that are being written hold %d MiB", held>>20)
			if held > 4*28<<20 {
				t.Errorf("that is more than %d MiB", 4*28)
			}
			for _, w := range open {
				if _, err := w.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestBackupStoreSaysInWordsWhatIsWrong(t *testing.T) {
	const wrong = "c2VjcmV0LXRoYXQtaXMtd3Jvbmc="
	secret := func() (string, error) { return wrong, nil }
	for name, c := range map[string]struct {
		change func(*store.Options)
		words  string
	}{
		"s3":    {func(o *store.Options) { o.S3.SecretAccessKey = secret }, "the secret access key does not belong"},
		"azure": {func(o *store.Options) { o.Azure.AccountKey = secret }, "does not take the credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			s := storetest.Kinds()[name](t)
			o := s.Options(s.Bucket(t, "words"))
			c.change(&o)
			b, err := store.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			err = store.Probe(t.Context(), b)
			if err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), wrong) {
				t.Errorf("got %v", err)
			}
			t.Log(err)
			right := s.Options(strings.Replace(s.Bucket(t, "other"), "other", "nowhere", 1))
			b, err = store.Open(t.Context(), right)
			if err != nil {
				t.Fatal(err)
			}
			_, err = b.List(nil).Next(t.Context())
			if err == nil || errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "there is no such") {
				t.Errorf("got %v", err)
			}
			t.Log(err)
		})
	}
}
