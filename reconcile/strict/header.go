package strict

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/reconcile"
)

// Header is what every document begins with; structs for documents embed it.
// What Kubernetes writes into a document on a cluster is accepted and ignored.
type Header struct {
	APIVersion string   `json:"apiVersion" doc:"Group and version of the kind." required:"true"`
	Kind       string   `json:"kind" doc:"The kind of document." required:"true"`
	Metadata   Metadata `json:"metadata" doc:"Name, labels and annotations." required:"true"`
	Status     Any      `json:"status" doc:"Written by Kubernetes; ignored."`
}

// Metadata is Kubernetes' object metadata.
type Metadata struct {
	Name        string            `json:"name" doc:"Name of the document." required:"true" min:"1"`
	Namespace   string            `json:"namespace" doc:"Namespace, in which names of Secrets and ConfigMaps are looked for."`
	Labels      map[string]string `json:"labels" doc:"Labels; strimzi.io/cluster says which cluster the document is for."`
	Annotations map[string]string `json:"annotations" doc:"Annotations; those of ottla.io and strimzi.io are honoured."`

	CreationTimestamp          Any `json:"creationTimestamp" doc:"Written by Kubernetes; ignored."`
	DeletionGracePeriodSeconds Any `json:"deletionGracePeriodSeconds" doc:"Written by Kubernetes; ignored."`
	DeletionTimestamp          Any `json:"deletionTimestamp" doc:"Written by Kubernetes; ignored."`
	Finalizers                 Any `json:"finalizers" doc:"Of use to Kubernetes only; ignored."`
	Generation                 Any `json:"generation" doc:"Written by Kubernetes; ignored."`
	ManagedFields              Any `json:"managedFields" doc:"Written by Kubernetes; ignored."`
	OwnerReferences            Any `json:"ownerReferences" doc:"Of use to Kubernetes only; ignored."`
	ResourceVersion            Any `json:"resourceVersion" doc:"Written by Kubernetes; ignored."`
	SelfLink                   Any `json:"selfLink" doc:"Written by Kubernetes; ignored."`
	UID                        Any `json:"uid" doc:"Written by Kubernetes; ignored."`
}

// Document fills v from a document; its problems name the document's file.
func Document(doc reconcile.Document, v any) error {
	err := Into(doc.Body, v)
	var problems Problems
	if errors.As(err, &problems) {
		for i := range problems {
			problems[i].In = doc.Origin
		}
	}
	return err
}

// Report gathers what is wrong in a document beyond what tags can say.
type Report struct {
	doc      reconcile.Document
	problems Problems
}

// NewReport begins a report on a document.
func NewReport(doc reconcile.Document) *Report { return &Report{doc: doc} }

// Add reports what is wrong with the field at a path.
func (r *Report) Add(path, format string, args ...any) {
	r.problems = append(r.problems, Problem{
		In: r.doc.Origin, Path: path, Line: LineOf(r.doc.Body, path), Text: fmt.Sprintf(format, args...),
	})
}

// Err is the report as an error, nil where nothing is wrong.
func (r *Report) Err() error {
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
	return r.problems.Err()
}

// OriginOf is where the field at a path of a document stands.
func OriginOf(doc reconcile.Document, path string) reconcile.Origin {
	origin := doc.Origin
	origin.Line = LineOf(doc.Body, path)
	return origin
}
