package yaml

import (
	goyaml "go.yaml.in/yaml/v4"

	"github.com/ottla-io/ottla/reconcile"
)

// mapping converts the entries in the order written; what merge keys bring in
// follows, explicit keys win.
func (c *converter) mapping(n *goyaml.Node) (reconcile.Node, error) {
	if n.ShortTag() != "!!map" {
		return reconcile.Node{}, c.badTag(n)
	}
	out := reconcile.Node{Kind: reconcile.MapNode, Line: c.line(n)}
	seen := make(map[string]int, len(n.Content)/2)
	var merges []*goyaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merges = append(merges, value)
			continue
		}
		f, err := c.field(key, value, seen)
		if err != nil {
			return reconcile.Node{}, err
		}
		out.Fields = append(out.Fields, f)
	}
	for _, m := range merges {
		if err := c.merge(&out, m, seen); err != nil {
			return reconcile.Node{}, err
		}
	}
	return out, nil
}

func (c *converter) field(key, value *goyaml.Node, seen map[string]int) (reconcile.Field, error) {
	name := key
	if key.Kind == goyaml.AliasNode {
		name = key.Alias
	}
	if name.Kind != goyaml.ScalarNode || name.ShortTag() != "!!str" {
		return reconcile.Field{}, c.errorf(key, "a key must be a string: put it in quotes")
	}
	if first, ok := seen[name.Value]; ok {
		return reconcile.Field{}, c.errorf(key, "key %q is given twice, first in line %d", name.Value, first)
	}
	seen[name.Value] = c.line(key)
	v, err := c.node(value)
	return reconcile.Field{Key: name.Value, Line: c.line(key), Value: v}, err
}

// merge adds what `<<:` names: a mapping, or a list of mappings of which the
// earlier one wins.
func (c *converter) merge(into *reconcile.Node, from *goyaml.Node, seen map[string]int) error {
	v, err := c.node(from)
	if err != nil {
		return err
	}
	list := []reconcile.Node{v}
	if v.Kind == reconcile.ListNode {
		list = v.Items
	}
	for _, m := range list {
		if m.Kind != reconcile.MapNode {
			return c.errorf(from, "a merge key (<<) needs a mapping, not a %s", m.Kind)
		}
		for _, f := range m.Fields {
			if _, ok := seen[f.Key]; ok {
				continue
			}
			seen[f.Key] = f.Line
			into.Fields = append(into.Fields, f)
		}
	}
	return nil
}
