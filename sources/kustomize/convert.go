package kustomize

import (
	"fmt"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
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

// results turns kustomize's resources into nodes.
func results(m resmap.ResMap) ([]rendered, error) {
	out := make([]rendered, 0, m.Size())
	for _, r := range m.Resources() {
		one, err := result(r)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

func result(r *resource.Resource) (rendered, error) {
	var one rendered
	origin, err := r.GetOrigin()
	if err != nil {
		return one, fmt.Errorf("read where a resource comes from: %w", err)
	}
	if origin != nil {
		one.generated = origin.ConfiguredIn != ""
		one.file, _ = inTree(path.Join(wrapperRoot, origin.Path+origin.ConfiguredIn))
	}
	body, ok := convert(r.YNode())
	if !ok {
		return one, fmt.Errorf("%s: a value has a tag of its own (!…): write a plain YAML value", one.file)
	}
	one.body = withoutOrigin(body)
	return one, nil
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
		return yaml.Scalar(n.ShortTag(), n.Value, 0)
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

// withoutOrigin removes the annotations that rendering added.
func withoutOrigin(body reconcile.Node) reconcile.Node {
	return edit(body, "metadata", func(meta reconcile.Node) (reconcile.Node, bool) {
		return edit(meta, "annotations", func(all reconcile.Node) (reconcile.Node, bool) {
			kept := all.Fields[:0:0]
			for _, f := range all.Fields {
				if f.Key != "config.kubernetes.io/origin" && !strings.HasPrefix(f.Key, "internal.config.kubernetes.io/") {
					kept = append(kept, f)
				}
			}
			all.Fields = kept
			return all, len(kept) > 0
		}), true
	})
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
