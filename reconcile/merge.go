package reconcile

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Merge makes one resource of all declarations of a live thing, sorted by ID.
// Declarations of a bag are a union; anything else declared twice is an error
// naming both places, and so are differing values and differing markers.
// A document for another cluster gives way to one for this.
func Merge(resources []Resource, bag func(kind string) bool) ([]Resource, error) {
	byID := map[ID]Resource{}
	var problems []error
	for _, r := range resources {
		old, ok := byID[r.ID]
		if !ok {
			byID[r.ID] = r
			continue
		}
		one, err := mergeTwo(old, r, bag != nil && bag(r.ID.Kind))
		problems = append(problems, err)
		byID[r.ID] = one
	}
	if err := joined(problems); err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(byID), func(a, b Resource) int { return CompareID(a.ID, b.ID) }), nil
}

func mergeTwo(a, b Resource, bag bool) (Resource, error) {
	switch {
	case b.elsewhere():
		return a, nil
	case a.elsewhere():
		return b, nil
	case !bag:
		return a, b.mistake("%s is declared twice, also in %s", b.ID, at(a.Origin("")))
	case !sameMarks(a, b):
		return a, b.mistake("%s is declared with other annotations than in %s", b.ID, at(a.Origin("")))
	}
	return union(a, b)
}

func (r Resource) elsewhere() bool { return strings.HasPrefix(r.Skip, skipCluster) }

func (r Resource) mistake(format string, args ...any) error {
	var origin Origin
	if at := r.Origin(""); len(at) > 0 {
		origin = at[0]
	}
	return Mistake{origin, fmt.Sprintf(format, args...)}
}

func sameMarks(a, b Resource) bool {
	return a.Skip == b.Skip && a.Keep == b.Keep && a.Drift == b.Drift && maps.Equal(a.Ignore, b.Ignore)
}

func union(a, b Resource) (Resource, error) {
	out := a
	out.Fields, out.Origins = maps.Clone(a.Fields), map[string][]Origin{}
	for name, value := range b.Fields {
		if old, ok := a.Fields[name]; ok && !old.Same(value) {
			return a, b.mistake("%s: %s is %v here and %v in %s", b.ID, name, value, old, at(a.Origin(name)))
		}
		out.Fields[name] = value
	}
	for _, r := range []Resource{a, b} {
		for name, origins := range r.Origins {
			out.Origins[name] = append(out.Origins[name], origins...)
		}
	}
	out.Needs, out.Claims = unionIDs(a.Needs, b.Needs), unionIDs(a.Claims, b.Claims)
	return out, nil
}

func unionIDs(a, b []ID) []ID {
	all := slices.Concat(a, b)
	slices.SortFunc(all, CompareID)
	return slices.Compact(all)
}

func at(origins []Origin) string {
	words := make([]string, len(origins))
	for i, o := range origins {
		words[i] = o.String()
	}
	return strings.Join(words, " and ")
}

// Seal gives every secret a print keyed with key and salted with id and field,
// so that equal passwords of two users do not look alike. Below this line
// secrets are compared without any key at hand.
func Seal(key []byte, want []Resource) []Resource {
	out := slices.Clone(want)
	for i, r := range out {
		var fields map[string]Value
		for name, v := range r.Fields {
			plain, ok := v.Plaintext()
			if !ok {
				continue
			}
			if fields == nil {
				fields = maps.Clone(r.Fields)
			}
			v.text = printOf(key, r.ID, name, plain)
			fields[name] = v
		}
		if fields != nil {
			out[i].Fields = fields
		}
	}
	return out
}

func printOf(key []byte, id ID, field, plaintext string) string {
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{id.Kind, id.Name, field, plaintext} {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
