// Package strict fills Go structs from parsed documents and says everything
// that is wrong at once: unknown fields with the one that was probably meant,
// wrong types, missing fields, each with its path and line. It serves documents
// and the agent's configuration alike, and depends on no parser.
package strict

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong in a document.
type Problem struct {
	Path string // spec.config
	Line int    // in the file; 0 where that is not known
	Text string // unknown field "retention" (did you mean "retention.ms"?)
}

// String is the problem without its line, for whoever prints file:line first.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Text
	}
	return p.Path + ": " + p.Text
}

// Problems is an error made of all that is wrong, in the order of the document.
type Problems []Problem

// Error lists every problem on a line of its own.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
		if one.Line > 0 {
			lines[i] = fmt.Sprintf("line %d: %s", one.Line, lines[i])
		}
	}
	return strings.Join(lines, "\n")
}
