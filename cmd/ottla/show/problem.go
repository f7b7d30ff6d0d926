package show

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
	"github.com/ottla-io/ottla/sources"
)

// Problem is one thing wrong: what, where, and what to do.
type Problem struct {
	Text string `json:"text"`
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Hint string `json:"hint,omitempty"`
}

// At is file:line, "" where the problem has no place.
func (p Problem) At() string { return reconcile.Origin{File: p.File, Line: p.Line}.String() }

// Problems takes an error apart: every mistake by itself, with its place.
// inFile is where problems without a file of their own stand.
func Problems(err error, inFile string) []Problem {
	out := apart(err, inFile)
	var hint *sources.HintError
	if len(out) > 0 && out[0].Hint == "" && errors.As(err, &hint) {
		out[0].Hint = hint.Hint
	}
	return out
}

func apart(err error, inFile string) []Problem {
	var mistake reconcile.Mistake
	var found strict.Problems
	var hint *sources.HintError
	switch e := err.(type) { //nolint:errorlint // one level at a time is the point
	case nil:
		return nil
	case *fileError:
		return apart(e.err, e.file)
	case interface{ Unwrap() []error }:
		var out []Problem
		for _, one := range e.Unwrap() {
			out = append(out, apart(one, inFile)...)
		}
		return out
	}
	switch {
	case errors.As(err, &found):
		return structural(found, inFile)
	case errors.As(err, &mistake) && mistake.Error() == err.Error():
		return []Problem{{Text: mistake.Text, File: mistake.Origin.File, Line: mistake.Origin.Line}}
	}
	if inner := errors.Unwrap(err); inner != nil && inner.Error() == err.Error() && !errors.As(err, &hint) {
		return apart(inner, inFile)
	}
	return placed(err.Error())
}

func structural(found strict.Problems, inFile string) []Problem {
	out := make([]Problem, 0, len(found))
	for _, one := range found {
		p := Problem{Text: one.String(), File: inFile, Line: one.Line}
		if one.In.File != "" {
			p.File, p.Text = one.In.File, one.In.Document+": "+p.Text
		}
		out = append(out, p)
	}
	return out
}

// place is how our parsers begin an error that has a place.
var place = regexp.MustCompile(`^([^\s:][^:\n]*\.(?:ya?ml|json))(?::(\d+))?: `)

// placed finds places that are written into the text, a problem a line.
func placed(text string) []Problem {
	var out []Problem
	for line := range strings.SplitSeq(text, "\n") {
		m := place.FindStringSubmatch(line)
		switch {
		case m != nil:
			p := Problem{File: m[1], Text: line[len(m[0]):]}
			_, _ = fmt.Sscan(m[2], &p.Line)
			out = append(out, p)
		case len(out) > 0:
			out[len(out)-1].Text += "\n" + line
		default:
			out = append(out, Problem{Text: line})
		}
	}
	return out
}

// Error prints an error to people: what, where, and what to do.
func (p *Printer) Error(err error) {
	for _, one := range Problems(err, "") {
		p.Problem(one)
	}
}

// Problem prints one problem.
func (p *Printer) Problem(one Problem) { p.note(p.paint("error:", color.FgRed, color.Bold), one) }

// Refused prints what is right, and is never carried out as it is.
func (p *Printer) Refused(one Problem) {
	p.note(p.paint("refused:", color.FgRed, color.Bold), one)
}

// Warning prints something worth saying that is not a mistake.
func (p *Printer) Warning(one Problem) { p.note(p.paint("note:", color.FgYellow), one) }

func (p *Printer) note(word string, one Problem) {
	p.linef("%s %s", word, strings.ReplaceAll(one.Text, "\n", "\n  "))
	if at := one.At(); at != "" {
		p.linef("  %s", p.dim(at))
	}
	if one.Hint != "" {
		p.linef("  hint: %s", one.Hint)
	}
}

// InFile says that problems with a line but no file stand in this file.
func InFile(file string, err error) error { return &fileError{file, err} }

type fileError struct {
	file string
	err  error
}

func (e *fileError) Error() string { return e.file + ": " + e.err.Error() }

func (e *fileError) Unwrap() error { return e.err }
