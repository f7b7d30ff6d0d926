package yaml

import (
	"errors"
	"fmt"

	goyaml "go.yaml.in/yaml/v4"
)

// Error is one thing wrong in a file. It never holds a value from it.
type Error struct {
	File string
	Line int // 0 where it is not known
	Text string
}

// Error is file:line: text, the spelling editors jump to.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Text)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text)
}

// syntaxError keeps the parser's words and the line of the file. The words of
// the parser's grammar stages name tokens, never what stands in them.
func syntaxError(err error, file string, offset int) error {
	var load *goyaml.LoadError
	if !errors.As(err, &load) {
		return &Error{File: file, Text: "not valid YAML"}
	}
	line := load.Mark.Line
	if line > 0 {
		line += offset
	}
	text := "not valid YAML: " + load.Message
	if load.Stage == goyaml.ConstructorStage || load.Stage == goyaml.ResolverStage {
		text = "not valid YAML"
	}
	if load.ContextMsg != "" {
		text += " " + load.ContextMsg
	}
	return &Error{File: file, Line: line, Text: text}
}
