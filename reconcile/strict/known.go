package strict

import (
	"fmt"
	"reflect"

	"github.com/ottla-io/ottla/reconcile"
)

// Noted is a document struct with fields that are accepted and have no effect.
type Noted interface{ Notes() []string }

// Known decodes a kind of document that this version knows and does not carry
// out: strictly, into nothing but a note.
func Known(k reconcile.DocumentKind) reconcile.Decoder {
	return known{types: k.Types(), spec: reflect.TypeOf(k.Spec)}
}

type known struct {
	types []string
	spec  reflect.Type
}

func (k known) Reads() []string { return k.types }

func (k known) Decode(doc reconcile.Document, _ reconcile.Refs) (reconcile.Decoded, error) {
	spec := reflect.New(k.spec).Interface()
	if err := Document(doc, spec); err != nil {
		return reconcile.Decoded{}, err
	}
	notes := []string{fmt.Sprintf("%s %s is known, and not carried out by this version", doc.Kind, doc.Name)}
	if noted, ok := spec.(Noted); ok {
		notes = append(notes, noted.Notes()...)
	}
	return reconcile.Decoded{Notes: notes}, nil
}

// Refused is a decoder of kinds that are always an error, for the reason given
// in words.
func Refused(words string, types ...string) reconcile.Decoder { return refused{types, words} }

type refused struct {
	types []string
	words string
}

func (r refused) Reads() []string { return r.types }

func (r refused) Decode(doc reconcile.Document, _ reconcile.Refs) (reconcile.Decoded, error) {
	report := NewReport(doc)
	report.Add("", "%s", r.words)
	return reconcile.Decoded{}, report.Err()
}
