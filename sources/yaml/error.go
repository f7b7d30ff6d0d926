package yaml

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

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
	if strings.Contains(load.Message, "cannot start any token") {
		text = "not valid YAML: a tab, or another character that nothing begins with: indent with spaces, quote such values"
	}
	return &Error{File: file, Line: line, Text: text}
}

// notText finds the line where bytes stop being text, 0 where all of them are.
// The parser would tell neither the line nor what to do.
func notText(data []byte) int {
	if utf8.Valid(data) || bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return 0 // UTF-16 begins with its byte order mark, and is YAML
	}
	line := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		data = data[size:]
	}
	return line
}
