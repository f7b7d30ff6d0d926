package kustomize

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources/yaml"
)

// large is where stock kustomize takes longer than people want to wait.
const large = 2000

// build renders the kustomization of a directory, in pieces where that gives
// the same.
func (r *Renderer) build(ctx context.Context, tree fs.FS, dir string) ([]reconcile.Document, []string, error) {
	s, err := look(ctx, tree, dir)
	if err != nil {
		return nil, nil, err
	}
	pieces, why := s.cut(dir, pieceSize)
	all, err := r.renderPieces(s, dir, pieces)
	if err != nil {
		return nil, nil, err
	}
	docs, err := sorted(all)
	if err != nil {
		return nil, nil, err
	}
	var notes []string
	if why != "" && len(docs) > large {
		notes = append(notes, fmt.Sprintf("%s: %d documents are rendered in one piece, which is slow, because %s", s.dirs[dir].file, len(docs), why))
	}
	return docs, append(notes, s.idlePatches(docs)...), nil
}

func (r *Renderer) renderPieces(s *survey, dir string, pieces []piece) ([]rendered, error) {
	all := make([][]rendered, len(pieces))
	err := inParallel(s.ctx, len(pieces), func(i int) (err error) {
		all[i], err = r.renderPiece(s, dir, pieces[i])
		return err
	})
	return slices.Concat(all...), err
}

func (r *Renderer) renderPiece(s *survey, dir string, p piece) ([]rendered, error) {
	m, err := r.run(s, dir, p)
	if err != nil {
		return nil, err
	}
	out, err := s.results(dir, m)
	if p.rest {
		out = slices.DeleteFunc(out, func(one rendered) bool { return one.generated || shared(version(one.body)) })
	}
	return out, err
}

func version(body reconcile.Node) string {
	v, _ := body.Get("apiVersion")
	return v.Text()
}

// sorted makes documents and puts them in an order that does not depend on how
// they were rendered.
func sorted(all []rendered) ([]reconcile.Document, error) {
	docs := make([]reconcile.Document, 0, len(all))
	var errs []error
	for _, one := range all {
		some, err := yaml.Documents([]reconcile.Node{one.body}, one.file)
		docs, errs = append(docs, some...), append(errs, err)
	}
	slices.SortStableFunc(docs, compareDocuments)
	for i := 1; i < len(docs); i++ {
		if a, b := docs[i-1], docs[i]; compareDocuments(a, b) == 0 {
			errs = append(errs, fmt.Errorf("%s is declared twice: %s and %s", b.Origin.Document, a.Origin, b.Origin))
		}
	}
	return docs, errors.Join(errs...)
}

func compareDocuments(a, b reconcile.Document) int {
	return cmp.Or(strings.Compare(a.Group(), b.Group()), strings.Compare(a.Kind, b.Kind),
		strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}
