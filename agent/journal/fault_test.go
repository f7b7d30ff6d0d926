package journal

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ottla-io/ottla/reconcile"
)

// fullDisk is a file whose disk is full after some bytes, as write(2) tells it:
// what fits is written.
type fullDisk struct {
	file
	left   int
	noSync bool
}

func (f *fullDisk) Write(p []byte) (int, error) {
	if len(p) <= f.left {
		f.left -= len(p)
		return f.file.Write(p)
	}
	n, _ := f.file.Write(p[:f.left])
	f.left -= n
	return n, syscall.ENOSPC
}

func (f *fullDisk) Sync() error {
	if f.noSync {
		return syscall.EIO
	}
	return f.file.Sync()
}

func entry(revision string) reconcile.Entry {
	return reconcile.Entry{Sync: "main", Accepted: revision}
}

func TestAFullDiskLosesOnlyWhatWasRefused(t *testing.T) {
	for left := range 80 {
		dir := t.TempDir()
		j, err := Open(dir, "production")
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, j, "first")
		disk := &fullDisk{file: j.file, left: left}
		j.file = disk
		if err := j.Append(t.Context(), entry("refused")); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%d bytes left: %v", left, err)
		}
		disk.left = 1 << 20
		mustAppend(t, j, "third")
		wantAccepted(t, j, dir, "third")
	}
}

func TestAFailedFlushIsNotTrustedUntilTheFileIsWrittenAnew(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, "production")
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, j, "first")
	j.file = &fullDisk{file: j.file, left: 1 << 20, noSync: true}
	if err := j.Append(t.Context(), entry("unsure")); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v", err)
	}
	if err := j.Append(t.Context(), entry("too early")); !errors.Is(err, syscall.EIO) {
		t.Fatalf("an entry was taken behind one that may not be on the disk: %v", err)
	}
	before, _ := os.Stat(j.path)
	if _, err := j.Replay(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(j.path); os.SameFile(before, after) {
		t.Error("the file was not written anew")
	}
	mustAppend(t, j, "second")
	wantAccepted(t, j, dir, "second")
}

func TestACompactionThatFailsDoesNotLoseTheEntryThatLedToIt(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, "production")
	if err != nil {
		t.Fatal(err)
	}
	j.tail.entries = compactEntries
	elsewhere := j.path
	j.path = filepath.Join(dir, "no", "such", "directory")
	mustAppend(t, j, "kept")
	j.path = elsewhere
	mustAppend(t, j, "and on")
	wantAccepted(t, j, dir, "and on")
}

func mustAppend(t *testing.T, j *Journal, revision string) {
	t.Helper()
	if err := j.Append(t.Context(), entry(revision)); err != nil {
		t.Fatal(err)
	}
}

func wantAccepted(t *testing.T, j *Journal, dir, want string) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir, "production")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	s, err := again.Replay(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Section("main").Accepted; got != want {
		t.Errorf("the file says %q, want %q", got, want)
	}
}

func FuzzReplay(f *testing.F) {
	var whole []byte
	for _, r := range []record{
		{Header: &header{Format: formatName, Version: Version, Cluster: "production"}},
		{Snapshot: &snapshot{Seq: 7, State: reconcile.NewState()}},
		{Entry: &reconcile.Entry{Seq: 8, Sync: "main", Accepted: "abc"}},
		{Entry: &reconcile.Entry{Seq: 9, Sync: "main", Intent: []reconcile.Change{{ID: reconcile.ID{Kind: "Topic", Name: "a"}, Action: reconcile.Create}}}},
		{Entry: &reconcile.Entry{Seq: 10, Sync: "main", Outcomes: []reconcile.Outcome{{ID: reconcile.ID{Kind: "Topic", Name: "a"}}}}},
	} {
		line, err := encode(r)
		if err != nil {
			f.Fatal(err)
		}
		whole = append(whole, line...)
		f.Add(whole)
	}
	f.Add(whole[:len(whole)-3])
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, _, err := fold(data, "production")
		if err != nil {
			return
		}
		again, _, err := fold(data[:l.size], "production")
		if err != nil || again.seq != l.seq || again.torn != 0 {
			t.Fatalf("the good part does not read as the whole did: %v", err)
		}
	})
}

// FuzzLine lets the fuzzer past the checksum, to what is in a line.
func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"snapshot":{"seq":1,"state":{"sections":{"main":{"owned":{"Topic/a":{}}}}}}}`))
	f.Add([]byte(`{"entry":{"seq":1,"sync":"main","intent":[{"id":"Topic/a","action":"delete"}]}}`))
	f.Add([]byte(`{"snapshot":{"seq":1,"state":{"sections":{"main":null}}}}`))
	f.Add([]byte(`{"snapshot":{"seq":1,"state":{"sections":{"main":{"owned":{"Topic/a":null}}}}}}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		head, _ := encode(record{Header: &header{Format: formatName, Version: Version, Cluster: "production"}})
		l, _, err := fold(append(append(head, sumOf(data)...), '\n'), "production")
		if err == nil {
			l.state.Fold(reconcile.Entry{Sync: "main", Intent: []reconcile.Change{{ID: reconcile.ID{Kind: "Topic", Name: "a"}, Action: reconcile.Delete}}})
		}
	})
}

func sumOf(data []byte) []byte {
	const digits = "0123456789abcdef"
	sum, out := checksum(data), make([]byte, 0, len(data)+sumLength+1)
	for shift := 28; shift >= 0; shift -= 4 {
		out = append(out, digits[sum>>shift&15])
	}
	return append(append(out, ' '), data...)
}
