// Package registry is where a schema registry will be met. Today it reads the
// documents that declare schemas, strictly; nothing is carried out.
package registry

import (
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

// Decoders read every kind of document that is about schemas.
func Decoders() []reconcile.Decoder { return []reconcile.Decoder{strict.Known(schemaKind())} }

// Documents describes the kinds that Decoders read.
func Documents() []reconcile.DocumentKind { return []reconcile.DocumentKind{schemaKind()} }

// NameRefs lists the fields that hold the name of another document.
func NameRefs() []reconcile.NameRef { return strict.NameRefsOf(Documents()...) }

type schemaDocument struct {
	strict.Header
	Spec schemaSpec `json:"spec" doc:"The schema." required:"true"`
}

type schemaSpec struct {
	Subject       string            `json:"subject" doc:"Name of the subject: orders-value." required:"true" min:"1"`
	Type          string            `json:"type" doc:"Language of the schema." enum:"AVRO,PROTOBUF,JSON" default:"AVRO"`
	Schema        string            `json:"schema" doc:"The schema itself."`
	File          string            `json:"file" doc:"File it stands in, from the document's directory."`
	References    []schemaReference `json:"references" doc:"Schemas it names."`
	Compatibility string            `json:"compatibility" doc:"What a new version must keep; without it the registry's default." enum:"NONE,BACKWARD,BACKWARD_TRANSITIVE,FORWARD,FORWARD_TRANSITIVE,FULL,FULL_TRANSITIVE"`
}

type schemaReference struct {
	Name    string `json:"name" doc:"How the schema calls it." required:"true" min:"1"`
	Subject string `json:"subject" doc:"Its subject." required:"true" min:"1"`
	Version *int   `json:"version" doc:"Its version; without it the newest." min:"1"`
}

// Check wants the schema once.
func (s *schemaSpec) Check(report func(path, text string)) {
	switch {
	case s.Schema == "" && s.File == "":
		report("", "has no schema: give schema or file")
	case s.Schema != "" && s.File != "":
		report("file", "stands beside schema: give one of them")
	}
}

func schemaKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: []string{"ottla.io/v1alpha1"}, Kind: "Schema", Spec: schemaDocument{},
		Doc: "A schema of a subject, and what its versions must keep.",
		Example: `apiVersion: ottla.io/v1alpha1
kind: Schema
metadata:
  name: orders-value
spec:
  subject: orders-value
  type: AVRO
  compatibility: BACKWARD
  schema: |
    {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}
`,
	}
}
