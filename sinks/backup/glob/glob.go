// Package glob is how documents and flags about backups name topics and groups:
// * and ? as in file names, and nothing else is special.
package glob

import (
	"slices"
	"strings"
)

// Match tells whether a glob matches a whole name. It goes back to the last star
// only, so that no glob takes longer than the product of the two lengths.
func Match(glob, name string) bool {
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

// Any tells whether one of the globs matches.
func Any(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(g string) bool { return Match(g, name) })
}

// Literal tells a glob that is a name.
func Literal(glob string) bool { return !strings.ContainsAny(glob, "*?") }

// hiddenPrefix begins the names of topics that only their owners read.
const hiddenPrefix = "__"

// Topic tells whether one of the globs chooses a topic. One that the cluster
// calls internal, or that begins with __, must be named: by its name, or by a
// glob that itself begins with __.
func Topic(globs []string, name string, internal bool) bool {
	hidden := internal || strings.HasPrefix(name, hiddenPrefix)
	return slices.ContainsFunc(globs, func(g string) bool {
		return (!hidden || g == name || strings.HasPrefix(g, hiddenPrefix)) && Match(g, name)
	})
}

// Among is Topic where no globs choose every topic that need not be named.
func Among(globs []string, name string, internal bool) bool {
	if len(globs) == 0 {
		return Topic([]string{"*"}, name, internal)
	}
	return Topic(globs, name, internal)
}

// Idle returns a glob that matches none of the names, which somebody mistyped;
// "" if there is none.
func Idle(globs, names []string) string {
	i := slices.IndexFunc(globs, func(g string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return Match(g, name) })
	})
	if i < 0 {
		return ""
	}
	return globs[i]
}
