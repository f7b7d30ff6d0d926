package show

import (
	"encoding/json"
	"fmt"

	goyaml "go.yaml.in/yaml/v4"

	"github.com/ottla-io/ottla/reconcile"
)

// Document is a rendered document that may be printed.
type Document struct {
	Origin reconcile.Origin
	Body   *goyaml.Node
}

const mask = "••••••"

// Masked turns a document into a YAML node, with the values that hide picks
// replaced. path is the way to a value, lists left out.
func Masked(node reconcile.Node, hide func(path []string) bool) *goyaml.Node {
	return toYAML(node, nil, hide)
}

func toYAML(n reconcile.Node, path []string, hide func([]string) bool) *goyaml.Node {
	out := &goyaml.Node{}
	switch n.Kind {
	case reconcile.MapNode:
		out.Kind, out.Tag = goyaml.MappingNode, "!!map"
		for _, f := range n.Fields {
			key := &goyaml.Node{Kind: goyaml.ScalarNode, Tag: "!!str", Value: f.Key}
			out.Content = append(out.Content, key, toYAML(f.Value, append(path[:len(path):len(path)], f.Key), hide))
		}
	case reconcile.ListNode:
		out.Kind, out.Tag = goyaml.SequenceNode, "!!seq"
		for _, item := range n.Items {
			out.Content = append(out.Content, toYAML(item, path, hide))
		}
	default:
		out.Kind, out.Tag, out.Value = goyaml.ScalarNode, scalarTag(n.Kind), n.Text()
		if n.Kind == reconcile.NullNode {
			out.Value = "null"
		}
		if hide(path) {
			out.Tag, out.Value = "!!str", mask
		}
	}
	return out
}

func scalarTag(kind reconcile.NodeKind) string {
	switch kind {
	case reconcile.NullNode:
		return "!!null"
	case reconcile.BoolNode:
		return "!!bool"
	case reconcile.IntNode:
		return "!!int"
	case reconcile.FloatNode:
		return "!!float"
	default:
		return "!!str"
	}
}

// Documents prints YAML with where each came from, or a JSON list.
func (p *Printer) Documents(docs []Document) error {
	if p.Format == JSON {
		return p.documentsJSON(docs)
	}
	for _, doc := range docs {
		p.linef("---")
		if at := doc.Origin.String(); at != "" {
			p.linef("%s", p.dim("# "+at))
		}
		encode := goyaml.NewEncoder(p.Out)
		encode.SetIndent(2)
		if err := encode.Encode(doc.Body); err != nil {
			return fmt.Errorf("write YAML: %w", err)
		}
	}
	return nil
}

func (p *Printer) documentsJSON(docs []Document) error {
	all := make([]json.RawMessage, 0, len(docs))
	for _, doc := range docs {
		var v any
		if err := doc.Body.Decode(&v); err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		all = append(all, raw)
	}
	return p.json(all)
}
