package strict

import (
	"encoding"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

// defaults fills what the document leaves out, where nothing is there yet.
func (r *reader) defaults(node reconcile.Node, target reflect.Value, fields []field) {
	for _, f := range fields {
		if given, ok := node.Get(f.name); ok && given.Kind != reconcile.NullNode {
			continue
		}
		value := target.FieldByIndex(f.index)
		switch text := f.fallback(); {
		case text != "" && value.IsZero():
			setText(value, text)
		case value.Kind() == reflect.Struct && !isScalar(f.typ) && !isAny(f.typ) && !isText(f.typ):
			r.defaults(reconcile.Node{}, value, r.fields(f.typ))
		}
	}
}

// setText fills a value from a default tag. A list is separated by commas.
// A default that does not fit its field is a mistake in the program.
func setText(value reflect.Value, text string) {
	t := value.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		value.Set(reflect.New(t.Elem()))
		setText(value.Elem(), text)
	case isDuration(t):
		d, err := time.ParseDuration(text)
		must(err == nil, t, text)
		value.SetInt(int64(d))
	case isText(t):
		err := value.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
		must(err == nil, t, text)
	case t.Kind() == reflect.String:
		value.SetString(text)
	case t.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		must(err == nil, t, text)
		value.SetBool(b)
	case t.Kind() == reflect.Slice:
		setList(value, strings.Split(text, ","))
	default:
		must(setNumber(value, text), t, text)
	}
}

func setList(value reflect.Value, items []string) {
	value.Set(reflect.MakeSlice(value.Type(), len(items), len(items)))
	for i, item := range items {
		setText(value.Index(i), item)
	}
}

func must(ok bool, t reflect.Type, text string) {
	if !ok {
		panic("strict: default " + strconv.Quote(text) + " does not fit " + t.String())
	}
}
