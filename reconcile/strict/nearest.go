package strict

import "strings"

// Nearest returns the name that was probably meant, or "" where none is near:
// the one with the fewest letters inserted, left out, replaced or swapped, at
// most a third of the name. Case, dashes and underscores hardly count.
func Nearest(name string, among []string) string {
	best, least := "", 0
	for _, candidate := range among {
		d := nearness(name, candidate)
		if d <= limit(name, candidate) && (best == "" || d < least) {
			best, least = candidate, d
		}
	}
	return best
}

func limit(a, b string) int { return max(1, min(len(a), len(b))/3) }

func nearness(a, b string) int {
	x, y := bare(a), bare(b)
	if x == y {
		return 0
	}
	if len(x)-len(y) > 6 || len(y)-len(x) > 6 || len(x) > 128 {
		return max(len(x), len(y))
	}
	return distance(x, y)
}

func bare(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(s), "-", ""), "_", "")
}

// distance is the optimal string alignment distance over bytes.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}

// DidYouMean is " (did you mean "x"?)" where a name is near, and "" otherwise.
func DidYouMean(name string, among []string) string {
	if near := Nearest(name, among); near != "" {
		return ` (did you mean "` + near + `"?)`
	}
	return ""
}
