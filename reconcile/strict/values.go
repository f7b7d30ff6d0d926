package strict

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

// Line is a field that is not in the document: it is filled with the line on
// which the mapping that holds it begins.
type Line int

// Scalar is a string, number, boolean or null whose spelling does not matter:
// 604800000, "604800000" and 6.048e8 mean the same. It may hold a secret, so
// no printed form shows it.
type Scalar struct {
	Kind reconcile.NodeKind
	Text string // as it was written
	Line int
}

// IsNull tells a declared null from a value.
func (s Scalar) IsNull() bool { return s.Kind == reconcile.NullNode }

// Canonical is the value as a system that takes strings wants it: whole
// numbers in plain decimal, booleans in lower case, strings as they are.
func (s Scalar) Canonical() string {
	switch s.Kind {
	case reconcile.IntNode, reconcile.FloatNode:
		if whole, ok := Whole(s.Text); ok {
			return strconv.FormatInt(whole, 10)
		}
	case reconcile.BoolNode:
		return strings.ToLower(s.Text)
	}
	return s.Text
}

// Format never prints the value.
func (s Scalar) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "(%s, line %d)", s.Kind, s.Line)
}

// Any is a free tree.
type Any struct{ Node reconcile.Node }

// Whole reads a whole number however it is spelled: 604800000, 604800000.0,
// 6.048e8, 0x10. It is false for anything else and beyond 64 bits.
func Whole(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func isDuration(t reflect.Type) bool { return t == typeOf[time.Duration]() }
func isScalar(t reflect.Type) bool   { return t == typeOf[Scalar]() }
func isAny(t reflect.Type) bool      { return t == typeOf[Any]() }
func isLine(t reflect.Type) bool     { return t == typeOf[Line]() }
