package show

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Exported is what was written from a live cluster.
type Exported struct {
	Dir       string         `json:"dir"`
	Plan      string         `json:"-"` // the command that shows that it changes nothing
	Files     []string       `json:"files"`
	Documents map[string]int `json:"documents"`        // by kind of document
	Notes     []string       `json:"notes,omitempty"`  // what is not declared, and why
	Unread    []string       `json:"unread,omitempty"` // what could not be read: it is not declared either
}

// someFiles is how many files are listed one by one.
const someFiles = 20

// Exported prints what was written, and what to do with it.
func (p *Printer) Exported(e Exported) error {
	if done, err := p.Value(e); done {
		return err
	}
	for i, f := range e.Files {
		if i == someFiles {
			p.linef("  + … and %d more", len(e.Files)-someFiles)
			break
		}
		p.linef("  + %s/%s", strings.TrimSuffix(e.Dir, "/"), f)
	}
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(e.Documents)) {
		words = append(words, fmt.Sprintf("%d %s", e.Documents[kind], kind))
	}
	if len(words) == 0 {
		words = []string{"nothing: the cluster has none of what is kept"}
	}
	p.linef("Declared: %s", strings.Join(words, ", "))
	for _, n := range e.Notes {
		p.linef("%s", p.dim("note: "+n))
	}
	for _, u := range e.Unread {
		p.linef("could not be read: %s", u)
	}
	p.Title("Next")
	p.Try("check it", "ottla validate "+e.Dir)
	p.Try("plan: no changes", e.Plan)
	p.Try("take over", "commit it, and begin with mode: observe (docs/takeover.md)")
	return nil
}
