package nodetest

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

// Canary stands in the secrets of golden documents and must come out nowhere.
const Canary = "canary-7731"

// Golden decodes the documents of every txtar file that matches: NAME.yaml is
// what people write, NAME.out what it becomes, errors and notes included. With
// update the latter are written anew.
func Golden(t *testing.T, pattern string, decoders []reconcile.Decoder, update bool) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden documents at %s: %v", pattern, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			fresh := goldenFile(t, archive, decoders, update)
			if !update {
				return
			}
			if err := os.WriteFile(path, txtar.Format(fresh), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func goldenFile(t *testing.T, archive *txtar.Archive, decoders []reconcile.Decoder, update bool) *txtar.Archive {
	wants := map[string]string{}
	for _, file := range archive.Files {
		wants[file.Name] = string(file.Data)
	}
	fresh := &txtar.Archive{Comment: archive.Comment}
	for _, file := range archive.Files {
		name, ok := strings.CutSuffix(file.Name, ".yaml")
		if !ok {
			continue
		}
		got := Decode(t, file.Name, string(file.Data), decoders)
		if want := wants[name+".out"]; !update && got != want {
			t.Errorf("%s\n got:\n%swant:\n%s", name, got, want)
		}
		fresh.Files = append(fresh.Files, file, txtar.File{Name: name + ".out", Data: []byte(got)})
	}
	return fresh
}

// Decode decodes YAML documents and prints what they become. Secrets and
// ConfigMaps among them answer what the others refer to.
func Decode(t testing.TB, file, text string, decoders []reconcile.Decoder) string {
	t.Helper()
	refs, rest, err := reconcile.NewReferences(Documents(t, file, text), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, doc := range rest {
		decoder := decoderOf(doc.Type(), decoders)
		if decoder == nil {
			t.Fatalf("%s: nothing reads %s", file, doc.Type())
		}
		first, err := decoder.Decode(doc, refs)
		second, again := decoder.Decode(doc, refs)
		if Print(first, err) != Print(second, again) {
			t.Errorf("%s: the same document decodes to\n%s and to\n%s", file, Print(first, err), Print(second, again))
		}
		out.WriteString(Print(first, err))
	}
	if all := out.String() + fmt.Sprintf("%+v %#v", rest, rest); strings.Contains(all, Canary) {
		t.Errorf("%s: a secret is printed:\n%s", file, all)
	}
	return out.String()
}

func decoderOf(kind string, decoders []reconcile.Decoder) reconcile.Decoder {
	for _, d := range decoders {
		if slices.Contains(d.Reads(), kind) {
			return d
		}
	}
	return nil
}

// Print is a decoder's answer for people and golden files.
func Print(d reconcile.Decoded, err error) string {
	var out strings.Builder
	if err != nil {
		fmt.Fprintf(&out, "error: %s\n", strings.ReplaceAll(err.Error(), "\n", "\nerror: "))
	}
	for _, r := range d.Resources {
		fmt.Fprintf(&out, "%s  %s\n", r.ID, places(r.Origins[""]))
		for _, field := range strict.Keys(r.Fields) {
			fmt.Fprintf(&out, "  %s = %s  %s\n", field, r.Fields[field], places(r.Origins[field]))
		}
	}
	for _, note := range d.Notes {
		fmt.Fprintf(&out, "note: %s\n", note)
	}
	return out.String()
}

func places(origins []reconcile.Origin) string {
	var at []string
	for _, o := range origins {
		at = append(at, o.String())
	}
	return strings.Join(at, " ")
}

// Kinds holds the laws of the descriptors of document kinds: each is read by a
// decoder, its example decodes, and every field is documented.
func Kinds(t *testing.T, kinds []reconcile.DocumentKind, decoders []reconcile.Decoder) {
	t.Helper()
	for _, kind := range kinds {
		t.Run(kind.Kind, func(t *testing.T) {
			for _, name := range kind.Types() {
				if decoderOf(name, decoders) == nil {
					t.Errorf("nothing reads %s", name)
				}
			}
			if kind.Doc == "" || strict.KindSchema(kind).Title != kind.Kind {
				t.Error("it is not described")
			}
			for _, f := range strict.Fields(reflect.TypeOf(kind.Spec)) {
				if f.Doc == "" {
					t.Errorf("%s is not described", f.Path)
				}
			}
			node := Node(t, kind.Example)
			if err := strict.Into(node, reflect.New(reflect.TypeOf(kind.Spec)).Interface()); err != nil {
				t.Errorf("its example does not decode: %v", err)
			}
		})
	}
}
