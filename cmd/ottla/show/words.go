package show

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ottla-io/ottla/reconcile"
)

// aclField is how an access rule is spelled as a field, with the spaces that
// align what follows it.
var aclField = regexp.MustCompile(`\b(allow|deny)\|([a-z-]+)\|(literal|prefixed)\|([^|\s]+)\|([a-z-]+)\|([^|\s:]+)( *)`)

// accessWords spells access rules as people say them. Where a column follows,
// it stays one over the whole text.
func accessWords(text string) string {
	width := 0
	for _, m := range aclField.FindAllStringSubmatch(text, -1) {
		if len(m[7]) > 1 {
			width = max(width, utf8.RuneCountInString(accessRule(m)))
		}
	}
	return aclField.ReplaceAllStringFunc(text, func(field string) string {
		m := aclField.FindStringSubmatch(field)
		if len(m[7]) < 2 {
			return accessRule(m) + m[7]
		}
		return pad(accessRule(m), width) + "  "
	})
}

// accessRule is the rule of a match in words: allow read on topic orders.
func accessRule(m []string) string {
	name := strings.ReplaceAll(m[4], "%7C", "|")
	words := fmt.Sprintf("%s %s on %s %s", m[1], m[5], m[2], name)
	switch {
	case m[3] == "prefixed":
		words += "…"
	case name == "*":
		words = fmt.Sprintf("%s %s on every %s", m[1], m[5], m[2])
	}
	if m[6] != "*" {
		words += " from " + m[6]
	}
	return words
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func short(revision string) string { return revision[:min(len(revision), 8)] }

func keys(m map[string]reconcile.Value) []string { return slices.Sorted(maps.Keys(m)) }

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// isPresence tells a field that has no value: it is there or not.
func isPresence(f reconcile.FieldChange) bool {
	blank := func(v reconcile.Value) bool {
		return v.Is(reconcile.Text) && v.Text() == "" || v.Is(reconcile.Unset) || v.Is(reconcile.Absent)
	}
	return blank(f.From) && blank(f.To) && (f.From.Is(reconcile.Text) || f.To.Is(reconcile.Text))
}
