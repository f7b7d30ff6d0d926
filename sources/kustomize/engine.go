package kustomize

import (
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// engine runs kustomize. What kustomize keeps for the whole process is one
// schema of Kubernetes' kinds: it is parsed when it is first needed, and
// replaced by a kustomization that brings its own. Once it is parsed, runs that
// take it as it comes go side by side; one that brings its own goes alone, and
// the usual schema is put back after it.
type engine struct {
	mu    sync.RWMutex
	ready sync.Once
}

func (e *engine) run(files fileSystem, ownSchema bool) (resmap.ResMap, error) {
	if ownSchema {
		e.mu.Lock()
		defer e.mu.Unlock()
		openapi.ResetOpenAPI()
		defer parseSchema()
		defer openapi.ResetOpenAPI()
		return protected(files)
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	e.ready.Do(parseSchema)
	return protected(files)
}

// parseSchema asks for any type, for which kustomize parses its schema.
func parseSchema() { openapi.SchemaForResourceType(kyaml.TypeMeta{}) }

// protected is the one place where kustomize runs. A panic becomes an error
// without its words.
func protected(files fileSystem) (m resmap.ResMap, err error) {
	defer func() {
		if recover() != nil {
			m, err = nil, errPanic
		}
	}()
	return krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, wrapperRoot)
}
