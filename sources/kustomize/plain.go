package kustomize

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
	"github.com/ottla-io/ottla/sources/yaml"
)

// plain reads every YAML and JSON file below dir, in the order of their paths.
// What is wrong in each file is told at once.
func plain(ctx context.Context, tree fs.FS, dir string) ([]reconcile.Document, error) {
	p := plainReader{ctx: ctx, tree: tree}
	if err := fs.WalkDir(tree, dir, p.visit); err != nil {
		return nil, fmt.Errorf("read directory %q: %w", dir, err)
	}
	if len(p.nested) > 0 {
		return nil, nestedError(dir, p.nested)
	}
	return p.docs, errors.Join(p.errs...)
}

type plainReader struct {
	ctx    context.Context
	tree   fs.FS
	docs   []reconcile.Document
	nested []string // directories with a kustomization
	errs   []error
}

func (p *plainReader) visit(file string, d fs.DirEntry, err error) error {
	switch {
	case err != nil:
		return err
	case p.ctx.Err() != nil:
		return p.ctx.Err()
	case strings.HasPrefix(d.Name(), ".") && file != ".":
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	case d.IsDir() || !isDocumentFile(d.Name()):
		return nil
	}
	return p.read(file)
}

func (p *plainReader) read(file string) error {
	data, err := fs.ReadFile(p.tree, file)
	if err != nil {
		return err
	}
	nodes, err := yaml.Parse(data, file, 1)
	if err != nil {
		p.errs = append(p.errs, err)
		return nil
	}
	if isKustomizationName(path.Base(file)) && isKustomization(nodes) {
		p.nested = append(p.nested, path.Dir(file))
		return nil
	}
	docs, err := yaml.Documents(nodes, file)
	p.docs, p.errs = append(p.docs, docs...), append(p.errs, err)
	return nil
}

func isDocumentFile(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return name == "Kustomization"
}

// nestedError: reading the pieces of overlays side by side would declare
// everything several times, so the path is most probably one level too high.
func nestedError(dir string, nested []string) error {
	err := fmt.Errorf("directory %q has no kustomization, but directories below it have: %s",
		dir, strings.Join(nested, ", "))
	return &sources.HintError{Err: err, Hint: "set the path to one of them, or write a kustomization.yaml that lists them under resources"}
}
