package layout

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sources/yaml"
)

func documents() []Document {
	var out []Document
	for _, d := range [][3]string{
		{"KafkaTopic", "orders", "orders"}, {"KafkaTopic", "orders.dead-letters", "orders.dead-letters"}, {"KafkaTopic", "kustomization", "kustomization"},
		{"KafkaUser", "Bob", "Bob"}, {"KafkaUser", "bob", "bob"}, {"AccessRule", "everybody", "*"}, {"ClientQuota", "ip-10.0.0.1", ""}, {"BrokerConfig", "all-brokers", ""},
	} {
		out = append(out, Document{d[0], d[1], d[2], map[string]any{"apiVersion": "v1", "kind": d[0], "metadata": map[string]any{"name": d[1]}}})
	}
	return out
}

func paths(t *testing.T, docs []Document, split Split) []string {
	t.Helper()
	files, err := Files(docs, split)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		out = append(out, f.Path)
	}
	return out
}

func TestDocumentsShareFilesAsIsAsked(t *testing.T) {
	for split, want := range map[Split]string{
		ByKind:   "access.yaml brokers.yaml quotas.yaml topics.yaml users.yaml",
		ByTopic:  "access/everybody.yaml brokers/all-brokers.yaml quotas/ip-10.0.0.1.yaml topics/orders.dead-letters.yaml topics/orders.yaml topics/the-kustomization.yaml users/bob-2.yaml users/bob.yaml",
		ByPrefix: "bob/users.yaml cluster/access.yaml cluster/brokers.yaml cluster/quotas.yaml orders/topics.yaml the-kustomization/topics.yaml",
	} {
		if got := strings.Join(paths(t, documents(), split), " "); got != want {
			t.Errorf("%s: %s\nwant %s", split, got, want)
		}
	}
}

func TestNamesThatLookLikeSomethingElseStayStrings(t *testing.T) {
	for _, name := range []string{"null", "true", "yes", "on", "123", "0x1F", "1e3", "~", "- x", "a: b", "#", "é", "1_000", "2026-01-01", "=", ".inf"} {
		files, err := Files([]Document{{Kind: "KafkaUser", Name: name, Body: map[string]any{"name": name}}}, ByKind)
		if err != nil {
			t.Fatal(err)
		}
		nodes, err := yaml.Parse(files[0].Text, "x.yaml", 1)
		if err != nil || len(nodes) != 1 {
			t.Fatalf("%q: %v\n%s", name, err, files[0].Text)
		}
		if v, _ := nodes[0].Get("name"); v.Kind.String() != "string" || v.Text() != name {
			t.Errorf("%q comes back as %s %q:\n%s", name, v.Kind, v.Text(), files[0].Text)
		}
	}
}

func TestAFileIsCutBeforeItIsTooLargeToBeRead(t *testing.T) {
	var docs []Document
	for i := range 3000 {
		docs = append(docs, Document{"KafkaTopic", fmt.Sprint("t", i), "t", map[string]any{"x": strings.Repeat("y", 900)}})
	}
	files, err := Files(docs, ByKind)
	if err != nil || len(files) != 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	total := 0
	for _, f := range files {
		total += strings.Count(string(f.Text), "yyy\n")
		if len(f.Text) > maxFile || strings.HasPrefix(string(f.Text), "---") {
			t.Errorf("%s: %d bytes", f.Path, len(f.Text))
		}
	}
	if total != len(docs) {
		t.Errorf("%d documents are written", total)
	}
}

func TestNothingIsOverwrittenUnlessForced(t *testing.T) {
	dir := t.TempDir()
	files := []File{{"a.yaml", []byte("new")}, {"b/c.yaml", []byte("new")}}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "b", "c.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, files, false); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("it overwrites: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a.yaml")); err == nil {
		t.Error("a part was written")
	}
	if err := Write(dir, files, true); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range []string{outside, filepath.Join(dir, "b", "c.yaml"), filepath.Join(dir, "a.yaml")} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(text))
	}
	if !slices.Equal(got, []string{"old", "new", "new"}) {
		t.Errorf("%q", got)
	}
}
