package show

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/sinks/backup/proof"
)

// Evidence is what a declared drill or validation found.
type Evidence struct {
	Name   string         `json:"name"`
	Number int64          `json:"number,omitempty"`
	Object string         `json:"object"`           // in the backup repository, or a file
	Signer string         `json:"signer,omitempty"` // public key, in base64; "" where nobody signed it
	Found  proof.Evidence `json:"evidence"`
	Files  []string       `json:"files,omitempty"` // written here
}

// Evidence prints what was found when, a line each.
func (p *Printer) Evidence(all []Evidence, now time.Time) error {
	if done, err := p.Value(all); done {
		return err
	}
	if len(all) == 0 {
		p.linef("no evidence: no drill or validation that Git declares has run on this backup")
		return nil
	}
	g := grid{head: []string{"NAME", ">NUMBER", "KIND", ">POINT", "ENDED (UTC)", "RESULT", ""}}
	for _, e := range all {
		result, paint, text := "passed", color.FgGreen, e.Found.Proves
		if !e.Found.Passed {
			result, paint, text = "FAILED", color.FgRed, firstFailure(e.Found)
		}
		g.row(e.Name, number(e.Number), e.Found.Kind, number(e.Found.Point), moment(e.Found.Ended, now), result, text)
		g.rows[len(g.rows)-1][5].paint = []color.Attribute{paint}
	}
	p.grid(g)
	for _, signer := range signers(all) {
		p.linef("signed by  %s", signer)
	}
	for _, e := range all {
		for _, name := range e.Files {
			p.linef("    written: %s", name)
		}
	}
	return nil
}

// signers are all who signed, in the order they first did, and where there are
// several, what each of them signed.
func signers(all []Evidence) []string {
	var order []string
	by := map[string][]string{}
	for _, e := range all {
		who := cmp.Or(e.Signer, "nobody: what it says cannot be proven to be ours")
		if by[who] == nil {
			order = append(order, who)
		}
		by[who] = append(by[who], e.label())
	}
	if len(order) < 2 {
		return order
	}
	for i, who := range order {
		order[i] = who + "  (" + strings.Join(by[who], ", ") + ")"
	}
	return order
}

// label is how one of several is called.
func (e Evidence) label() string {
	if e.Number == 0 {
		return e.Name
	}
	return fmt.Sprintf("%s %d", e.Name, e.Number)
}

func firstFailure(e proof.Evidence) string {
	for _, c := range e.Checks {
		if !c.Passed {
			return fmt.Sprintf("%s: %s", c.Name, c.Text)
		}
	}
	return ""
}
