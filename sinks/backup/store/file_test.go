package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

func directoryStore(t *testing.T) (*blob.Bucket, string) {
	t.Helper()
	dir := t.TempDir()
	b, err := Open(t.Context(), Options{URL: "file://" + filepath.ToSlash(dir)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b, dir
}

var absent = &blob.WriterOptions{ContentType: "text/plain", IfNotExist: true}

func TestOfSixteenWritersOfOneNameOneWins(t *testing.T) {
	b, dir := directoryStore(t)
	for round := range 200 {
		name := fmt.Sprintf("points/%d", round)
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				err := b.Upload(t.Context(), name, bytes.NewReader(fmt.Appendf(nil, "%d", i)), absent)
				if err == nil {
					won.Add(1)
				} else if gcerrors.Code(err) != gcerrors.FailedPrecondition {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("round %d: %d writers won", round, won.Load())
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, temporary)); err != nil || len(left) != 0 {
		t.Fatalf("temporary files are left: %v %v", left, err)
	}
}

func TestAWriteThatFailsLeavesNothing(t *testing.T) {
	b, _ := directoryStore(t)
	bad := errors.New("the source broke")
	if err := b.Upload(t.Context(), "a", io.MultiReader(bytes.NewReader([]byte("half")), failing{bad}), absent); !errors.Is(err, bad) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Upload(ctx, "b", bytes.NewReader([]byte("whole")), absent); err == nil {
		t.Error("a cancelled write stands")
	}
	if _, err := b.List(nil).Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("something is there: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestAListingIsInOrderAndPaged(t *testing.T) {
	b, _ := directoryStore(t)
	for _, name := range []string{"a/b", "a.txt", "a/c/d", "b/e"} {
		if err := b.Upload(t.Context(), name, bytes.NewReader(nil), absent); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := fmt.Sprint(names(t, b, &blob.ListOptions{})), "[a.txt a/b a/c/d b/e]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(names(t, b, &blob.ListOptions{Prefix: "a/", Delimiter: "/"})), "[a/b a/c/]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	page, next, err := b.ListPage(t.Context(), blob.FirstPageToken, 3, nil)
	if err != nil || len(page) != 3 || next == nil {
		t.Fatalf("%d %v %v", len(page), next, err)
	}
	page, next, err = b.ListPage(t.Context(), next, 3, nil)
	if err != nil || len(page) != 1 || page[0].Key != "b/e" || next != nil {
		t.Fatalf("%v %v %v", page, next, err)
	}
}

func names(t *testing.T, b *blob.Bucket, o *blob.ListOptions) (all []string) {
	t.Helper()
	for i := b.List(o); ; {
		l, err := i.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l.Key)
	}
}

func TestADirectoryThatIsNotMountedIsAnErrorAndNeverEmpty(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if _, err := Open(t.Context(), Options{URL: "file://" + dir}); err == nil {
		t.Error("opened")
	}
	b, err := Open(t.Context(), Options{URL: "file://" + dir + "?create_dir=true"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.List(nil).Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("one that the first write makes: got %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("looking made it")
	}
	if err := b.Upload(t.Context(), "a", bytes.NewReader(nil), absent); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := b.List(nil).Next(t.Context()); err == nil || errors.Is(err, io.EOF) || gcerrors.Code(err) == gcerrors.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestANameCannotLeaveTheDirectory(t *testing.T) {
	b, _ := directoryStore(t)
	for _, name := range []string{"../a", "a/../../b", "/etc/passwd", ".ottla-tmp/a", "a//b", "a\\b"} {
		if err := b.Upload(t.Context(), name, bytes.NewReader(nil), absent); gcerrors.Code(err) != gcerrors.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProbe(t *testing.T) {
	b, _ := directoryStore(t)
	for name, b := range map[string]*blob.Bucket{"file": b, "mem": memory(t)} {
		if err := Probe(t.Context(), b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if left := names(t, b, &blob.ListOptions{}); len(left) != 0 {
			t.Errorf("%s: %v is left", name, left)
		}
	}
}

func memory(t *testing.T) *blob.Bucket {
	t.Helper()
	b, err := Open(t.Context(), Options{URL: "mem://"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
