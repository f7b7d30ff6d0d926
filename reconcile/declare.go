package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Mistake is something wrong in what people wrote, and where.
type Mistake struct {
	Origin Origin
	Text   string
}

// Error is file:line: text.
func (m Mistake) Error() string { return fmt.Sprintf("%s: %s", m.Origin, m.Text) }

// Remark is something worth saying about a document that is not a mistake.
type Remark struct {
	Origin Origin `json:"origin"`
	Text   string `json:"text"`
}

// Declarations are what one revision declares.
type Declarations struct {
	Resources []Resource
	Remarks   []Remark
	Documents int
}

// DeclareOptions say how documents are read.
type DeclareOptions struct {
	Cluster   string                     // its name in the configuration; "" takes documents of every cluster
	Decoders  []Decoder                  //
	NotOurs   func(Document) bool        // Kubernetes' or another tool's business
	Encrypted func(string) bool          // recognises a value that is still encrypted
	Bags      func(kind string) bool     // whose declarations are a union
	Refs      func(r *References) Refs   // wraps what documents refer to; nil is the references themselves
	Secret    func(doc Document) []error // judges a Secret document; nil takes all
}

// Declare decodes documents into what they declare. All mistakes are returned
// at once, joined; a revision with one is rejected whole.
func Declare(docs []Document, o DeclareOptions) (Declarations, error) {
	decoders := byType(o.Decoders)
	problems := judgeSecrets(docs, o.Secret)
	refs, rest, err := NewReferences(docs, o.Encrypted)
	problems = append(problems, err)
	out := Declarations{Documents: len(docs)}
	for _, doc := range rest {
		problems = append(problems, out.document(doc, decoders, o, o.refs(refs)))
	}
	if err := joined(problems); err != nil {
		return Declarations{}, err
	}
	out.Resources, err = Merge(out.Resources, o.Bags)
	return out, err
}

func (o DeclareOptions) refs(r *References) Refs {
	if o.Refs == nil {
		return r
	}
	return o.Refs(r)
}

func judgeSecrets(docs []Document, judge func(Document) []error) []error {
	var problems []error
	for _, doc := range docs {
		if judge != nil && doc.Type() == "v1/Secret" {
			problems = append(problems, judge(doc)...)
		}
	}
	return problems
}

func byType(decoders []Decoder) map[string]Decoder {
	out := map[string]Decoder{}
	for _, d := range decoders {
		for _, t := range d.Reads() {
			out[t] = d
		}
	}
	return out
}

func (d *Declarations) document(doc Document, decoders map[string]Decoder, o DeclareOptions, refs Refs) error {
	decoder, ok := decoders[doc.Type()]
	if !ok {
		if o.NotOurs != nil && o.NotOurs(doc) {
			d.remark(doc, fmt.Sprintf("%s %s is not ours to carry out: left out", doc.Kind, doc.Name))
			return nil
		}
		return Mistake{doc.Origin, unknownKind(doc, decoders)}
	}
	decoded, err := decoder.Decode(doc, refs)
	if err != nil {
		return err
	}
	if err := marked(doc, o.Cluster, decoded.Resources); err != nil {
		return Mistake{doc.Origin, err.Error()}
	}
	for _, note := range decoded.Notes {
		d.remark(doc, note)
	}
	d.Resources = append(d.Resources, decoded.Resources...)
	return nil
}

func (d *Declarations) remark(doc Document, text string) {
	d.Remarks = append(d.Remarks, Remark{doc.Origin, text})
}

// unknownKind names the versions of that kind which are known: a document of
// a wrong version is the usual mistake.
func unknownKind(doc Document, decoders map[string]Decoder) string {
	var same []string
	for t := range decoders {
		if strings.HasSuffix(t, "/"+doc.Kind) {
			same = append(same, strings.TrimSuffix(t, "/"+doc.Kind))
		}
	}
	slices.Sort(same)
	if len(same) > 0 {
		return fmt.Sprintf("%s has apiVersion %s; known are %s", doc.Kind, doc.APIVersion, strings.Join(same, ", "))
	}
	return fmt.Sprintf("unknown document kind %s (apiVersion %s)", doc.Kind, doc.APIVersion)
}

// joined is errors.Join, with nil for no errors and a single one as it is.
func joined(errs []error) error {
	errs = slices.DeleteFunc(errs, func(e error) bool { return e == nil })
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}
