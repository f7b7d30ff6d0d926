package strict

import (
	"reflect"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

// FieldDoc is one field for the reference pages.
type FieldDoc struct {
	Path     string // spec.authorization.acls[].operations
	Type     string // string, whole number, list of string, mapping of number …
	Doc      string
	Default  string
	Min, Max string
	Enum     []string
	Pattern  string
	Required bool
	Secret   bool
}

// Fields lists every field a struct takes, depth first, in the order it is
// declared: fields of lists stand below path[], those of mappings below path.*.
func Fields(t reflect.Type) []FieldDoc {
	var docs []FieldDoc
	walk(t, "", "[]", ".", func(path string, f field) {
		l := f.limits()
		docs = append(docs, FieldDoc{
			Path: path, Type: words(f.typ), Doc: f.tag.Get("doc"), Default: f.fallback(),
			Min: l.min, Max: l.max, Enum: l.enum, Pattern: l.pattern, Required: f.required(), Secret: l.secret,
		})
	})
	return docs
}

// NameRefs lists the fields that hold the name of another document, by their
// ref tags, as kustomize's name references want them. Paths go through lists
// without a mark; kustomize has no spelling for mappings, so a name below one
// is left out.
func NameRefs(group, kind string, spec any) []reconcile.NameRef {
	var refs []reconcile.NameRef
	walk(reflect.TypeOf(spec), "", "", "/", func(path string, f field) {
		if refers := f.tag.Get("ref"); refers != "" {
			refs = append(refs, reconcile.NameRef{Group: group, Kind: kind, Path: path, Refers: refers})
		}
	})
	return refs
}

// NameRefsOf is NameRefs for kinds of documents.
func NameRefsOf(kinds ...reconcile.DocumentKind) []reconcile.NameRef {
	var refs []reconcile.NameRef
	for _, k := range kinds {
		group, _, _ := strings.Cut(k.APIVersions[0], "/")
		refs = append(refs, NameRefs(group, k.Kind, k.Spec)...)
	}
	return refs
}

// walk visits the fields of a struct and of all below it.
func walk(t reflect.Type, path, item, sep string, visit func(string, field)) {
	for _, f := range fieldsOf(t) {
		at := f.name
		if path != "" {
			at = path + sep + f.name
		}
		visit(at, f)
		inner, through := f.typ, ""
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			if inner.Kind() == reflect.Slice {
				through += item
			}
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Map && sep == "." {
			inner, through = inner.Elem(), through+".*"
		}
		if isTree(inner) {
			walk(inner, at+through, item, sep, visit)
		}
	}
}

func isTree(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !isScalar(t) && !isAny(t) && !isText(t)
}

// words is a type for people.
func words(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Pointer:
		return words(t.Elem())
	case isAny(t):
		return "anything"
	case isScalar(t):
		return "string, number, boolean or null"
	case isDuration(t):
		return "duration"
	case isText(t) || t.Kind() == reflect.String:
		return "string"
	}
	switch t.Kind() {
	case reflect.Struct:
		return "mapping"
	case reflect.Map:
		return "mapping of " + words(t.Elem())
	case reflect.Slice:
		return "list of " + words(t.Elem())
	case reflect.Bool:
		return "boolean"
	case reflect.Float32, reflect.Float64:
		return "number"
	default:
		return "whole number"
	}
}
