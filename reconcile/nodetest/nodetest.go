// Package nodetest builds nodes and documents from YAML for tests. The real
// parser lives in sources/yaml, which the rooms under sinks may not import.
package nodetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	yaml "go.yaml.in/yaml/v4"

	"github.com/ottla-io/ottla/reconcile"
)

// Node parses one YAML document or fails the test.
func Node(t testing.TB, text string) reconcile.Node {
	t.Helper()
	node, err := Parse(text)
	if err != nil {
		t.Fatalf("parse the test's YAML: %v", err)
	}
	return node
}

// Parse is Node for fuzzers, which meet YAML that is none.
func Parse(text string) (reconcile.Node, error) {
	nodes, err := parseAll([]byte(text))
	if err != nil || len(nodes) == 0 {
		return reconcile.Node{}, err
	}
	return nodes[0], nil
}

// Documents parses YAML documents, each with its header read.
func Documents(t testing.TB, file, text string) []reconcile.Document {
	t.Helper()
	nodes, err := parseAll([]byte(text))
	if err != nil {
		t.Fatalf("parse %s: %v", file, err)
	}
	docs := make([]reconcile.Document, len(nodes))
	for i, node := range nodes {
		docs[i] = Document(file, node)
	}
	return docs
}

// Document reads the header of a parsed document.
func Document(file string, node reconcile.Node) reconcile.Document {
	meta, _ := node.Get("metadata")
	d := reconcile.Document{
		APIVersion: text(node, "apiVersion"), Kind: text(node, "kind"),
		Namespace: text(meta, "namespace"), Name: text(meta, "name"),
		Labels: texts(meta, "labels"), Annotations: texts(meta, "annotations"),
		Body: node,
	}
	d.Origin = reconcile.Origin{Document: d.Kind + " " + d.Name, File: file, Line: node.Line}
	return d
}

func text(n reconcile.Node, key string) string {
	value, _ := n.Get(key)
	return value.Text()
}

func texts(n reconcile.Node, key string) map[string]string {
	value, _ := n.Get(key)
	out := map[string]string{}
	for _, f := range value.Fields {
		out[f.Key] = f.Value.Text()
	}
	return out
}

func parseAll(data []byte) (nodes []reconcile.Node, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return nodes, nil
		}
		if err != nil {
			return nil, err
		}
		node, err := convert(&doc, 0)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, node)
	}
}

func convert(n *yaml.Node, depth int) (reconcile.Node, error) {
	if depth > 100 {
		return reconcile.Node{}, errors.New("nested too deep")
	}
	out := reconcile.Node{Line: n.Line}
	switch n.Kind {
	case yaml.DocumentNode:
		return convert(n.Content[0], depth+1)
	case yaml.AliasNode:
		return reconcile.Node{}, errors.New("aliases are not for tests")
	case yaml.SequenceNode:
		return list(n, out, depth)
	case yaml.MappingNode:
		return mapping(n, out, depth)
	}
	return reconcile.ScalarNode(scalarKind(n.ShortTag()), n.Value, n.Line), nil
}

func scalarKind(tag string) reconcile.NodeKind {
	switch tag {
	case "!!null":
		return reconcile.NullNode
	case "!!bool":
		return reconcile.BoolNode
	case "!!int":
		return reconcile.IntNode
	case "!!float":
		return reconcile.FloatNode
	}
	return reconcile.StringNode
}

func list(n *yaml.Node, out reconcile.Node, depth int) (reconcile.Node, error) {
	out.Kind = reconcile.ListNode
	for _, item := range n.Content {
		value, err := convert(item, depth+1)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, value)
	}
	return out, nil
}

func mapping(n *yaml.Node, out reconcile.Node, depth int) (reconcile.Node, error) {
	out.Kind = reconcile.MapNode
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if _, twice := out.Get(key); twice {
			return out, fmt.Errorf("line %d: %q stands there twice", n.Content[i].Line, key)
		}
		value, err := convert(n.Content[i+1], depth+1)
		if err != nil {
			return out, err
		}
		out.Fields = append(out.Fields, reconcile.Field{Key: key, Line: n.Content[i].Line, Value: value})
	}
	return out, nil
}
