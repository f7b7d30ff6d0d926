package kustomize

import (
	"maps"
	"slices"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

// lined copies the lines of what is still as it was written. What was changed
// on the way has none: its line is in another file.
func lined(n, original reconcile.Node) reconcile.Node {
	if sameNumber(n, original) {
		return original
	}
	if n.Kind != original.Kind {
		return n
	}
	switch n.Kind {
	case reconcile.MapNode:
		n.Line = original.Line
		n.Fields = linedFields(n.Fields, original.Fields)
	case reconcile.ListNode:
		n.Line = original.Line
		for i := range min(len(n.Items), len(original.Items)) {
			n.Items[i] = lined(n.Items[i], original.Items[i])
		}
	default:
		if n.Text() == original.Text() {
			n.Line = original.Line
		}
	}
	return n
}

func linedFields(fields, originals []reconcile.Field) []reconcile.Field {
	for i, f := range fields {
		at := slices.IndexFunc(originals, func(o reconcile.Field) bool { return o.Key == f.Key })
		if at < 0 {
			continue
		}
		fields[i].Value = lined(f.Value, originals[at].Value)
		if fields[i].Value.Line > 0 {
			fields[i].Line = originals[at].Line
		}
	}
	return fields
}

// generatorFile is the kustomization whose generator made a document, told by
// the name before prefixes, suffixes and hash; where none did, the root's.
func (s *survey) generatorFile(root, kind, name string) string {
	file, best := s.dirs[root].file, ""
	for _, dir := range slices.Sorted(maps.Keys(s.dirs)) {
		k := s.dirs[dir].k
		var names []string
		for _, g := range k.SecretGenerator {
			if kind == "Secret" {
				names = append(names, g.Name)
			}
		}
		for _, g := range k.ConfigMapGenerator {
			if kind == "ConfigMap" {
				names = append(names, g.Name)
			}
		}
		for _, g := range names {
			if strings.Contains(name, g) && len(g) > len(best) {
				file, best = s.dirs[dir].file, g
			}
		}
	}
	return file
}
