package kustomize

import (
	"cmp"
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
	files, err := documentFiles(ctx, tree, dir)
	all := make([]plainFile, len(files))
	if err == nil {
		err = inParallel(ctx, len(files), func(i int) (err error) {
			all[i], err = readPlain(tree, files[i])
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read directory %q: %w", dir, err)
	}
	var nested []string
	var errs []error
	docs := make([]reconcile.Document, 0, len(files))
	for i, f := range all {
		docs, errs = append(docs, f.docs...), append(errs, f.err)
		if f.kustomization {
			nested = append(nested, path.Dir(files[i]))
		}
	}
	if len(nested) > 0 {
		return nil, nestedError(dir, nested)
	}
	return docs, errors.Join(errs...)
}

// documentFiles lists what is read below dir, hidden files and directories
// left out.
func documentFiles(ctx context.Context, tree fs.FS, dir string) ([]string, error) {
	var files []string
	err := fs.WalkDir(tree, dir, func(file string, d fs.DirEntry, err error) error {
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		switch hidden := strings.HasPrefix(d.Name(), ".") && file != "."; {
		case hidden && d.IsDir():
			return fs.SkipDir
		case !hidden && !d.IsDir() && isDocumentFile(d.Name()):
			files = append(files, file)
		}
		return nil
	})
	return files, err
}

// plainFile is what stands in one file.
type plainFile struct {
	docs          []reconcile.Document
	kustomization bool  // it is kustomize's own
	err           error // what is wrong in it
}

func readPlain(tree fs.FS, file string) (plainFile, error) {
	data, err := fs.ReadFile(tree, file)
	if err != nil {
		return plainFile{}, err
	}
	nodes, err := yaml.Parse(data, file, 1)
	if err != nil {
		return plainFile{err: err}, nil
	}
	if isKustomizationName(path.Base(file)) && isKustomization(nodes) {
		return plainFile{kustomization: true}, nil
	}
	docs, err := yaml.Documents(nodes, file)
	return plainFile{docs: docs, err: err}, nil
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
