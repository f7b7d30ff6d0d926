package capture

import (
	"slices"
	"strings"
)

// Select tells which topics globs choose: * and ? as in file names, nothing else
// is special. Internal topics, and those that begin with __, must be named: by
// their name, or by a glob that itself begins with __.
func Select(topics []string, internal func(string) bool, include, exclude []string) []string {
	var chosen []string
	for _, name := range topics {
		hidden := strings.HasPrefix(name, hiddenPrefix) || internal != nil && internal(name)
		if chooses(include, name, hidden) && !chooses(exclude, name, false) {
			chosen = append(chosen, name)
		}
	}
	return chosen
}

// hiddenPrefix begins the names of topics that only their owners read.
const hiddenPrefix = "__"

func chooses(globs []string, name string, hidden bool) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		if hidden && glob != name && !strings.HasPrefix(glob, hiddenPrefix) {
			return false
		}
		return matches(glob, name)
	})
}

// literal tells a glob that is a name.
func literal(glob string) bool { return !strings.ContainsAny(glob, "*?") }

// matches goes back to the last star only, so that no glob takes longer than
// the product of the two lengths.
func matches(glob, name string) bool {
	star, from := -1, 0
	g, n := 0, 0
	for n < len(name) {
		switch {
		case g < len(glob) && glob[g] == '*':
			star, from = g, n
			g++
		case g < len(glob) && (glob[g] == '?' || glob[g] == name[n]):
			g++
			n++
		case star >= 0:
			from++
			g, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(glob[g:], "*") == ""
}
