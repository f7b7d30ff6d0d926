package kafka

import (
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

// Decoders read every kind of document that is about a cluster itself.
func Decoders() []reconcile.Decoder {
	return []reconcile.Decoder{
		topicDecoder{},
		userDecoder{},
		accessDecoder{},
		clientQuotaDecoder{},
		brokerDecoder{},
		strict.Refused("forbids things; this version cannot enforce it, so it is refused", "ottla.io/v1alpha1/Policy"),
	}
}

// Documents describes the kinds that Decoders read.
func Documents() []reconcile.DocumentKind {
	return []reconcile.DocumentKind{topicKind(), userKind(), accessRuleKind(), clientQuotaKind(), brokerConfigKind()}
}

// NameRefs lists the fields that hold the name of another document.
func NameRefs() []reconcile.NameRef { return strict.NameRefsOf(Documents()...) }

func strimziVersions() []string {
	return []string{"kafka.strimzi.io/v1", "kafka.strimzi.io/v1beta2", "kafka.strimzi.io/v1beta1"}
}

// declared is one wanted resource while its document is read.
type declared struct {
	doc reconcile.Document
	reconcile.Resource
}

// declare begins a resource that is declared at a path of the document.
func declare(doc reconcile.Document, kind, name, path string) *declared {
	at := doc.Origin
	if path != "" {
		at = strict.OriginOf(doc, path)
	}
	return &declared{doc, reconcile.Resource{
		ID:      reconcile.ID{Kind: kind, Name: name},
		Fields:  map[string]reconcile.Value{},
		Origins: map[string][]reconcile.Origin{"": {at}},
	}}
}

// set declares a field; one declared twice keeps both places.
func (d *declared) set(field string, value reconcile.Value, line int) {
	at := d.doc.Origin
	at.Line = line
	d.Fields[field] = value
	d.Origins[field] = append(d.Origins[field], at)
}

// nullAt tells a field that is declared null from one that is not declared.
func nullAt(node reconcile.Node, keys ...string) bool {
	for _, key := range keys {
		next, ok := node.Get(key)
		if !ok {
			return false
		}
		node = next
	}
	return node.Kind == reconcile.NullNode
}
