package yaml

import (
	"errors"
	"math/big"
	"strconv"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

// Scalar makes a node of a scalar whose short tag (!!str, !!int …) is known,
// by the rules of the package comment. It is false for a tag outside the core
// schema, and for a text that is not what its tag says. Renderers that hold another parser's nodes use it, so that a value is
// read alike on every way.
func Scalar(tag, text string, line int) (reconcile.Node, bool) {
	kind, ok := reconcile.StringNode, true
	switch tag {
	case "!!str", "!!timestamp", "!!merge":
	case "!!null":
		kind, text = reconcile.NullNode, ""
	case "!!bool":
		kind, text = reconcile.BoolNode, strings.ToLower(text)
		ok = text == "true" || text == "false"
	case "!!int":
		kind, text = reconcile.IntNode, decimal(text)
		ok = strings.Trim(text, "+-0123456789") == ""
	case "!!float":
		kind, ok = reconcile.FloatNode, isFloat(text)
	default:
		return reconcile.Node{}, false
	}
	return reconcile.ScalarNode(kind, text, line), ok
}

// decimal spells a whole number in base ten. A leading 0 means octal, as in
// the YAML that Kubernetes reads.
func decimal(text string) string {
	plain := strings.ReplaceAll(text, "_", "")
	unsigned := strings.TrimLeft(plain, "+-")
	if plain == text && (unsigned == "0" || !strings.HasPrefix(unsigned, "0")) {
		return text
	}
	v, ok := new(big.Int).SetString(plain, 0)
	if !ok {
		return text
	}
	return v.String()
}

// isFloat tells a number from a text that somebody tagged as one.
func isFloat(text string) bool {
	switch strings.ToLower(strings.TrimLeft(text, "+-")) {
	case ".inf", ".nan":
		return true
	}
	_, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}
