package restore

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// internal tells a topic that only a broker writes to.
func internal(name string) bool { return strings.HasPrefix(name, "__") }

// Target gives a topic its name in the target: an exact rule wins over a
// pattern, and of patterns the one with the longest text.
func Target(rules map[string]string, name string) string {
	if to, ok := rules[name]; ok {
		return to
	}
	best, to := "", name
	for from, pattern := range rules {
		before, after, ok := strings.Cut(from, "*")
		if !ok || len(name) < len(before)+len(after) || !strings.HasPrefix(name, before) || !strings.HasSuffix(name, after) {
			continue
		}
		if len(from) > len(best) || len(from) == len(best) && from < best {
			best, to = from, strings.Replace(pattern, "*", name[len(before):len(name)-len(after)], 1)
		}
	}
	return to
}

// legal is what Kafka's Topic.validate lets through.
func legal(name string) bool {
	return regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`).MatchString(name) && name != "." && name != ".."
}

// checkRules refuses rules of names that do not say one thing.
func checkRules(rules map[string]string) []Problem {
	var found []Problem
	for from, to := range rules {
		if strings.Count(from, "*") > 1 || strings.Count(from, "*") != strings.Count(to, "*") {
			found = append(found, Problem{
				Where: "name " + from, Text: fmt.Sprintf("%q cannot be made of it", to),
				Hint: "give exact names, or a pattern with one * on both sides",
			})
		}
	}
	slices.SortFunc(found, func(a, b Problem) int { return strings.Compare(a.Where, b.Where) })
	return found
}
