// Package notification reads the documents that say who is told what, as Flux
// spells them, and our own alert rules: strictly, and without carrying them
// out. The notifiers themselves are rooms of their own.
package notification

import (
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

// Decoders read every kind of document that is about telling people.
func Decoders() []reconcile.Decoder {
	var decoders []reconcile.Decoder
	for _, kind := range Documents() {
		decoders = append(decoders, strict.Known(kind))
	}
	return decoders
}

// Documents describes the kinds that Decoders read.
func Documents() []reconcile.DocumentKind {
	return []reconcile.DocumentKind{alertKind(), alertRuleKind(), providerKind()}
}

// NameRefs lists the fields that hold the name of another document.
func NameRefs() []reconcile.NameRef { return strict.NameRefsOf(Documents()...) }

func fluxVersions() []string {
	return []string{
		"notification.toolkit.fluxcd.io/v1",
		"notification.toolkit.fluxcd.io/v1beta3",
		"notification.toolkit.fluxcd.io/v1beta2",
		"notification.toolkit.fluxcd.io/v1beta1",
	}
}
