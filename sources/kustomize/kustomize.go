// Package kustomize turns a directory of a tree into documents.
//
// A directory with a kustomization (kustomization.yaml, kustomization.yml or
// Kustomization) is rendered by kustomize; it may use anything inside the tree
// and nothing outside it: no remote bases, no plugins, no helm. One without is
// read as plain YAML: every .yaml, .yml and .json file below it, hidden ones
// left out. A plain directory with kustomizations below it is an error that
// names them: read side by side, overlays would declare everything several
// times. (A file of that name that is a Flux Kustomization is a document like
// any other.)
//
// Values that name a Secret or ConfigMap in our kinds are name references for
// kustomize (Options.NameRefs), so that a generator's hash suffix is followed
// without a configurations file.
//
// kustomize is quadratic in the number of resources. Where a kustomization only
// transforms each document by itself it is rendered in pieces, with the same
// result; cut.go says when. Documents that kustomize rendered come sorted by
// type, namespace and name, plain ones in the order of their files.
//
// kustomize keeps its schema for the whole process and may panic; the lock and
// the recover around it live here, once: engine.go. Its own error texts may
// quote whole documents, so none of them is passed on unseen: errors.go has the
// words. Files are parsed and pieces rendered on all processors; the result does
// not depend on how many there are.
package kustomize

import (
	"context"
	"fmt"
	"io/fs"
	"path"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

// NameRef says that a field of one of our kinds names a Secret or a ConfigMap.
type NameRef struct {
	Kind     string // KafkaBackup
	APIGroup string // kafka.oso.sh
	Path     string // spec/kafkaCluster/saslSecret/name, as kustomize spells it
	Refers   string // Secret or ConfigMap
}

// Options are what rendering depends on besides the tree. The zero value
// renders what is written.
type Options struct {
	NameRefs []NameRef
	// Substituting turns on ${VAR} substitution in all documents, with the
	// values of Substitute. A variable that is not in it is an error.
	Substituting bool
	Substitute   map[string]string
	// TemplateParameters are values for the parameters of OpenShift Templates.
	TemplateParameters map[string]string
}

// Renderer is a sources.Renderer. It is safe for concurrent use if trees are.
type Renderer struct {
	options Options
	engine  *engine
}

var _ sources.Renderer = (*Renderer)(nil)

// New makes a Renderer. One program needs one; others are made of it by With.
func New(options Options) *Renderer { return &Renderer{options: options, engine: new(engine)} }

// With is a Renderer with other options that shares this one's engine, for
// a second sync.
func (r *Renderer) With(options Options) *Renderer {
	return &Renderer{options: options, engine: r.engine}
}

// Render turns a directory of a tree into documents. dir is slash-separated
// and relative to the root of the tree; "" is the root.
func (r *Renderer) Render(ctx context.Context, tree fs.FS, dir string) (sources.Rendered, error) {
	dir, err := checkDir(tree, dir)
	if err != nil {
		return sources.Rendered{}, err
	}
	docs, notes, err := r.documents(ctx, tree, dir)
	if err != nil {
		return sources.Rendered{}, err
	}
	if docs, err = expandTemplates(docs, r.options.TemplateParameters); err != nil {
		return sources.Rendered{}, err
	}
	plaintext := plaintextSecrets(tree, docs) // a value is not what Git has once variables are replaced in it
	if r.options.Substituting {
		if docs, err = substitute(docs, r.options.Substitute); err != nil {
			return sources.Rendered{}, err
		}
	}
	return sources.Rendered{Documents: docs, Notes: notes, Plaintext: plaintext}, nil
}

func (r *Renderer) documents(ctx context.Context, tree fs.FS, dir string) ([]reconcile.Document, []string, error) {
	file, err := kustomizationFile(tree, dir)
	if err != nil {
		return nil, nil, err
	}
	if file != "" {
		return r.build(ctx, tree, dir)
	}
	docs, err := plain(ctx, tree, dir)
	return docs, nil, err
}

// checkDir cleans dir and makes sure that it is a directory inside the tree.
func checkDir(tree fs.FS, dir string) (string, error) {
	clean := path.Clean(dir)
	if !fs.ValidPath(clean) {
		return "", fmt.Errorf("path %q is not inside the repository", dir)
	}
	info, err := fs.Stat(tree, clean)
	if err != nil {
		return "", fmt.Errorf("path %q: %w", dir, err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("path %q is a file, it must be a directory", dir)
	}
	return clean, nil
}
