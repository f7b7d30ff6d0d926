package kustomize

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources/yaml"
)

// variables replaces ${NAME} in the scalars of a parsed document; keys are left
// alone. Where ${NAME} is the whole of a plain scalar, the value is read as
// YAML would read it: a number becomes a number. What Kubernetes knows as text
// (metadata, data, stringData) stays text. $${NAME} stands for ${NAME}.
type variables struct {
	values  map[string]string
	file    string
	lenient bool // an unknown name stays as it is (Templates)
	text    bool // nothing is typed here
	secret  bool // these are a Secret's values: what stands in them is never told
	errs    []error
}

// body replaces in a whole document.
func (v *variables) body(re *regexp.Regexp, n reconcile.Node) reconcile.Node {
	fields := make([]reconcile.Field, len(n.Fields))
	for i, f := range n.Fields {
		values := f.Key == "data" || f.Key == "stringData"
		v.text, v.secret = values || f.Key == "metadata", values && isSecret(n)
		fields[i] = reconcile.Field{Key: f.Key, Line: f.Line, Value: v.node(re, f.Value)}
	}
	n.Fields = fields
	return n
}

func isSecret(n reconcile.Node) bool {
	kind, _ := n.Get("kind")
	return kind.Text() == "Secret"
}

// braces finds $${…}, ${{…}} and ${…}.
func braces() *regexp.Regexp {
	return regexp.MustCompile(`\$?\$\{\{[A-Za-z_][A-Za-z0-9_]*\}\}|\$?\$\{[A-Za-z_][A-Za-z0-9_]*\}`)
}

// substitute replaces variables in all documents. What is unset is told for
// every place at once.
func substitute(docs []reconcile.Document, values map[string]string) ([]reconcile.Document, error) {
	var errs []error
	out := make([]reconcile.Document, 0, len(docs))
	re := braces()
	for _, d := range docs {
		v := variables{values: values, file: d.Origin.File}
		d.Body = v.body(re, d.Body)
		errs = append(errs, v.errs...)
		again, err := identified(d)
		out, errs = append(out, again...), append(errs, err)
	}
	return out, errors.Join(errs...)
}

// identified reads what identifies a document again, after its body changed.
func identified(d reconcile.Document) ([]reconcile.Document, error) {
	docs, err := yaml.Documents([]reconcile.Node{d.Body}, d.Origin.File)
	for i := range docs {
		if docs[i].Origin.Line == 0 {
			docs[i].Origin.Line = d.Origin.Line
		}
	}
	return docs, err
}

func (v *variables) node(re *regexp.Regexp, n reconcile.Node) reconcile.Node {
	switch n.Kind {
	case reconcile.MapNode:
		fields := make([]reconcile.Field, len(n.Fields))
		for i, f := range n.Fields {
			fields[i] = reconcile.Field{Key: f.Key, Line: f.Line, Value: v.node(re, f.Value)}
		}
		n.Fields = fields
	case reconcile.ListNode:
		items := make([]reconcile.Node, len(n.Items))
		for i, item := range n.Items {
			items[i] = v.node(re, item)
		}
		n.Items = items
	case reconcile.StringNode:
		if strings.Contains(n.Text(), "${") {
			return v.scalar(re, n)
		}
	}
	return n
}

func (v *variables) scalar(re *regexp.Regexp, n reconcile.Node) reconcile.Node {
	whole := re.FindString(n.Text()) == n.Text() && !strings.HasPrefix(n.Text(), "$$")
	typed := !v.lenient || strings.HasPrefix(n.Text(), "${{")
	filled := re.ReplaceAllStringFunc(n.Text(), func(ref string) string {
		if strings.HasPrefix(ref, "$$") {
			return ref[1:]
		}
		name := strings.Trim(ref, "${}")
		value, ok := v.values[name]
		if !ok && !v.lenient {
			v.errs = append(v.errs, v.unset(n.Line, name))
		}
		if !ok {
			return ref
		}
		return value
	})
	n = reconcile.ScalarNode(n.Kind, filled, n.Line)
	if whole && typed && !v.text {
		return typedNode(n)
	}
	return n
}

// unset says that a variable has no value. In a Secret its name may be a piece
// of a password.
func (v *variables) unset(line int, name string) error {
	text := fmt.Sprintf("variable ${%s} is not set: add it to substitute, or write $${%s} for the text itself", name, name)
	if v.secret {
		text = "a variable ${…} in a Secret's value is not set: add it to substitute, or write $${…} for the text itself"
	}
	return &yaml.Error{File: v.file, Line: line, Text: text}
}

// typedNode reads a text as the plain YAML scalar it would have been.
func typedNode(n reconcile.Node) reconcile.Node {
	nodes, err := yaml.Parse([]byte("v: "+n.Text()), "", 1)
	if err != nil || len(nodes) != 1 || len(nodes[0].Fields) != 1 {
		return n
	}
	switch v := nodes[0].Fields[0].Value; v.Kind {
	case reconcile.BoolNode, reconcile.IntNode, reconcile.FloatNode:
		v.Line = n.Line
		return v
	}
	return n
}
