package strict

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

// JSONSchema is the part of JSON Schema, draft 2020-12, that the tags can say.
type JSONSchema struct {
	Dialect     string                 `json:"$schema,omitempty"`
	ID          string                 `json:"$id,omitempty"`
	Title       string                 `json:"title,omitempty"`
	Description string                 `json:"description,omitempty"`
	Type        any                    `json:"type,omitempty"` // a string, or a list of them
	Enum        []string               `json:"enum,omitempty"`
	Pattern     string                 `json:"pattern,omitempty"`
	Default     json.RawMessage        `json:"default,omitempty"`
	Minimum     json.Number            `json:"minimum,omitempty"`
	Maximum     json.Number            `json:"maximum,omitempty"`
	MinLength   json.Number            `json:"minLength,omitempty"`
	MaxLength   json.Number            `json:"maxLength,omitempty"`
	MinItems    json.Number            `json:"minItems,omitempty"`
	MaxItems    json.Number            `json:"maxItems,omitempty"`
	Items       *JSONSchema            `json:"items,omitempty"`
	MinEntries  json.Number            `json:"minProperties,omitempty"`
	MaxEntries  json.Number            `json:"maxProperties,omitempty"`
	Properties  map[string]*JSONSchema `json:"properties,omitempty"`
	Required    []string               `json:"required,omitempty"`
	// Additional is false where unknown fields are errors, and a schema for mappings.
	Additional any `json:"additionalProperties,omitempty"`
}

// Schema describes what Into takes for a struct. It is as strict as Into but
// for the rules of Checked structs, which a schema cannot say.
func Schema(v any) *JSONSchema {
	s := schemaOf(reflect.TypeOf(v), limits{})
	s.Dialect = "https://json-schema.org/draft/2020-12/schema"
	return s
}

// KindSchema describes a whole document, its apiVersion and kind included.
func KindSchema(k reconcile.DocumentKind) *JSONSchema {
	s := Schema(k.Spec)
	s.Title, s.Description = k.Kind, k.Doc
	s.Properties["apiVersion"].Enum = k.APIVersions
	s.Properties["kind"].Enum = []string{k.Kind}
	return s
}

func schemaOf(t reflect.Type, l limits) *JSONSchema {
	switch {
	case t.Kind() == reflect.Pointer:
		return orNull(schemaOf(t.Elem(), l))
	case isAny(t):
		return &JSONSchema{}
	case isScalar(t):
		return &JSONSchema{Type: []string{"string", "number", "boolean", "null"}}
	case isDuration(t):
		return &JSONSchema{Type: "string", Pattern: `^([0-9.]+(ns|us|µs|ms|s|m|h))+$`}
	case isText(t):
		return &JSONSchema{Type: "string", Enum: l.enum, Pattern: l.pattern}
	}
	return plainSchema(t, l)
}

// orNull lets a null stand where absence means something of its own.
func orNull(s *JSONSchema) *JSONSchema {
	if name, ok := s.Type.(string); ok && len(s.Enum) == 0 {
		s.Type = []string{name, "null"}
	}
	return s
}

func plainSchema(t reflect.Type, l limits) *JSONSchema {
	switch t.Kind() {
	case reflect.Struct:
		return structSchema(t)
	case reflect.Map:
		entries := schemaOf(t.Elem(), l.each())
		return &JSONSchema{Type: "object", Additional: entries, MinEntries: json.Number(l.min), MaxEntries: json.Number(l.max)}
	case reflect.Slice:
		items := schemaOf(t.Elem(), l.each())
		return &JSONSchema{Type: "array", Items: items, MinItems: json.Number(l.min), MaxItems: json.Number(l.max)}
	case reflect.String:
		return &JSONSchema{Type: "string", Enum: l.enum, Pattern: l.pattern, MinLength: json.Number(l.min), MaxLength: json.Number(l.max)}
	case reflect.Bool:
		return &JSONSchema{Type: "boolean"}
	case reflect.Float32, reflect.Float64:
		return &JSONSchema{Type: "number", Minimum: json.Number(l.min), Maximum: json.Number(l.max)}
	default:
		return &JSONSchema{Type: "integer", Minimum: json.Number(l.min), Maximum: json.Number(l.max)}
	}
}

func structSchema(t reflect.Type) *JSONSchema {
	s := &JSONSchema{Type: "object", Properties: map[string]*JSONSchema{}, Additional: false}
	for _, f := range fieldsOf(t) {
		property := schemaOf(f.typ, f.limits())
		property.Description = f.tag.Get("doc")
		property.Default = defaultJSON(f)
		s.Properties[f.name] = property
		if f.required() {
			s.Required = append(s.Required, f.name)
		}
	}
	return s
}

// defaultJSON spells a default as the document would.
func defaultJSON(f field) json.RawMessage {
	text := f.fallback()
	if text == "" {
		return nil
	}
	t := f.typ
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var raw []byte
	switch {
	case t.Kind() == reflect.Slice:
		raw, _ = json.Marshal(strings.Split(text, ","))
	case isDuration(t) || t.Kind() == reflect.String || isText(t):
		raw, _ = json.Marshal(text)
	default:
		raw = []byte(text)
	}
	return raw
}
