package strict

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"

	"github.com/ottla-io/ottla/reconcile"
)

// Checked is a struct with rules that tags cannot say. Check is called on a
// pointer to it once its own fields are sound; report takes the path of a
// field below it ("" for itself) and words.
type Checked interface {
	Check(report func(path, text string))
}

// Into fills v, a pointer to a struct, from a mapping. What v already holds is
// kept where the document says nothing. The error is Problems, all of them.
func Into(node reconcile.Node, v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("read into %T: not a pointer", v)
	}
	r := &reader{known: map[reflect.Type][]field{}}
	r.value(node, target.Elem(), limits{}, "")
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
	return r.problems.Err()
}

type reader struct {
	problems Problems
	known    map[reflect.Type][]field
}

func (r *reader) report(path string, line int, text string) {
	r.problems = append(r.problems, Problem{Path: path, Line: line, Text: text})
}

func (r *reader) wants(what string, node reconcile.Node, path string) {
	r.report(path, node.Line, "wants "+what+", is "+article(node.Kind))
}

func article(k reconcile.NodeKind) string {
	if k == reconcile.NullNode {
		return "null"
	}
	return "a " + k.String()
}

func (r *reader) fields(t reflect.Type) []field {
	fields, ok := r.known[t]
	if !ok {
		fields = fieldsOf(t)
		r.known[t] = fields
	}
	return fields
}

// value fills whatever target is. Items of lists and mappings come here too,
// so a null that reaches a target with no room for it is told.
func (r *reader) value(node reconcile.Node, target reflect.Value, l limits, path string) {
	t := target.Type()
	switch {
	case isAny(t):
		target.Set(reflect.ValueOf(Any{Node: node}))
	case isScalar(t):
		r.scalar(node, target, path)
	case isDuration(t):
		r.duration(node, target, l, path)
	case t.Kind() == reflect.Pointer:
		r.pointer(node, target, l, path)
	case isText(t):
		r.text(node, target, l, path)
	default:
		r.plain(node, target, l, path)
	}
}

func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(typeOf[encoding.TextUnmarshaler]())
}

func (r *reader) pointer(node reconcile.Node, target reflect.Value, l limits, path string) {
	if target.IsNil() {
		target.Set(reflect.New(target.Type().Elem()))
	}
	r.value(node, target.Elem(), l, path)
}

func (r *reader) plain(node reconcile.Node, target reflect.Value, l limits, path string) {
	switch target.Kind() {
	case reflect.Struct:
		r.structure(node, target, path)
	case reflect.Map:
		r.mapping(node, target, l, path)
	case reflect.Slice:
		r.list(node, target, l, path)
	case reflect.String:
		r.str(node, target, l, path)
	case reflect.Bool:
		r.boolean(node, target, path)
	default:
		r.number(node, target, l, path)
	}
}

func (r *reader) structure(node reconcile.Node, target reflect.Value, path string) {
	if node.Kind != reconcile.MapNode {
		r.wants("a mapping", node, path)
		return
	}
	before := len(r.problems)
	fields := r.fields(target.Type())
	r.missing(node, fields, path)
	for _, entry := range node.Fields {
		f, ok := find(fields, entry.Key)
		if !ok {
			text := fmt.Sprintf("unknown field %q", entry.Key) + DidYouMean(entry.Key, names(fields))
			r.report(path, entry.Line, text)
			continue
		}
		if entry.Value.Kind == reconcile.NullNode && !takesNull(f.typ) {
			continue
		}
		r.value(entry.Value, target.FieldByIndex(f.index), f.limits(), join(path, f.name))
	}
	r.defaults(node, target, fields)
	setLine(target, node.Line)
	if len(r.problems) == before {
		r.check(node, target, path)
	}
}

func takesNull(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return isScalar(t) || isAny(t)
}

func (r *reader) missing(node reconcile.Node, fields []field, path string) {
	for _, f := range fields {
		if !f.required() {
			continue
		}
		if given, ok := node.Get(f.name); !ok || given.Kind == reconcile.NullNode {
			r.report(join(path, f.name), node.Line, "is missing")
		}
	}
}

// check runs the struct's own rules and finds the line of what they complain of.
func (r *reader) check(node reconcile.Node, target reflect.Value, path string) {
	checked, ok := target.Addr().Interface().(Checked)
	if !ok {
		return
	}
	checked.Check(func(below, text string) {
		r.report(join(path, below), LineOf(node, below), text)
	})
}

func setLine(target reflect.Value, line int) {
	for i := range target.NumField() {
		if isLine(target.Type().Field(i).Type) && target.Field(i).CanSet() {
			target.Field(i).SetInt(int64(line))
		}
	}
}

func (r *reader) list(node reconcile.Node, target reflect.Value, l limits, path string) {
	if node.Kind != reconcile.ListNode {
		r.wants("a list", node, path)
		return
	}
	r.length(len(node.Items), "items", node.Line, l, path)
	out := reflect.MakeSlice(target.Type(), len(node.Items), len(node.Items))
	for i, item := range node.Items {
		r.value(item, out.Index(i), l.each(), fmt.Sprintf("%s[%d]", path, i))
	}
	target.Set(out)
}

func (r *reader) mapping(node reconcile.Node, target reflect.Value, l limits, path string) {
	if node.Kind != reconcile.MapNode {
		r.wants("a mapping", node, path)
		return
	}
	r.length(len(node.Fields), "entries", node.Line, l, path)
	t := target.Type()
	out := reflect.MakeMapWithSize(t, len(node.Fields))
	for _, entry := range node.Fields {
		value := reflect.New(t.Elem()).Elem()
		r.value(entry.Value, value, l.each(), join(path, entry.Key))
		out.SetMapIndex(reflect.ValueOf(entry.Key).Convert(t.Key()), value)
	}
	target.Set(out)
}

func join(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}

// Keys lists a mapping's keys in order, for whoever ranges over what was read.
func Keys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
