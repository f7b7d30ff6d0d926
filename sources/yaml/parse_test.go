package yaml

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/reconcile"
)

// show spells a node compactly: kind letters, text and lines.
func show(n reconcile.Node) string {
	switch n.Kind {
	case reconcile.MapNode:
		var parts []string
		for _, f := range n.Fields {
			parts = append(parts, fmt.Sprintf("%s@%d=%s", f.Key, f.Line, show(f.Value)))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case reconcile.ListNode:
		var parts []string
		for _, i := range n.Items {
			parts = append(parts, show(i))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case reconcile.NullNode:
		return "null"
	default:
		return fmt.Sprintf("%s(%s)", n.Kind, n.Text())
	}
}

func TestParseReadsValuesAsKubernetesDoes(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"strings":              {"a: x\nb: 'y'\nc: \"1\"", `{a@1=string(x) b@2=string(y) c@3=string(1)}`},
		"yes and on":           {"a: yes\nb: on\nc: no", `{a@1=string(yes) b@2=string(on) c@3=string(no)}`},
		"booleans":             {"a: true\nb: False", `{a@1=boolean(true) b@2=boolean(false)}`},
		"numbers as written":   {"a: 604800000\nb: 6.048e8\nc: -1\nd: 0", `{a@1=number(604800000) b@2=number(6.048e8) c@3=number(-1) d@4=number(0)}`},
		"other bases":          {"a: 0644\nb: 0x1F\nc: 1_000\nd: 0o17\ne: 0b11", `{a@1=number(420) b@2=number(31) c@3=number(1000) d@4=number(15) e@5=number(3)}`},
		"null":                 {"a: null\nb: ~\nc:", `{a@1=null b@2=null c@3=null}`},
		"a date is a string":   {"a: 2026-01-02", `{a@1=string(2026-01-02)}`},
		"core tags":            {"a: !!str 1\nb: !!map {}", `{a@1=string(1) b@2={}}`},
		"quoted keys":          {"\"1\": x\n'true': y", `{1@1=string(x) true@2=string(y)}`},
		"block text":           {"a: |\n  one\n  two\nb: x", "{a@1=string(one\ntwo\n) b@4=string(x)}"},
		"alias":                {"a: &x [1, 2]\nb: *x", `{a@1=[number(1) number(2)] b@2=[number(1) number(2)]}`},
		"merge":                {"a: &x {p: 1, q: 2}\nb:\n  q: 3\n  <<: *x", `{a@1={p@1=number(1) q@1=number(2)} b@2={q@3=number(3) p@1=number(1)}}`},
		"merge list":           {"- &x {p: 1}\n- &y {p: 2, r: 5}\n- <<: [*x, *y]", `[{p@1=number(1)} {p@2=number(2) r@2=number(5)} {p@1=number(1) r@2=number(5)}]`},
		"json":                 {"{\"a\": [1, true, null],\n\t\"b\": \"\\u00e9\\/x\"}", `{a@1=[number(1) boolean(true) null] b@2=string(é/x)}`},
		"byte order mark":      {"\ufeffa: 1", `{a@1=number(1)}`},
		"windows line endings": {"a: 1\r\nb: x\r\n", `{a@1=number(1) b@2=string(x)}`},
	} {
		t.Run(name, func(t *testing.T) {
			nodes, err := Parse([]byte(tc.in), "f.yaml", 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(nodes) != 1 || show(nodes[0]) != tc.want {
				t.Errorf("got  %s\nwant %s", show(nodes[0]), tc.want)
			}
		})
	}
}

func TestParseDropsEmptyDocumentsAndCountsLinesOfTheFile(t *testing.T) {
	in := "---\n# only a comment\n---\na: 1\n---\n\n---\nb: 2\n...\n"
	nodes, err := Parse([]byte(in), "f.yaml", 101)
	if err != nil {
		t.Fatal(err)
	}
	if len(nodes) != 2 || nodes[0].Line != 104 || nodes[1].Fields[0].Line != 108 {
		t.Errorf("got %v", nodes)
	}
	empty, err := Parse(nil, "f.yaml", 1)
	if err != nil || len(empty) != 0 {
		t.Errorf("an empty text gave %v, %v", empty, err)
	}
}

func TestParseErrorsNameTheLineAndNoValue(t *testing.T) {
	const canary = "hunter2canary"
	for name, tc := range map[string]struct {
		in, want string
		line     int
	}{
		"duplicate key":       {"a: 1\nb: 2\na: " + canary, `key "a" is given twice, first in line 11`, 13},
		"number as key":       {"1: " + canary, "a key must be a string", 11},
		"boolean as key":      {"true: " + canary, "a key must be a string", 11},
		"list as key":         {"[x]: " + canary, "a key must be a string", 11},
		"own tag":             {"a: !secret " + canary, "a tag of its own", 11},
		"binary":              {"a: !!binary aHVudGVyMg==", "a tag of its own", 11},
		"tagged mapping":      {"a: !x {b: " + canary + "}", "a tag of its own", 11},
		"merge of a text":     {"a:\n  <<: " + canary, "a merge key (<<) needs a mapping", 12},
		"unclosed quote":      {"a: 1\nb: \"" + canary, "not valid YAML", 12},
		"bad indent":          {"a:\n  b: 1\n c: " + canary, "not valid YAML", 13},
		"tab":                 {"a:\n\tb: " + canary, "not valid YAML", 12},
		"unknown anchor":      {"a: *nowhere", "not valid YAML", 11},
		"cycle":               {"a: &x [*x]", "", 11},
		"wrongly typed value": {"a: !!int " + canary, "or one that the value is not", 11},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tc.in), "dir/f.yaml", 11)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("no *Error but %v", err)
			}
			if e.Line != tc.line || e.File != "dir/f.yaml" || !strings.Contains(e.Text, tc.want) {
				t.Errorf("got %v, want line %d %q", err, tc.line, tc.want)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, e), canary) {
				t.Errorf("the value is in the error: %v", err)
			}
		})
	}
}

func TestParseBoundsAliasExpansion(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [", i, i)
		for range 10 {
			fmt.Fprintf(&b, "*a%d, ", i-1)
		}
		b.WriteString("]\n")
	}
	_, err := Parse([]byte(b.String()), "f.yaml", 1)
	if err == nil {
		t.Fatal("ten to the tenth values were expanded")
	}
}

func TestParseRefusesDeepNesting(t *testing.T) {
	_, err := Parse([]byte(strings.Repeat("[", 1000)+strings.Repeat("]", 1000)), "f.yaml", 1)
	if err == nil || !strings.Contains(err.Error(), "deep") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a: 1\n---\nb: [x, {c: d}]\n", "{\"a\": null}", "a: &x {b: 1}\nc: {<<: *x}", "a: !!int 0x1f",
		"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: s}\n",
		"kind: 1\nmetadata: [x]", "? [a]\n: b", "a: |+\n x\n\n", "\ufeff%YAML 1.2\n---\nx: ~", "&a [*a]", "<<: {a: 1}",
		"apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata:\n  name: orders\n  labels: {a: b}\nspec:\n  config: {retention.ms: 6.048e8}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		nodes, err := Parse(data, "f.yaml", 1)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("an error without a file: %v", err)
		}
		docs, err := Documents(nodes, "f.yaml")
		for _, d := range docs {
			if d.Name == "" || d.Kind == "" || d.APIVersion == "" {
				t.Fatalf("a document without identity: %+v", d)
			}
		}
		_ = err
	})
}
