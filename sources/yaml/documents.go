package yaml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

// Documents fills in what identifies each document. A list of documents
// (kind: List) is opened. Every document without apiVersion, kind or name is
// an error of its own, joined; file is the name for errors and origins.
func Documents(nodes []reconcile.Node, file string) ([]reconcile.Document, error) {
	var docs []reconcile.Document
	var errs []error
	for _, n := range nodes {
		if items, ok := listItems(n); ok {
			inner, err := Documents(items, file)
			docs, errs = append(docs, inner...), append(errs, err)
			continue
		}
		doc, err := document(n, file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		docs = append(docs, doc)
	}
	return docs, errors.Join(errs...)
}

// listItems opens what `kubectl get -o yaml` writes: kind List, or the list of
// one kind, which has items and no name.
func listItems(n reconcile.Node) ([]reconcile.Node, bool) {
	kind, _ := n.Get("kind")
	items, ok := n.Get("items")
	if !ok || items.Kind != reconcile.ListNode || !strings.HasSuffix(kind.Text(), "List") {
		return nil, false
	}
	meta, _ := n.Get("metadata")
	if _, named := meta.Get("name"); named {
		return nil, false
	}
	return items.Items, true
}

func document(n reconcile.Node, file string) (reconcile.Document, error) {
	r := reader{file: file}
	if n.Kind != reconcile.MapNode {
		return reconcile.Document{}, r.errorf(n.Line, "a document must be a mapping with apiVersion, kind and metadata, this is a %s", n.Kind)
	}
	doc := reconcile.Document{Body: n}
	meta := r.metadata(n)
	doc.APIVersion = r.required(n, n.Line, "apiVersion")
	doc.Kind = r.required(n, n.Line, "kind")
	if meta.Kind == reconcile.MapNode {
		doc.Name = r.required(meta, meta.Line, "metadata.name")
		doc.Namespace = r.text(meta, "metadata.namespace")
		doc.Labels = r.texts(meta, "metadata.labels")
		doc.Annotations = r.texts(meta, "metadata.annotations")
	}
	doc.Origin = reconcile.Origin{Document: doc.Kind + " " + doc.Name, File: file, Line: n.Line}
	return doc, errors.Join(r.errs...)
}

// reader takes fields out of one document and keeps what is wrong.
type reader struct {
	file string
	errs []error
}

func (r *reader) metadata(n reconcile.Node) reconcile.Node {
	meta, ok := n.Get("metadata")
	if !ok || meta.Kind != reconcile.MapNode {
		line := n.Line
		if ok {
			line = meta.Line
		}
		kind, _ := n.Get("kind")
		r.errs = append(r.errs, r.errorf(line, "%sdocument needs metadata with a name", spaced(kind.Text())))
	}
	return meta
}

// required returns a string field that must be there; path's last part is its key.
func (r *reader) required(n reconcile.Node, line int, path string) string {
	if v := r.text(n, path); v != "" {
		return v
	}
	if _, ok := n.Get(lastKey(path)); !ok {
		r.errs = append(r.errs, r.errorf(line, "%s is missing: every document needs apiVersion, kind and metadata.name", path))
	}
	return ""
}

func (r *reader) text(n reconcile.Node, path string) string {
	v, ok := n.Get(lastKey(path))
	if !ok {
		return ""
	}
	if v.Kind == reconcile.NullNode && path == "metadata.namespace" {
		return ""
	}
	if v.Kind != reconcile.StringNode || v.Text() == "" {
		r.errs = append(r.errs, r.errorf(v.Line, "%s must be a string that is not empty, not a %s", path, v.Kind))
		return ""
	}
	return v.Text()
}

// texts returns labels or annotations.
func (r *reader) texts(n reconcile.Node, path string) map[string]string {
	v, ok := n.Get(lastKey(path))
	if !ok || v.Kind == reconcile.NullNode {
		return nil
	}
	if v.Kind != reconcile.MapNode {
		r.errs = append(r.errs, r.errorf(v.Line, "%s must be a mapping, not a %s", path, v.Kind))
		return nil
	}
	out := make(map[string]string, len(v.Fields))
	for _, f := range v.Fields {
		if f.Value.Kind != reconcile.StringNode && f.Value.Kind != reconcile.NullNode {
			r.errs = append(r.errs, r.errorf(f.Line, "%s: %s must be a string, not a %s: put the value in quotes", path, f.Key, f.Value.Kind))
			continue
		}
		out[f.Key] = f.Value.Text()
	}
	return out
}

func (r *reader) errorf(line int, format string, args ...any) error {
	return &Error{File: r.file, Line: line, Text: fmt.Sprintf(format, args...)}
}

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func spaced(kind string) string {
	if kind == "" {
		return "a "
	}
	return "a " + kind + " "
}
