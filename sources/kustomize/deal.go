package kustomize

import (
	"maps"
	"slices"

	"sigs.k8s.io/kustomize/api/types"
)

// deal makes the pieces.
func (c *cutter) deal(dir string) []piece {
	chosen := []map[*original]bool{maps.Clone(c.first)}
	for _, d := range c.s.docs {
		if shared(d.APIVersion) || c.first[d] {
			continue
		}
		if len(chosen[len(chosen)-1]) >= c.size {
			chosen = append(chosen, make(map[*original]bool))
		}
		chosen[len(chosen)-1][d] = true
	}
	pieces := make([]piece, len(chosen))
	for i, own := range chosen {
		pieces[i] = c.piece(dir, own, i > 0)
	}
	return pieces
}

// piece keeps the documents that are its own and those all share.
func (c *cutter) piece(dir string, own map[*original]bool, rest bool) piece {
	p := piece{files: make(map[string][]byte), dirs: make(map[string]types.Kustomization), rest: rest}
	for _, d := range c.s.docs {
		if own[d] || shared(d.APIVersion) {
			p.files[d.Origin.File] = d.appendText(p.files[d.Origin.File])
		}
	}
	c.prune(dir, &p)
	return p
}

// prune takes out of a kustomization what is empty in this piece. It is false
// where nothing is left of it.
func (c *cutter) prune(dir string, p *piece) bool {
	kn := c.s.dirs[dir]
	if k, done := p.dirs[dir]; done {
		return hasContent(k)
	}
	k := kn.k
	k.Resources = slices.DeleteFunc(slices.Clone(k.Resources), func(ref string) bool {
		if sub, ok := kn.subs[ref]; ok {
			return !c.prune(sub, p)
		}
		return p.files[kn.files[ref]] == nil
	})
	k.Components = slices.DeleteFunc(slices.Clone(k.Components), func(ref string) bool {
		return !c.prune(kn.subs[ref], p)
	})
	if p.rest {
		k.Patches = slices.DeleteFunc(slices.Clone(k.Patches), func(one types.Patch) bool {
			return one.Target == nil && !c.everywhere(kn, one.Path+one.Patch)
		})
	}
	p.dirs[dir] = k
	return hasContent(k)
}

// everywhere: a patch for a shared document is needed in every piece.
func (c *cutter) everywhere(kn *kustomization, patch string) bool {
	targets, ok := c.s.patchTargets(kn, patch)
	return ok && len(targets) > 0 && shared(targets[0].APIVersion)
}

// hasContent tells whether a kustomization gives out or changes anything.
func hasContent(k types.Kustomization) bool {
	if k.Kind == types.ComponentKind {
		k.Resources = slices.Clone(k.Resources)
		return k.CheckEmpty() == nil
	}
	return len(k.Resources)+len(k.Components)+len(k.ConfigMapGenerator)+len(k.SecretGenerator) > 0
}
