package kustomize

import (
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"

	"github.com/ottla-io/ottla/reconcile"
)

func isKustomizationName(name string) bool {
	for _, known := range konfig.RecognizedKustomizationFileNames() {
		if name == known {
			return true
		}
	}
	return false
}

// isKustomization tells kustomize's own file from a document that happens to
// stand in a file of that name, as Flux's Kustomization often does.
func isKustomization(nodes []reconcile.Node) bool {
	if len(nodes) != 1 {
		return len(nodes) == 0
	}
	version, ok := nodes[0].Get("apiVersion")
	return !ok || strings.HasPrefix(version.Text(), "kustomize.config.k8s.io/")
}
