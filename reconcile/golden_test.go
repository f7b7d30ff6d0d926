package reconcile

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the plans say now into testdata")

// Each file holds want, have, owned and the plan that follows from them, as
// people see it.
func TestPlansReadAsInTestdata(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var w world
	wanted := ""
	for _, f := range archive.Files {
		text := string(f.Data)
		switch f.Name {
		case "want":
			w.want = text
		case "have":
			w.have = text
		case "owned":
			w.owned = text
		case "unknown":
			for line := range strings.Lines(text) {
				name, reason, _ := strings.Cut(strings.TrimSpace(line), " ")
				kind, thing, _ := strings.Cut(name, "/")
				w.unknown = append(w.unknown, Unobserved{ID{kind, thing}, reason})
			}
		case "plan":
			wanted = text
		default:
			t.Fatalf("unknown section %s", f.Name)
		}
	}
	var got strings.Builder
	plan := w.plan(t).Guarded(Deletions(map[string]bool{"Topic": true, "ScramCredential": true}), Wipe(WipeLimits{Topics: 5, Percent: 20, TopicKind: "Topic"}))
	plan.Text(&got, Style{})
	if *update {
		rewrite(t, file, archive, got.String())
		return
	}
	if got.String() != wanted {
		t.Errorf("the plan reads\n%s\nwant\n%s", got.String(), wanted)
	}
}

func rewrite(t *testing.T, file string, archive *txtar.Archive, plan string) {
	kept := archive.Files[:0]
	for _, f := range archive.Files {
		if f.Name != "plan" {
			kept = append(kept, f)
		}
	}
	archive.Files = append(kept, txtar.File{Name: "plan", Data: []byte(plan)})
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
