package reconcile

import (
	"fmt"
	"io"
)

// NodeKind says what a Node is.
type NodeKind uint8

// The kinds of a Node.
const (
	NullNode NodeKind = iota
	BoolNode
	IntNode
	FloatNode
	StringNode
	MapNode
	ListNode
)

var nodeNames = [...]string{"null", "boolean", "number", "number", "string", "mapping", "list"}

// String is the kind in words for an error message.
func (k NodeKind) String() string { return nodeNames[k] }

// Node is a parsed YAML or JSON value that remembers its line, free of any
// parser's types. Documents may hold secrets, so no printed form of a Node
// shows what is in it.
type Node struct {
	Kind   NodeKind
	Line   int     // in the file it came from; 0 where that is not known
	Fields []Field // of a mapping, in the order written, keys unique
	Items  []Node  // of a list
	text   *secret // of a scalar; behind a pointer, or %+v of an outer struct prints it
}

// ScalarNode is a scalar as it was written.
func ScalarNode(kind NodeKind, text string, line int) Node {
	return Node{Kind: kind, Line: line, text: hidden(text)}
}

// Text is a scalar as it was written, "" for everything else.
func (n Node) Text() string {
	if n.text == nil {
		return ""
	}
	return *n.text.text
}

// Field is one entry of a mapping.
type Field struct {
	Key   string
	Line  int
	Value Node
}

// Get returns a mapping's entry.
func (n Node) Get(key string) (Node, bool) {
	for _, f := range n.Fields {
		if f.Key == key {
			return f.Value, true
		}
	}
	return Node{}, false
}

// Format never prints what the node holds.
func (n Node) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "(%s, line %d)", n.Kind, n.Line)
}

// GoString never prints what the node holds.
func (n Node) GoString() string { return fmt.Sprintf("%v", n) }

// Format never prints what the field holds.
func (f Field) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.Key) }
