package kustomize

import (
	"math"
	"strconv"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

// A JSON patch sends the document it works on through floating point:
// 604800000 comes out as 6.048e+08. integer undoes that for whole numbers that
// a float holds exactly; a number that is as it was written gets its own
// spelling back in lined.
func integer(n reconcile.Node) reconcile.Node {
	if n.Kind != reconcile.FloatNode || !strings.ContainsAny(n.Text(), "eE") {
		return n
	}
	v, err := strconv.ParseFloat(n.Text(), 64)
	if err == nil && v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		n = reconcile.ScalarNode(reconcile.IntNode, strconv.FormatFloat(v, 'f', -1, 64), n.Line)
	}
	return n
}

// sameNumber compares by value.
func sameNumber(a, b reconcile.Node) bool {
	if !isNumber(a) || !isNumber(b) {
		return false
	}
	x, errX := strconv.ParseFloat(a.Text(), 64)
	y, errY := strconv.ParseFloat(b.Text(), 64)
	return errX == nil && errY == nil && x == y
}

func isNumber(n reconcile.Node) bool {
	return n.Kind == reconcile.IntNode || n.Kind == reconcile.FloatNode
}
