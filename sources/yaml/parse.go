package yaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	goyaml "go.yaml.in/yaml/v4"

	"github.com/ottla-io/ottla/reconcile"
)

// Bounds of one file. A document people write is nowhere near them; a file made
// to exhaust memory is.
const (
	maxExpanded = 100_000 // nodes that come from aliases
	maxDepth    = 200     // of nesting, aliases included
)

// Parse reads all documents of a YAML or JSON text. Empty documents are left
// out. file is the name for errors; firstLine is the line of the file that the
// text begins with, 1 for a whole file. The error is an *Error.
func Parse(data []byte, file string, firstLine int) ([]reconcile.Node, error) {
	if line := notText(data); line > 0 {
		return nil, &Error{File: file, Line: line + firstLine - 1, Text: "not UTF-8: save the file as UTF-8 text"}
	}
	loader, err := goyaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: start the YAML parser: %w", file, err)
	}
	c := converter{file: file, offset: firstLine - 1}
	var docs []reconcile.Node
	for {
		var doc goyaml.Node
		err := loader.Load(&doc)
		switch {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, syntaxError(err, file, c.offset)
		}
		node, err := c.document(&doc)
		if err != nil {
			return nil, err
		}
		if node.Kind != reconcile.NullNode {
			docs = append(docs, node)
		}
	}
}

// converter turns parser nodes of one file into ours.
type converter struct {
	file     string
	offset   int
	aliases  int // how many aliases we are inside of
	expanded int
	depth    int
}

func (c *converter) document(doc *goyaml.Node) (reconcile.Node, error) {
	if doc.Kind != goyaml.DocumentNode {
		return c.node(doc)
	}
	if len(doc.Content) == 0 {
		return reconcile.Node{}, nil
	}
	return c.node(doc.Content[0])
}

func (c *converter) node(n *goyaml.Node) (reconcile.Node, error) {
	if c.depth++; c.depth > maxDepth {
		return reconcile.Node{}, c.errorf(n, "nested more than %d deep", maxDepth)
	}
	defer func() { c.depth-- }()
	if c.aliases > 0 {
		if c.expanded++; c.expanded > maxExpanded {
			return reconcile.Node{}, c.errorf(n, "aliases expand to more than %d values", maxExpanded)
		}
	}
	switch n.Kind {
	case goyaml.AliasNode:
		return c.alias(n)
	case goyaml.MappingNode:
		return c.mapping(n)
	case goyaml.SequenceNode:
		return c.sequence(n)
	default:
		return c.scalar(n)
	}
}

// alias copies what the anchor names. The copy keeps the anchor's lines: that
// is where the text to be corrected stands. A cycle ends at maxDepth.
func (c *converter) alias(n *goyaml.Node) (reconcile.Node, error) {
	c.aliases++
	defer func() { c.aliases-- }()
	return c.node(n.Alias)
}

func (c *converter) sequence(n *goyaml.Node) (reconcile.Node, error) {
	if tag := n.ShortTag(); tag != "!!seq" {
		return reconcile.Node{}, c.badTag(n)
	}
	out := reconcile.Node{Kind: reconcile.ListNode, Line: c.line(n)}
	for _, item := range n.Content {
		v, err := c.node(item)
		if err != nil {
			return reconcile.Node{}, err
		}
		out.Items = append(out.Items, v)
	}
	return out, nil
}

func (c *converter) scalar(n *goyaml.Node) (reconcile.Node, error) {
	out, ok := Scalar(n.ShortTag(), n.Value, c.line(n))
	if !ok {
		return reconcile.Node{}, c.badTag(n)
	}
	return out, nil
}

func (c *converter) line(n *goyaml.Node) int { return n.Line + c.offset }

func (c *converter) badTag(n *goyaml.Node) error {
	return c.errorf(n, "a tag of its own (!…), or one that the value is not: write a plain YAML value")
}

func (c *converter) errorf(n *goyaml.Node, format string, args ...any) error {
	return &Error{File: c.file, Line: c.line(n), Text: fmt.Sprintf(format, args...)}
}
