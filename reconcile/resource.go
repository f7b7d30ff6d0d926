package reconcile

import (
	"fmt"
	"strings"
)

// Origin is where a declaration came from.
type Origin struct {
	Document string `json:"document"`       // KafkaTopic orders
	File     string `json:"file"`           // path in the repository
	Line     int    `json:"line,omitempty"` // 0 where kustomize wrote the document anew
}

// String is file:line, the spelling editors jump to.
func (o Origin) String() string {
	switch {
	case o.File == "":
		return o.Document
	case o.Line == 0:
		return o.File
	default:
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	}
}

// Document is one declaration as people wrote it.
type Document struct {
	APIVersion, Kind, Namespace, Name string
	Labels, Annotations               map[string]string
	Body                              Node // the whole document
	Origin                            Origin
}

// Group is the API group without its version.
func (d Document) Group() string {
	group, _, ok := strings.Cut(d.APIVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// Type is apiVersion/kind, as Decoder.Reads spells it: "v1/Secret",
// "kafka.strimzi.io/v1/KafkaTopic".
func (d Document) Type() string { return d.APIVersion + "/" + d.Kind }

// Refs answers what other documents refer to by name. A name or key that is
// not there, or a Secret that is still encrypted, is an error.
type Refs interface {
	Secret(namespace, name, key string) (Value, error)
	ConfigMap(namespace, name, key string) (string, error)
}

// Decoder turns one kind of document into wanted resources: a KafkaUser
// becomes a ScramCredential, an AclSet and a QuotaEntity. It is strict: an
// unknown field is an error with its line. Decoders are safe for concurrent use.
type Decoder interface {
	// Reads lists the types it decodes, spelled as Document.Type.
	Reads() []string
	Decode(Document, Refs) (Decoded, error)
}

// Decoded is what one document declares.
type Decoded struct {
	Resources []Resource
	Notes     []string // what is accepted and has no effect here, in words
}

// Resource is one wanted live thing. A field that is absent is not declared.
type Resource struct {
	ID      ID
	Fields  map[string]Value    // canonical and flat: "partitions", "config.retention.ms"
	Origins map[string][]Origin // by field; "" is the resource as a whole
	Needs   []ID                // must have succeeded before this is touched
	Claims  []ID                // what a job works on while it runs
	// Means are the secrets it takes to reach the thing, where they are not the
	// agent's own. They are no part of it: never compared, stored or shown.
	Means map[string]Value

	Skip   string          // words: it counts as declared and is not touched
	Keep   bool            // ottla.io/prune: disabled
	Drift  DriftMode       // ottla.io/drift; "" is the sync's
	Ignore map[string]bool // ottla.io/ignore-fields
}

// DriftMode says what happens to a difference that Git did not cause.
type DriftMode string

// The drift modes.
const (
	DriftHeal   DriftMode = "heal"   // put back what Git says
	DriftReport DriftMode = "report" // show and tell, do not touch
	DriftOff    DriftMode = "off"    // do not look
)

// Origin returns where a field was declared, or where the resource was.
func (r Resource) Origin(field string) []Origin {
	if o, ok := r.Origins[field]; ok {
		return o
	}
	return r.Origins[""]
}
