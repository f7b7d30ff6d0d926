package kustomize

import (
	"encoding/json"
	"strconv"

	"github.com/ottla-io/ottla/reconcile"
)

// marker is the annotation that carries an original's number. kustomize's own
// origin annotations would do, at twice the time. The number ends in a newline:
// kustomize tries to parse every annotation of one line, each time it sets one.
const marker = "ottla.io/original"

// appendText writes a document for kustomize: JSON, which is YAML, with its
// marker.
func (o *original) appendText(b []byte) []byte {
	mark := reconcile.Field{Key: marker, Value: reconcile.ScalarNode(reconcile.StringNode, strconv.Itoa(o.number)+"\n", 0)}
	body := edit(o.Body, "metadata", func(meta reconcile.Node) (reconcile.Node, bool) {
		old, _ := meta.Get("annotations")
		all := reconcile.Node{Kind: reconcile.MapNode, Fields: append([]reconcile.Field{mark}, old.Fields...)}
		meta = edit(meta, "annotations", func(reconcile.Node) (reconcile.Node, bool) { return all, false })
		meta.Fields = append(meta.Fields, reconcile.Field{Key: "annotations", Value: all})
		return meta, true
	})
	return append(appendNode(append(b, "---\n"...), body), '\n')
}

func appendNode(b []byte, n reconcile.Node) []byte {
	switch n.Kind {
	case reconcile.MapNode:
		b = append(b, '{')
		for i, f := range n.Fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, f.Key), ':', ' ')
			b = appendNode(b, f.Value)
		}
		return append(b, '}')
	case reconcile.ListNode:
		b = append(b, '[')
		for i, item := range n.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendNode(b, item)
		}
		return append(b, ']')
	case reconcile.NullNode:
		return append(b, "null"...)
	case reconcile.StringNode:
		return appendString(b, n.Text())
	default:
		return append(b, n.Text()...)
	}
}

func appendString(b []byte, s string) []byte {
	if plain, err := json.Marshal(s); err == nil && isASCII(plain) {
		return append(b, plain...)
	}
	return strconv.AppendQuoteToASCII(b, s) // YAML knows Go's escapes, \U included
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
