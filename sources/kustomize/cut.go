package kustomize

import (
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources/yaml"
)

// pieceSize is the number of documents of a piece. kustomize is quadratic: 200
// take four times as long as 100, and a run costs some milliseconds of its own.
const pieceSize = 60

// cut divides the work, or says why it must be done as one.
//
// Every piece has all kustomizations with their generators, and all documents
// of Kubernetes' own kinds: those are what names may refer to (Secrets,
// ConfigMaps, ServiceAccounts …). Documents of other kinds, which nothing
// refers to, are dealt out. A patch for one document by its name goes where the
// document went, which is the first piece; a patch with a selector works on
// each document by itself and goes everywhere.
func (s *survey) cut(dir string, size int) ([]piece, string) {
	c := cutter{s: s, size: size, first: make(map[*original]bool)}
	if why := c.reason(); why != "" {
		return []piece{s.whole()}, why
	}
	if c.total <= 2*c.size {
		return []piece{s.whole()}, ""
	}
	return c.deal(dir), ""
}

type cutter struct {
	s       *survey
	size    int
	total   int
	common  int
	patched []reconcile.Document // what patches by name are for
	first   map[*original]bool   // documents such a patch may hit
}

// shared tells a kind that others may refer to by name.
func shared(apiVersion string) bool {
	group, _, ok := strings.Cut(apiVersion, "/")
	return !ok || !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io")
}

// reason says what in the kustomizations looks at more than one document.
func (c *cutter) reason() string {
	for _, kn := range c.s.dirs {
		if why := crossDocument(kn.k); why != "" {
			return kn.file + " has " + why
		}
		if why := c.patches(kn); why != "" {
			return kn.file + " has " + why
		}
	}
	for _, d := range c.s.docs {
		c.count(d)
	}
	if c.common > 2*c.size {
		return "there are many documents of Kubernetes' own kinds"
	}
	return ""
}

func crossDocument(k types.Kustomization) string {
	switch {
	case len(k.Replacements) > 0:
		return "replacements"
	case len(k.Vars) > 0:
		return "vars"
	case len(k.Configurations)+len(k.Crds)+len(k.OpenAPI) > 0:
		return "configurations, crds or openapi of its own"
	case len(k.Replicas) > 0:
		return "replicas"
	case len(k.PatchesJson6902) > 0:
		return "patchesJson6902 (write patches instead)"
	}
	for _, p := range k.Patches {
		if p.Options != nil && (p.Options.AllowNameChange || p.Options.AllowKindChange) {
			return "a patch that may change names"
		}
	}
	return ""
}

// patches collects what the patches without a selector are for.
func (c *cutter) patches(kn *kustomization) string {
	for _, p := range kn.k.Patches {
		if p.Target != nil {
			continue
		}
		text := p.Path
		if text == "" {
			text = p.Patch
		}
		if why := c.patch(kn, text); why != "" {
			return why
		}
	}
	return ""
}

func (c *cutter) patch(kn *kustomization, pathOrText string) string {
	targets, ok := c.s.patchTargets(kn, pathOrText)
	if !ok {
		return "a patch that names no document"
	}
	c.patched = append(c.patched, targets...)
	return ""
}

// patchTargets are the documents that a strategic merge patch names.
func (s *survey) patchTargets(kn *kustomization, pathOrText string) ([]reconcile.Document, bool) {
	data := []byte(pathOrText)
	if !strings.Contains(pathOrText, "\n") {
		fsys := fileSystem{tree: s.tree, read: s.read}
		var err error
		if data, err = fsys.ReadFile(treeRoot + "/" + kn.dir + "/" + pathOrText); err != nil {
			return nil, false
		}
	}
	nodes, err := yaml.Parse(data, kn.file, 1)
	if err != nil || len(nodes) == 0 {
		return nil, false
	}
	docs, err := yaml.Documents(nodes, kn.file)
	return docs, err == nil && !mixed(docs)
}

// mixed tells documents some of which are shared and some not.
func mixed(docs []reconcile.Document) bool {
	for _, d := range docs {
		if shared(d.APIVersion) != shared(docs[0].APIVersion) {
			return true
		}
	}
	return false
}

func (c *cutter) count(d *original) {
	c.total++
	if shared(d.APIVersion) {
		c.common++
	}
	for _, p := range c.patched {
		if p.Kind == d.Kind && strings.Contains(p.Name, d.Name) {
			c.first[d] = true
		}
	}
}
