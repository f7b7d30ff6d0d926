package kustomize

import (
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

// liner gives rendered documents the lines of the files they came from.
type liner struct {
	originals map[string][]reconcile.Document // by file and kind, in order
}

func newLiner(s *survey) liner {
	l := liner{originals: make(map[string][]reconcile.Document)}
	for _, leaf := range s.leaves {
		for _, section := range leaf.sections {
			for _, doc := range section.docs {
				if doc.Annotations["config.kubernetes.io/local-config"] == "" {
					key := leaf.file + "\n" + doc.Kind
					l.originals[key] = append(l.originals[key], doc)
				}
			}
		}
	}
	return l
}

// fill finds each document's original. kustomize keeps the order of a file, so
// where nothing was dropped the nth is the nth; elsewhere names must tell.
func (l liner) fill(all []rendered) {
	groups := make(map[string][]int)
	for i, one := range all {
		if kind, ok := one.body.Get("kind"); ok && !one.generated {
			key := one.file + "\n" + kind.Text
			groups[key] = append(groups[key], i)
		}
	}
	for key, members := range groups {
		originals := l.originals[key]
		for n, i := range members {
			if len(members) == len(originals) {
				all[i].body = lined(all[i].body, originals[n].Body)
			} else if doc, ok := byName(originals, all[i].body); ok {
				all[i].body = lined(all[i].body, doc.Body)
			}
		}
	}
}

// byName finds the document whose name, prefixes and suffixes apart, it is.
func byName(docs []reconcile.Document, body reconcile.Node) (reconcile.Document, bool) {
	meta, _ := body.Get("metadata")
	name, _ := meta.Get("name")
	best := reconcile.Document{}
	for _, d := range docs {
		if d.Name == name.Text {
			return d, true
		}
		if strings.Contains(name.Text, d.Name) && len(d.Name) > len(best.Name) {
			best = d
		}
	}
	return best, best.Name != ""
}

// lined copies the lines of what is still as it was written. What was changed
// on the way has none: its line is in another file.
func lined(n, original reconcile.Node) reconcile.Node {
	if n.Kind != original.Kind {
		return n
	}
	switch n.Kind {
	case reconcile.MapNode:
		n.Line = original.Line
		for i, f := range n.Fields {
			for _, o := range original.Fields {
				if o.Key == f.Key {
					n.Fields[i].Value = lined(f.Value, o.Value)
					if n.Fields[i].Value.Line > 0 || f.Value.Kind == reconcile.NullNode {
						n.Fields[i].Line = o.Line
					}
				}
			}
		}
	case reconcile.ListNode:
		n.Line = original.Line
		for i := range min(len(n.Items), len(original.Items)) {
			n.Items[i] = lined(n.Items[i], original.Items[i])
		}
	default:
		if n.Text == original.Text {
			n.Line = original.Line
		}
	}
	return n
}
