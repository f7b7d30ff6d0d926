package kustomize

import (
	"fmt"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/resmap"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources/yaml"
)

// rendered is a document that kustomize gave out.
type rendered struct {
	body      reconcile.Node
	file      string
	generated bool
}

// results turns kustomize's resources into nodes that know their file and,
// where they are as they were written, their lines.
func (s *survey) results(root string, m resmap.ResMap) ([]rendered, error) {
	out := make([]rendered, 0, m.Size())
	for _, r := range m.Resources() {
		body, ok := convert(r.YNode())
		if !ok {
			return nil, fmt.Errorf("%s: %s %s: a value has a tag of its own (!…): write a plain YAML value", s.dirs[root].file, r.GetKind(), r.GetName())
		}
		body, number := unmarked(body)
		if i, err := strconv.Atoi(strings.TrimSpace(number)); err == nil && i >= 0 && i < len(s.docs) {
			out = append(out, rendered{body: lined(body, s.docs[i].Body), file: s.docs[i].Origin.File})
			continue
		}
		out = append(out, rendered{body: body, generated: true, file: s.generatorFile(root, r.GetKind(), r.GetName())})
	}
	return out, nil
}

// convert turns kustomize's nodes into ours. Lines are filled in later: those
// kustomize keeps are not the file's.
func convert(n *kyaml.Node) (reconcile.Node, bool) {
	switch n.Kind {
	case kyaml.DocumentNode:
		return convert(n.Content[0])
	case kyaml.AliasNode:
		return convert(n.Alias)
	case kyaml.MappingNode:
		return convertMapping(n)
	case kyaml.SequenceNode:
		out := reconcile.Node{Kind: reconcile.ListNode}
		for _, item := range n.Content {
			v, ok := convert(item)
			if !ok {
				return v, false
			}
			out.Items = append(out.Items, v)
		}
		return out, true
	default:
		out, ok := yaml.Scalar(n.ShortTag(), n.Value, 0)
		return integer(out), ok
	}
}

func convertMapping(n *kyaml.Node) (reconcile.Node, bool) {
	out := reconcile.Node{Kind: reconcile.MapNode, Fields: make([]reconcile.Field, 0, len(n.Content)/2)}
	for i := 0; i+1 < len(n.Content); i += 2 {
		v, ok := convert(n.Content[i+1])
		if !ok {
			return v, false
		}
		out.Fields = append(out.Fields, reconcile.Field{Key: n.Content[i].Value, Value: v})
	}
	return out, true
}

// unmarked takes the marker out, and with it annotations that only held it.
func unmarked(body reconcile.Node) (reconcile.Node, string) {
	number := ""
	return edit(body, "metadata", func(meta reconcile.Node) (reconcile.Node, bool) {
		return edit(meta, "annotations", func(all reconcile.Node) (reconcile.Node, bool) {
			all = edit(all, marker, func(n reconcile.Node) (reconcile.Node, bool) {
				number = n.Text()
				return n, false
			})
			return all, len(all.Fields) > 0
		}), true
	}), number
}

// edit replaces one entry of a mapping, or removes it.
func edit(n reconcile.Node, key string, f func(reconcile.Node) (reconcile.Node, bool)) reconcile.Node {
	fields := make([]reconcile.Field, 0, len(n.Fields))
	for _, field := range n.Fields {
		keep := true
		if field.Key == key {
			field.Value, keep = f(field.Value)
		}
		if keep {
			fields = append(fields, field)
		}
	}
	n.Fields = fields
	return n
}
