package strict

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

func (r *reader) scalar(node reconcile.Node, target reflect.Value, path string) {
	if node.Kind == reconcile.MapNode || node.Kind == reconcile.ListNode {
		r.wants("a string, number or boolean", node, path)
		return
	}
	target.Set(reflect.ValueOf(Scalar{Kind: node.Kind, Text: node.Text(), Line: node.Line}))
}

// str never takes a number or boolean for a string: 0123 or yes would change
// its meaning on the way.
func (r *reader) str(node reconcile.Node, target reflect.Value, l limits, path string) {
	switch node.Kind {
	case reconcile.StringNode:
	case reconcile.BoolNode, reconcile.IntNode, reconcile.FloatNode:
		r.report(path, node.Line, "wants a string, is a "+node.Kind.String()+": put it in quotes")
		return
	default:
		r.wants("a string", node, path)
		return
	}
	if r.allowed(node, l, path) {
		target.SetString(node.Text())
	}
}

// allowed holds a string against enum, pattern and length.
func (r *reader) allowed(node reconcile.Node, l limits, path string) bool {
	if len(l.enum) > 0 && !slices.Contains(l.enum, node.Text()) {
		r.report(path, node.Line, notOneOf(node.Text(), l))
		return false
	}
	if l.pattern != "" && !regexp.MustCompile(l.pattern).MatchString(node.Text()) {
		r.report(path, node.Line, shown(node.Text(), l)+" does not match "+l.pattern)
		return false
	}
	return r.length(len(node.Text()), "characters", node.Line, l, path)
}

// manyNames is from where on a list of all names hides the one that is near.
const manyNames = 8

func notOneOf(text string, l limits) string {
	if l.secret {
		return "is not one of " + strings.Join(l.enum, ", ")
	}
	near := DidYouMean(text, l.enum)
	if near != "" && len(l.enum) > manyNames {
		return fmt.Sprintf("%q is not known here", text) + near
	}
	return fmt.Sprintf("%q is not one of %s", text, strings.Join(l.enum, ", ")) + near
}

// shown is a value for an error, or "the value" where it is a secret.
func shown(text string, l limits) string {
	if l.secret {
		return "the value"
	}
	return strconv.Quote(text)
}

func (r *reader) boolean(node reconcile.Node, target reflect.Value, path string) {
	if node.Kind != reconcile.BoolNode {
		r.wants("a boolean, true or false", node, path)
		return
	}
	target.SetBool(strings.EqualFold(node.Text(), "true"))
}

func (r *reader) duration(node reconcile.Node, target reflect.Value, l limits, path string) {
	if node.Kind != reconcile.StringNode {
		r.wants(`a duration such as "30s"`, node, path)
		return
	}
	d, err := time.ParseDuration(node.Text())
	if err != nil {
		r.report(path, node.Line, shown(node.Text(), l)+` is not a duration such as "30s" or "1h30m"`)
		return
	}
	beyond := outside(l, func(limit string) (int, bool) { return compareDuration(d, limit) })
	if beyond != "" {
		r.report(path, node.Line, shown(node.Text(), l)+beyond)
		return
	}
	target.SetInt(int64(d))
}

func compareDuration(d time.Duration, limit string) (int, bool) {
	other, err := time.ParseDuration(limit)
	return int(max(-1, min(1, d-other))), err == nil
}

// number fills integers and floats. An integer wants a whole number as YAML
// spells one.
func (r *reader) number(node reconcile.Node, target reflect.Value, l limits, path string) {
	float := target.CanFloat()
	switch {
	case node.Kind == reconcile.StringNode && isNumber(node.Text()):
		r.report(path, node.Line, "wants a number, is a string: leave out the quotes")
		return
	case node.Kind != reconcile.IntNode && node.Kind != reconcile.FloatNode:
		r.wants("a number", node, path)
		return
	case node.Kind == reconcile.FloatNode && !float:
		r.report(path, node.Line, "wants a whole number, is "+shown(node.Text(), l))
		return
	}
	if text := outside(l, func(limit string) (int, bool) { return compareNumber(node.Text(), limit) }); text != "" {
		r.report(path, node.Line, bareShown(node.Text(), l)+text)
		return
	}
	if !setNumber(target, node.Text()) {
		r.report(path, node.Line, bareShown(node.Text(), l)+" does not fit here: it is too large, or negative")
	}
}

func bareShown(text string, l limits) string {
	if l.secret {
		return "the value"
	}
	return text
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

func compareNumber(text, limit string) (int, bool) {
	a, errA := parseFloat(text)
	b, errB := parseFloat(limit)
	switch {
	case a < b:
		return -1, errA == nil && errB == nil
	case a > b:
		return 1, errA == nil && errB == nil
	}
	return 0, errA == nil && errB == nil
}

func parseFloat(text string) (float64, error) {
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return float64(n), nil
	}
	return strconv.ParseFloat(text, 64)
}

func setNumber(target reflect.Value, text string) bool {
	switch {
	case target.CanInt():
		n, err := strconv.ParseInt(text, 0, 64)
		if err != nil || target.OverflowInt(n) {
			return false
		}
		target.SetInt(n)
	case target.CanUint():
		n, err := strconv.ParseUint(text, 0, 64)
		if err != nil || target.OverflowUint(n) {
			return false
		}
		target.SetUint(n)
	case target.CanFloat():
		f, err := parseFloat(text)
		if err != nil || target.OverflowFloat(f) {
			return false
		}
		target.SetFloat(f)
	default:
		return false
	}
	return true
}

// outside says in words by which limit a value lies outside, "" if it does not.
func outside(l limits, compare func(limit string) (int, bool)) string {
	if l.min != "" {
		if c, ok := compare(l.min); ok && c < 0 {
			return " is less than " + l.min
		}
	}
	if l.max != "" {
		if c, ok := compare(l.max); ok && c > 0 {
			return " is more than " + l.max
		}
	}
	return ""
}

func (r *reader) length(n int, of string, line int, l limits, path string) bool {
	text := outside(l, func(limit string) (int, bool) { return compareNumber(strconv.Itoa(n), limit) })
	if text == "" {
		return true
	}
	if n == 0 {
		r.report(path, line, "is empty")
		return false
	}
	r.report(path, line, fmt.Sprintf("holds %d %s, which%s", n, of, text))
	return false
}

func (r *reader) text(node reconcile.Node, target reflect.Value, l limits, path string) {
	if node.Kind != reconcile.StringNode {
		r.wants("a string", node, path)
		return
	}
	if !r.allowed(node, l, path) {
		return
	}
	err := target.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(node.Text()))
	switch {
	case err == nil:
	case l.secret:
		r.report(path, node.Line, "the value cannot be read")
	case target.Type() == typeOf[time.Time]():
		r.report(path, node.Line, strconv.Quote(node.Text())+" is not a time such as 2026-11-21T10:00:00Z")
	default:
		r.report(path, node.Line, err.Error())
	}
}
