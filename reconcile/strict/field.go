package strict

import (
	"reflect"
	"strings"
)

// field is one readable field of a struct. Its tags are looked at only when
// the document has it, because documents are many and tags are slow.
type field struct {
	name  string
	index []int
	typ   reflect.Type
	tag   reflect.StructTag
}

func (f field) required() bool   { return f.tag.Get("required") == "true" }
func (f field) fallback() string { return f.tag.Get("default") }

// limits are what a field's tags demand of its value.
type limits struct {
	enum              []string
	min, max, pattern string
	secret            bool
}

func (f field) limits() limits {
	l := limits{
		min: f.tag.Get("min"), max: f.tag.Get("max"),
		pattern: f.tag.Get("pattern"), secret: f.tag.Get("secret") == "true",
	}
	if enum := f.tag.Get("enum"); enum != "" {
		l.enum = strings.Split(enum, ",")
	}
	return l
}

// each is what is demanded of every item of a list or mapping: not its length.
func (l limits) each() limits {
	l.min, l.max = "", ""
	return l
}

// fieldsOf lists the fields of a struct, those of embedded structs in place.
func fieldsOf(t reflect.Type) []field {
	fields := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				fields = append(fields, inner)
			}
		case f.IsExported() && name != "" && name != "-":
			fields = append(fields, field{name: name, index: []int{i}, typ: f.Type, tag: f.Tag})
		}
	}
	return fields
}

func names(fields []field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.name
	}
	return out
}

func find(fields []field, name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}
