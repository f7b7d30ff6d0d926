package journal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/agent/journal"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/ledgertest"
	"github.com/ottla-io/ottla/sources"
)

func open(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir, "production")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func replay(t *testing.T, j *journal.Journal) *reconcile.State {
	t.Helper()
	s, err := j.Replay(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// accepted is an entry that shows in the state.
func accepted(n int) reconcile.Entry {
	return reconcile.Entry{Time: time.Unix(int64(n), 0).UTC(), Sync: "main", Accepted: strconv.Itoa(n)}
}

// created is an intent and its outcome: the thing is owned afterwards.
func created(n int) []reconcile.Entry {
	id := reconcile.ID{Kind: "Topic", Name: fmt.Sprintf("t%d", n)}
	change := reconcile.Change{ID: id, Action: reconcile.Create, Fields: []reconcile.FieldChange{{Name: "partitions", To: reconcile.TextOf("3")}}}
	at := time.Unix(int64(n), 0).UTC()
	return []reconcile.Entry{
		{Time: at, Sync: "main", Intent: []reconcile.Change{change}},
		{Time: at, Sync: "main", Outcomes: []reconcile.Outcome{{ID: id, UID: "u"}}},
	}
}

func add(t *testing.T, j *journal.Journal, entries ...reconcile.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := j.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func asJSON(t *testing.T, s *reconcile.State) string {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheFileKeepsTheLawsOfALedger(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) ledgertest.Open {
		dir := t.TempDir()
		return func(t *testing.T) ledgertest.Ledger { return open(t, dir) }
	})
}

func TestALongLedgerIsCompactedAndSaysTheSame(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	for n := range 520 {
		add(t, j, created(n%50)...)
	}
	want := asJSON(t, replay(t, j))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(data, []byte("\n")); lines > 200 {
		t.Errorf("the file still has %d lines", lines)
	}
	again := open(t, dir)
	if got := asJSON(t, replay(t, again)); got != want {
		t.Errorf("compacted:\n%s\nwritten:\n%s", got, want)
	}
	add(t, again, accepted(1))
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(left) != 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

func TestALineThatACrashCutOffIsDropped(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	add(t, j, accepted(1), accepted(2))
	_ = j.Close()
	whole, err := os.ReadFile(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for cut := last; cut < len(whole); cut++ {
		if err := os.WriteFile(j.Path(), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		again := open(t, dir)
		if got := replay(t, again).Section("main").Accepted; got != "1" || again.Dropped() != cut-last {
			t.Fatalf("cut at %d: accepted %q, %d bytes dropped", cut, got, again.Dropped())
		}
		add(t, again, accepted(3))
		_ = again.Close()
		third := open(t, dir)
		if got := replay(t, third).Section("main").Accepted; got != "3" {
			t.Fatalf("cut at %d: what was appended behind it reads %q", cut, got)
		}
		_ = third.Close()
	}
}

func TestDamageIsAnErrorThatNamesLineAndWayOut(t *testing.T) {
	for name, tc := range map[string]struct {
		damage func(lines []string) []string
		want   string
	}{
		"a flipped byte":        {func(l []string) []string { l[2] = strings.Replace(l[2], "main", "mian", 1); return l }, "line 3: its checksum does not match"},
		"a flipped last byte":   {func(l []string) []string { l[4] = strings.Replace(l[4], "main", "mian", 1); return l }, "line 5: its checksum does not match"},
		"a line is gone":        {func(l []string) []string { return append(l[:2], l[3:]...) }, "line 3: entry 2 follows entry 0"},
		"a line is twice there": {func(l []string) []string { l[3] = l[2]; return l }, "line 4: entry 1 follows entry 1"},
		"the header is gone":    {func(l []string) []string { return l[1:] }, "line 1: the header belongs into the first line"},
		"something else":        {func([]string) []string { return []string{"hello\n"} }, "line 1: is not a line of a ledger"},
		"only a cut header":     {func(l []string) []string { return []string{l[0][:10]} }, "line 1: it has no header"},
		"nothing":               {func([]string) []string { return nil }, "line 1: the file is empty"},
		"zeros in the middle":   {func(l []string) []string { l[2] = strings.Repeat("\x00", 9) + "\n"; return l }, "line 3: is not a line of a ledger"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir)
			add(t, j, accepted(1), accepted(2), accepted(3))
			_ = j.Close()
			data, _ := os.ReadFile(j.Path())
			damaged := strings.Join(tc.damage(strings.SplitAfter(string(data), "\n")), "")
			if err := os.WriteFile(j.Path(), []byte(damaged), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := journal.Open(dir, "production")
			wantError(t, err, tc.want, j.Path())
			var hint *sources.HintError
			if !errors.As(err, &hint) || !strings.Contains(hint.Hint, "nothing will be deleted") {
				t.Errorf("no way out: %v", err)
			}
			if after, _ := os.ReadFile(j.Path()); string(after) != damaged {
				t.Error("the damaged file was changed")
			}
		})
	}
}

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("got %v, want %q", err, w)
		}
	}
}

func TestALedgerOfANewerVersionOrAnotherClusterIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ header, want string }{
		"newer":   {`{"header":{"format":"ottla-ledger","version":99,"cluster":"production"}}`, "was written by a newer version: it is of format 99, and this one reads up to 1"},
		"another": {`{"header":{"format":"ottla-ledger","version":1,"cluster":"staging"}}`, `it is the ledger of cluster "staging", not of "production"`},
		"none":    {`{"header":{"format":"x","version":1,"cluster":"production"}}`, `"x" version 1 is not a ledger`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "production.ledger"), line(tc.header), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := journal.Open(dir, "production")
			wantError(t, err, tc.want)
		})
	}
}

func TestASecondAgentIsToldWhoHasTheLedger(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	_, err := journal.Open(dir, "production")
	if !errors.Is(err, journal.ErrLocked) {
		t.Fatalf("got %v", err)
	}
	wantError(t, err, "is in use by another agent", fmt.Sprintf("pid %d", os.Getpid()))
	if _, err := journal.Open(dir, "staging"); err != nil {
		t.Errorf("another cluster's ledger is not free: %v", err)
	}
	_ = j.Close()
	open(t, dir)

	unlock, err := journal.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.LockDir(dir); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("the directory was locked twice: %v", err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

func TestAClosedLedgerTakesNothing(t *testing.T) {
	j := open(t, t.TempDir())
	if err := errors.Join(j.Close(), j.Close()); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), accepted(1)); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, err := j.Replay(t.Context()); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestAClusterThatCannotNameAFileIsRefused(t *testing.T) {
	for _, name := range []string{"", "../x", "a/b", ".", ".hidden"} {
		if j, err := journal.Open(t.TempDir(), name); err == nil {
			_ = j.Close()
			t.Errorf("%q was taken", name)
		}
	}
}

func TestNoSecretReachesTheFile(t *testing.T) {
	j := open(t, t.TempDir())
	change := reconcile.Change{
		ID: reconcile.ID{Kind: "ScramCredential", Name: "bob|SCRAM-SHA-512"}, Action: reconcile.Create,
		Fields: []reconcile.FieldChange{{Name: "password", To: reconcile.SecretOf("canary-4711")}},
	}
	add(t, j, reconcile.Entry{Sync: "main", Intent: []reconcile.Change{change}})
	if data, _ := os.ReadFile(j.Path()); bytes.Contains(data, []byte("canary-4711")) {
		t.Errorf("the file holds the password:\n%s", data)
	}
	if info, err := os.Stat(j.Path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

func TestTheSealKeyIsMadeOnceAndKeptPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	first, err := journal.Key(dir)
	if err != nil || len(first) != 32 {
		t.Fatalf("%d bytes, %v", len(first), err)
	}
	if again, err := journal.Key(dir); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the second key differs, %v", err)
	}
	path := filepath.Join(dir, "seal.key")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file is %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = journal.Key(dir)
	wantError(t, err, "is damaged")
}

// TestAKilledWriterLosesNothingItWasPromised kills a process in the middle of
// appending, again and again, and holds it to every entry it reported.
func TestAKilledWriterLosesNothingItWasPromised(t *testing.T) {
	if dir := os.Getenv("OTTLA_TEST_APPEND_IN"); dir != "" {
		appendForEver(t, dir)
		return
	}
	dir := t.TempDir()
	for round := range 5 {
		promised := runAndKill(t, dir, 5+round*100)
		j := open(t, dir)
		if got := replay(t, j).Section("main").Accepted; got != strconv.Itoa(promised) && got != strconv.Itoa(promised+1) {
			t.Fatalf("round %d: entry %d was promised, %s is there", round, promised, got)
		}
		_ = j.Close()
	}
}

// appendForEver appends entries and prints each number once it is safe.
func appendForEver(t *testing.T, dir string) {
	j := open(t, dir)
	n, _ := strconv.Atoi(replay(t, j).Section("main").Accepted)
	for {
		n++
		add(t, j, accepted(n))
		fmt.Printf("safe %d\n", n)
	}
}

// runAndKill starts a writer, kills it after so many promises and returns the
// last one.
func runAndKill(t *testing.T, dir string, after int) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAKilledWriterLosesNothingItWasPromised$")
	cmd.Env = append(os.Environ(), "OTTLA_TEST_APPEND_IN="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	for buf := make([]byte, 4096); bytes.Count(seen.Bytes(), []byte("\n")) < after; {
		n, err := out.Read(buf)
		seen.Write(buf[:n])
		if err != nil {
			t.Fatalf("the writer ended by itself: %v\n%s", err, seen.String())
		}
	}
	_ = cmd.Process.Kill()
	_, _ = io.Copy(&seen, out)
	_ = cmd.Wait()
	lines := strings.Split(strings.TrimSpace(seen.String()[:strings.LastIndexByte(seen.String(), '\n')+1]), "\n")
	last, err := strconv.Atoi(strings.TrimPrefix(lines[len(lines)-1], "safe "))
	if err != nil {
		t.Fatal(err)
	}
	return last
}

func TestAnEndedContextAppendsNothing(t *testing.T) {
	j := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Append(ctx, accepted(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// line is JSON with the sum that a ledger's lines begin with.
func line(text string) []byte {
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)), text)
}
