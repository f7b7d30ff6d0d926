package kustomize

import (
	"encoding/json"
	"fmt"
	"path"

	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
)

// piece is what one run of kustomize sees of a survey: all of it, or a part of
// its leaves and patches.
type piece struct {
	files map[string][]byte              // leaves, by path in the tree
	dirs  map[string]types.Kustomization // kustomizations, by directory
	rest  bool                           // only resources of its own count, not what all pieces share
}

// whole is the piece that is everything.
func (s *survey) whole() piece {
	p := piece{files: map[string][]byte{}, dirs: map[string]types.Kustomization{}}
	for dir, kn := range s.dirs {
		p.dirs[dir] = kn.k
	}
	for _, file := range s.order {
		for _, doc := range s.leaves[file].docs {
			p.files[file] = doc.appendText(p.files[file])
		}
	}
	return p
}

// ownSchema tells whether a kustomization replaces kustomize's schema.
func (p piece) ownSchema() bool {
	for _, k := range p.dirs {
		if len(k.OpenAPI) > 0 {
			return true
		}
	}
	return false
}

// run lets kustomize render a piece of the kustomization in dir.
func (r *Renderer) run(s *survey, dir string, p piece) (resmap.ResMap, error) {
	files, err := r.wrap(s, dir, p)
	if err != nil {
		return nil, err
	}
	m, err := r.engine.run(fileSystem{tree: s.tree, read: s.read, replaced: files}, p.ownSchema())
	if err != nil {
		return nil, s.explain(dir, err)
	}
	return m, nil
}

// wrap is a kustomization of our own around the one in dir
// with our name references, and the replaced files of a piece.
func (r *Renderer) wrap(s *survey, dir string, p piece) (map[string][]byte, error) {
	files := make(map[string][]byte, len(p.files)+len(p.dirs)+2)
	for name, text := range p.files {
		files[path.Join(treeRoot, name)] = text
	}
	for sub, k := range p.dirs {
		text, err := json.Marshal(k)
		if err != nil {
			return nil, fmt.Errorf("write the kustomization of %s: %w", sub, err)
		}
		files[path.Join(treeRoot, s.dirs[sub].file)] = text
	}
	names, err := json.Marshal(nameReferences(r.options.NameRefs))
	if err != nil {
		return nil, fmt.Errorf("write name references: %w", err)
	}
	files[wrapperRoot+"/names.yaml"] = names
	wrapper := types.Kustomization{
		Resources:      []string{path.Join("..", treeRoot, dir)},
		Configurations: []string{"names.yaml"},
	}
	files[wrapperRoot+"/kustomization.yaml"], err = json.Marshal(wrapper)
	return files, err
}

// nameReferences is a transformer configuration of kustomize: which fields of
// which kinds name which other kind.
func nameReferences(refs []NameRef) map[string]any {
	specs := make(map[string][]map[string]string)
	for _, ref := range refs {
		specs[ref.Refers] = append(specs[ref.Refers], map[string]string{"kind": ref.Kind, "group": ref.APIGroup, "path": ref.Path})
	}
	list := []any{}
	for _, kind := range []string{"ConfigMap", "Secret"} {
		if len(specs[kind]) > 0 {
			list = append(list, map[string]any{"kind": kind, "version": "v1", "fieldSpecs": specs[kind]})
		}
	}
	return map[string]any{"nameReference": list}
}
