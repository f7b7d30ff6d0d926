// Package strict fills Go structs from parsed documents and says everything
// that is wrong at once: unknown fields with the one that was probably meant,
// wrong types, missing fields, each with its path and line. It serves documents
// and the agent's configuration alike, and depends on no parser.
//
// A struct says by tags what it takes; the same tags make the JSON Schema
// (Schema), the reference pages (Fields) and the name references of kustomize
// (NameRefs):
//
//	json:"name"       the field's name; a field without it is not read
//	doc:"…"           one sentence for people
//	required:"true"   must be given, and not be null
//	default:"30s"     used where the field is not given
//	enum:"a,b,c"      one of these
//	min:"1" max:"9"   of a number or a duration; of a list, mapping or string: its length
//	pattern:"^a"      a Go regular expression
//	secret:"true"     its value never stands in an error
//	ref:"Secret"      holds the name of another document
//
// Read are strings, booleans, integers, floats, time.Duration ("30s"), types
// that implement encoding.TextUnmarshaler, pointers, slices, maps by string,
// nested and embedded structs, Scalar, Any and Line. A null is the same as a
// field not given, save in Scalar and Any. An integer wants a whole number as
// YAML knows it: 6.048e8 and "604800000" are taken by Scalar alone.
package strict

import (
	"fmt"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

// Problem is one thing wrong in a document.
type Problem struct {
	In   reconcile.Origin // the document; zero in a configuration file
	Path string           // spec.config
	Line int              // in the file; 0 where that is not known
	Text string           // unknown field "retention" (did you mean "retention.ms"?)
}

// String is the problem without its line, for whoever prints file:line first.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Text
	}
	return p.Path + ": " + p.Text
}

// Error is file:line, the document, the field and what is wrong with it.
func (p Problem) Error() string {
	switch {
	case p.In.File != "":
		at := reconcile.Origin{File: p.In.File, Line: p.Line}
		return fmt.Sprintf("%s: %s: %s", at, p.In.Document, p.String())
	case p.Line > 0:
		return fmt.Sprintf("line %d: %s", p.Line, p.String())
	default:
		return p.String()
	}
}

// Problems is an error made of all that is wrong, in the order of the document.
type Problems []Problem

// Error lists every problem on a line of its own.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Err is the problems as an error, and nil where there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}
