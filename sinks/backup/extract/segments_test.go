package extract_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/extract"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// files are the names below a folder with their bytes.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		out[filepath.ToSlash(rel)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// spell lists the records of a segment by offset, time and value.
func spell(t *testing.T, b []byte) string {
	t.Helper()
	var out []string
	for len(b) > 0 {
		_, one, rest, err := batch.Next(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := batch.NewDecoder().Records(one, func(r batch.Record) error {
			out = append(out, fmt.Sprintf("%d@%d=%s", r.Offset, r.Timestamp, r.Value))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		b = rest
	}
	return strings.Join(out, " ")
}

func TestSegmentsHoldTheBatchesAsTheyAre(t *testing.T) {
	w := newWorld(t)
	first, second := w.at(batch.Zstd, 0, numbers(0, 3)...), logAppend(w.at(batch.LZ4, 7, numbers(7, 2)...), 77)
	p := w.commit([]format.Topic{topic("orders", 0, 0, 9), topic("empty", 4, 4, 4)},
		stretch{topic: "orders", first: 0, batches: [][]byte{first}, next: 5},
		stretch{topic: "orders", first: 5, batches: [][]byte{second}, next: 9})
	dir := filepath.Join(t.TempDir(), "new", "folder")
	var done, total int64
	report, err := extract.Segments(t.Context(), extract.Options{Repository: w.repo, Point: p, Progress: func(d, all int64) { done, total = d, all }}, dir)
	if err != nil {
		t.Fatal(err)
	}
	got := files(t, dir)
	if len(got) != 2 || !bytes.Equal(got["orders-0/00000000000000000000.log"], slices.Concat(first, second)) {
		t.Errorf("files %v", keys(got))
	}
	if b, ok := got["empty-0/00000000000000000004.log"]; !ok || len(b) != 0 {
		t.Errorf("an empty partition: %v", keys(got))
	}
	if report.Files != 2 || report.Records != 5 || report.Bytes != int64(len(first)+len(second)) || done != total || done == 0 {
		t.Errorf("report %+v, progress %d of %d", report, done, total)
	}
}

func keys(m map[string][]byte) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// The log start moved into a batch, and the partition was truncated within another.
func TestBatchesThatReachOverTheRangeAreCut(t *testing.T) {
	for _, codec := range []batch.Codec{batch.None, batch.Gzip, batch.Snappy, batch.LZ4, batch.Zstd} {
		w := newWorld(t)
		w.commit([]format.Topic{topic("orders", 0, 0, 12)},
			stretch{topic: "orders", first: 0, batches: [][]byte{w.at(codec, 0, numbers(0, 6)...), w.at(codec, 6, numbers(6, 6)...)}, next: 12})
		p := w.commit([]format.Topic{topic("orders", 2, 8, 10)},
			stretch{topic: "orders", first: 8, batches: [][]byte{w.at(codec, 8, numbers(108, 2)...)}, next: 10})
		dir := t.TempDir()
		report, err := extract.Segments(t.Context(), extract.Options{Repository: w.repo, Point: p}, dir)
		if err != nil {
			t.Fatal(err)
		}
		want := "2@1002=2 3@1003=3 4@1004=4 5@1005=5 6@1006=6 7@1007=7 8@1108=108 9@1109=109"
		if got := spell(t, files(t, dir)["orders-0/00000000000000000002.log"]); got != want || report.Records != 8 {
			t.Errorf("%s: %s\n%d records, files %v", codec, got, report.Records, keys(files(t, dir)))
		}
		var lines bytes.Buffer
		if r, err := extract.JSON(t.Context(), extract.Options{Repository: w.repo, Point: p}, &lines); err != nil || r.Records != 8 || strings.Count(lines.String(), "\n") != 8 {
			t.Errorf("%s: JSON: %v, %+v", codec, err, r)
		}
	}
}

// A partition whose log start lies within a batch is copied from that batch on:
// the fetch gives the whole of it.
func TestAFrameMayBeginAndEndWithinABatch(t *testing.T) {
	w := newWorld(t)
	p := w.commit([]format.Topic{topic("orders", 3, 3, 8)},
		stretch{topic: "orders", first: 3, batches: [][]byte{w.at(batch.LZ4, 0, numbers(0, 5)...), w.at(batch.LZ4, 5, numbers(5, 5)...)}, next: 8})
	dir := t.TempDir()
	if _, err := extract.Segments(t.Context(), extract.Options{Repository: w.repo, Point: p}, dir); err != nil {
		t.Fatal(err)
	}
	if got := spell(t, files(t, dir)["orders-0/00000000000000000003.log"]); got != "3@1003=3 4@1004=4 5@1005=5 6@1006=6 7@1007=7" {
		t.Errorf("%s, files %v", got, keys(files(t, dir)))
	}
}

func TestFilesRollBySizeAndByOffset(t *testing.T) {
	w := newWorld(t)
	one := func(offset int64) []byte { return w.at(batch.None, offset, numbers(offset, 1)...) }
	const far = 1 << 32 // more than a segment counts
	p := w.commit([]format.Topic{topic("orders", 0, 0, far+1)},
		stretch{topic: "orders", first: 0, batches: [][]byte{one(0), one(1), one(2), one(far)}, next: far + 1})
	size := int64(len(one(0)))
	for limit, want := range map[int64]string{
		10 * size: "orders-0/00000000000000000000.log orders-0/00000000004294967296.log",
		2 * size:  "orders-0/00000000000000000000.log orders-0/00000000000000000002.log orders-0/00000000004294967296.log",
		1:         "orders-0/00000000000000000000.log orders-0/00000000000000000001.log orders-0/00000000000000000002.log orders-0/00000000004294967296.log",
	} {
		dir := t.TempDir()
		if _, err := extract.SegmentsOf(t.Context(), extract.Options{Repository: w.repo, Point: p}, dir, limit); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(keys(files(t, dir)), " "); got != want {
			t.Errorf("limit %d: %s", limit, got)
		}
	}
}

func TestTopicsAreChosenByPattern(t *testing.T) {
	w := newWorld(t)
	p := w.commit([]format.Topic{topic("audit.events", 0, 0, 0), topic("auditXevents", 0, 0, 0), topic("orders", 0, 0, 0)})
	for patterns, want := range map[string]string{
		"":                    "audit.events-0 auditXevents-0 orders-0",
		"audit.events":        "audit.events-0",
		"audit*":              "audit.events-0 auditXevents-0",
		"orders,audit.events": "audit.events-0 orders-0",
	} {
		dir := t.TempDir()
		o := extract.Options{Repository: w.repo, Point: p}
		if patterns != "" {
			o.Topics = strings.Split(patterns, ",")
		}
		if _, err := extract.Segments(t.Context(), o, dir); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range keys(files(t, dir)) {
			got = append(got, filepath.Dir(name))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v", patterns, got)
		}
	}
	for _, wrong := range []string{"nobody", "[", "order"} {
		if _, err := extract.Segments(t.Context(), extract.Options{Repository: w.repo, Point: p, Topics: []string{wrong}}, t.TempDir()); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

func TestNothingIsWrittenBesideOtherFiles(t *testing.T) {
	w := newWorld(t)
	p := w.commit([]format.Topic{topic("orders", 0, 0, 0)})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := extract.Segments(t.Context(), extract.Options{Repository: w.repo, Point: p}, dir); err == nil || len(files(t, dir)) != 1 {
		t.Errorf("%v, files %v", err, keys(files(t, dir)))
	}
}

func TestANameThatIsNoTopicLeavesTheFolderAlone(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"..", ".", "../../etc", "a/b", "", "x\x00"} {
		p := &repository.Point{Manifest: format.Manifest{Topics: []format.Topic{{Name: name}}}}
		dir := filepath.Join(t.TempDir(), "out")
		_, err := extract.Segments(t.Context(), extract.Options{Repository: w.repo, Point: p}, dir)
		if !errors.Is(err, repository.ErrDamaged) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: the folder was made", name)
		}
	}
}

func TestAFrameThatIsNotWhatItSaysIsDamage(t *testing.T) {
	for name, batches := range map[string]func(w *world) [][]byte{
		"before its frame": func(w *world) [][]byte { return [][]byte{w.at(batch.None, 1, numbers(1, 4)...)} },
		"behind its frame": func(w *world) [][]byte { return [][]byte{w.at(batch.None, 10, numbers(10, 3)...)} },
		"out of order": func(w *world) [][]byte {
			return [][]byte{w.at(batch.None, 6, numbers(6, 2)...), w.at(batch.None, 5, numbers(5, 1)...)}
		},
	} {
		w := newWorld(t)
		p := w.commit([]format.Topic{topic("orders", 5, 5, 10)}, stretch{topic: "orders", first: 5, batches: batches(w), next: 10})
		_, err := extract.Segments(t.Context(), extract.Options{Repository: w.repo, Point: p}, t.TempDir())
		if !errors.Is(err, repository.ErrDamaged) || !strings.Contains(err.Error(), "orders-0") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnExtractEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	p := w.commit([]format.Topic{topic("orders", 0, 0, 3)}, stretch{topic: "orders", batches: [][]byte{w.at(batch.None, 0, numbers(0, 3)...)}, next: 3})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := extract.Segments(ctx, extract.Options{Repository: w.repo, Point: p}, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
