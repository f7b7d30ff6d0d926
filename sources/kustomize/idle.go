package kustomize

import (
	"fmt"
	"maps"
	"slices"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/ottla-io/ottla/reconcile"
)

// idlePatches notes every patch whose selector hits nothing: kustomize passes
// over it in silence, and it is most probably a slip.
func (s *survey) idlePatches(docs []reconcile.Document) []string {
	var notes []string
	for _, dir := range slices.Sorted(maps.Keys(s.dirs)) {
		kn := s.dirs[dir]
		for _, p := range slices.Concat(kn.k.Patches, kn.k.PatchesJson6902) {
			if p.Target == nil || p.Target.LabelSelector+p.Target.AnnotationSelector != "" || s.hits(p.Target, docs) {
				continue
			}
			notes = append(notes, fmt.Sprintf("%s: a patch hits nothing: its target is kind %q, name %q", kn.file, p.Target.Kind, p.Target.Name))
		}
	}
	return notes
}

// hits looks at documents as they were written and as they came out.
func (s *survey) hits(target *types.Selector, docs []reconcile.Document) bool {
	regex, err := types.NewSelectorRegex(target)
	if err != nil {
		return true
	}
	match := func(d reconcile.Document) bool {
		group, version := resid.ParseGroupVersion(d.APIVersion)
		return regex.MatchGvk(resid.NewGvk(group, version, d.Kind)) && regex.MatchName(d.Name)
	}
	for _, o := range s.docs {
		if match(o.Document) {
			return true
		}
	}
	return slices.ContainsFunc(docs, match) || s.generates(target, regex)
}

// generates: a generator's name may since have got a hash.
func (s *survey) generates(target *types.Selector, regex *types.SelectorRegex) bool {
	for _, kn := range s.dirs {
		for _, g := range kn.k.SecretGenerator {
			if target.Kind != "ConfigMap" && regex.MatchName(g.Name) {
				return true
			}
		}
		for _, g := range kn.k.ConfigMapGenerator {
			if target.Kind != "Secret" && regex.MatchName(g.Name) {
				return true
			}
		}
	}
	return false
}
