package strict

import (
	"strconv"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

// LineOf finds the line of the field at a path as Problem spells it
// (spec.acls[2].host), or of the nearest thing around it that is there.
func LineOf(node reconcile.Node, path string) int {
	line := node.Line
	for path != "" {
		next, at, rest, ok := step(node, path)
		if !ok {
			break
		}
		node, path = next, rest
		if at > 0 {
			line = at
		}
	}
	return line
}

// step goes one field or index down. Keys may hold dots, so the keys of the
// mapping decide where a name ends.
func step(node reconcile.Node, path string) (next reconcile.Node, line int, rest string, ok bool) {
	if index, after, found := strings.Cut(strings.TrimPrefix(path, "["), "]"); found && path[0] == '[' {
		i, err := strconv.Atoi(index)
		if err != nil || i < 0 || i >= len(node.Items) {
			return node, 0, "", false
		}
		return node.Items[i], node.Items[i].Line, strings.TrimPrefix(after, "."), true
	}
	longest := -1
	for _, f := range node.Fields {
		after, found := strings.CutPrefix(path, f.Key)
		if found && len(f.Key) > longest && (after == "" || after[0] == '.' || after[0] == '[') {
			next, line, rest, longest = f.Value, f.Line, strings.TrimPrefix(after, "."), len(f.Key)
		}
	}
	return next, line, rest, longest > 0
}
