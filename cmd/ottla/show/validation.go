package show

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fatih/color"
)

// Validation is what is wrong with a repository.
type Validation struct {
	Valid bool            `json:"valid"`
	Root  string          `json:"root"` // files are relative to it
	Paths []ValidatedPath `json:"paths"`
}

// ValidatedPath is one path of it.
type ValidatedPath struct {
	Path      string         `json:"path"`
	Documents int            `json:"documents"`
	Resources map[string]int `json:"resources,omitempty"` // by live kind
	Errors    []Problem      `json:"errors"`
	Refused   []Problem      `json:"refused,omitempty"` // never carried out as written; the rest is
	Remarks   []Problem      `json:"remarks,omitempty"`
}

// Validated prints a validation; what stands in a base is said once, not once
// for each overlay.
func (p *Printer) Validated(v Validation, github bool) error {
	if done, err := p.Value(v); done {
		return err
	}
	said := map[Problem]bool{}
	once := func(one Problem, say func(Problem)) {
		if !said[one] {
			said[one] = true
			say(one)
		}
	}
	for _, one := range v.Paths {
		for _, e := range one.Errors {
			once(e, func(e Problem) { p.orGitHub(github, "error", e, p.Problem) })
		}
		for _, r := range one.Refused {
			once(r, func(r Problem) { p.orGitHub(github, "error", r, p.Refused) })
		}
		for _, r := range one.Remarks {
			once(r, func(r Problem) { p.orGitHub(github, "notice", r, p.Warning) })
		}
	}
	for _, one := range v.Paths {
		p.linef("%s", p.validated(one))
	}
	return nil
}

func (p *Printer) orGitHub(github bool, level string, one Problem, otherwise func(Problem)) {
	if github {
		p.GitHub(level, one)
		return
	}
	otherwise(one)
}

func (p *Printer) validated(one ValidatedPath) string {
	if n := len(one.Errors); n > 0 {
		return fmt.Sprintf("%s %s: %s", p.paint("✗", color.FgRed), one.Path, plural(n, "error"))
	}
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(one.Resources)) {
		words = append(words, fmt.Sprintf("%d %s", one.Resources[kind], kind))
	}
	if n := len(one.Refused); n > 0 {
		return fmt.Sprintf("%s %s: %s, %s, %d refused", p.paint("!", color.FgYellow), one.Path, plural(one.Documents, "document"), strings.Join(words, ", "), n)
	}
	return fmt.Sprintf("%s %s: %s, %s", p.paint("✓", color.FgGreen), one.Path, plural(one.Documents, "document"), strings.Join(words, ", "))
}
