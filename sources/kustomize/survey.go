package kustomize

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources/yaml"
)

// survey is everything a kustomization reaches, looked at before kustomize
// runs: so that nothing remote is fetched, errors name the file people wrote,
// and the work can be cut into pieces.
type survey struct {
	ctx    context.Context
	tree   fs.FS
	read   *sync.Map
	dirs   map[string]*kustomization
	leaves map[string]*leaf
	order  []string // of leaves, as first met
	docs   []*original
	errs   []error
}

// kustomization is one kustomization file. Its paths are cleaned and begin
// with a dot, so that kustomize takes none of them for an address.
type kustomization struct {
	dir, file  string
	k          types.Kustomization
	files      map[string]string // resource as spelled in k → file in the tree
	subs       map[string]string // resource or component as spelled in k → directory
	references []string          // files of any other use
}

// leaf is a file of resources.
type leaf struct {
	file string
	docs []*original
}

// original is a document as it was written, with a number that it bears
// through kustomize.
type original struct {
	reconcile.Document
	number int
}

// look surveys the kustomization of a directory.
func look(ctx context.Context, tree fs.FS, dir string) (*survey, error) {
	s := &survey{ctx: ctx, tree: tree, read: new(sync.Map), dirs: make(map[string]*kustomization), leaves: make(map[string]*leaf)}
	if err := s.visit(dir, nil); err != nil {
		return nil, err
	}
	return s, errors.Join(s.errs...)
}

// kustomizationFile finds the kustomization of a directory, "" if it has none.
func kustomizationFile(tree fs.FS, dir string) (string, error) {
	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := path.Join(dir, name)
		data, err := fs.ReadFile(tree, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		nodes, err := yaml.Parse(data, file, 1)
		if err != nil {
			return "", err
		}
		if isKustomization(nodes) {
			found = append(found, file)
		}
	}
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0], nil
	default:
		return "", fmt.Errorf("directory %q has more than one kustomization: %s", dir, strings.Join(found, ", "))
	}
}

func (s *survey) visit(dir string, chain []string) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if slices.Contains(chain, dir) {
		return s.within(chain, fmt.Errorf("kustomizations include each other in a circle: %s", strings.Join(append(slices.Clip(chain), dir), " → ")))
	}
	if s.dirs[dir] != nil {
		return nil
	}
	file, err := kustomizationFile(s.tree, dir)
	if err != nil {
		return err
	}
	if file == "" {
		return s.within(chain, fmt.Errorf("directory %q has no kustomization.yaml", dir))
	}
	kn, err := s.load(dir, file)
	if err != nil {
		return err
	}
	s.dirs[dir] = kn
	return s.follow(kn, append(slices.Clip(chain), dir))
}

// follow visits what a kustomization names.
func (s *survey) follow(kn *kustomization, chain []string) error {
	for _, ref := range slices.Concat(kn.k.Resources, kn.k.Components) {
		if sub, ok := kn.subs[ref]; ok {
			if err := s.visit(sub, chain); err != nil {
				return err
			}
		}
	}
	for _, ref := range kn.k.Resources {
		if file, ok := kn.files[ref]; ok && s.leaves[file] == nil {
			if err := s.leaf(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// within places an error of a directory in the kustomization that names it.
// Other errors have a file of their own.
func (s *survey) within(chain []string, err error) error {
	if len(chain) == 0 {
		return err
	}
	return fmt.Errorf("%s: %w", s.dirs[chain[len(chain)-1]].file, err)
}

// leaf reads a file of resources. What is wrong in its documents is kept, so
// that all of it is told at once.
func (s *survey) leaf(file string) error {
	data, err := fs.ReadFile(s.tree, file)
	if err != nil {
		return err
	}
	l := &leaf{file: file}
	s.leaves[file] = l
	s.order = append(s.order, file)
	nodes, err := yaml.Parse(data, file, 1)
	if err != nil {
		s.errs = append(s.errs, err)
		return nil
	}
	docs, err := yaml.Documents(nodes, file)
	s.errs = append(s.errs, err)
	for _, d := range docs {
		o := &original{Document: d, number: len(s.docs)}
		s.docs, l.docs = append(s.docs, o), append(l.docs, o)
	}
	return nil
}
