package show

import (
	"fmt"
	"time"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/sinks/backup/proof"
)

const unsigned = "it is not signed: --signing-key FILE signs it, and so does a configured store"

// Drilled is what a drill found, and where its evidence lies.
type Drilled struct {
	proof.Evidence
	Files  []string `json:"files,omitempty"`
	Signed bool     `json:"signed"`
}

// Drilled prints what a drill proves.
func (p *Printer) Drilled(d Drilled, now time.Time) error {
	if done, err := p.Value(d); done {
		return err
	}
	p.linef("drill of %s of %s, taken %s", p.bold(fmt.Sprintf("point %d", d.Point)), p.bold(backupName(d.Backup)), moment(d.Taken, now))
	for _, c := range d.Checks {
		sign := p.paint("✓", color.FgGreen, color.Bold)
		if !c.Passed {
			sign = p.paint("✗", color.FgRed, color.Bold)
		}
		p.linef("  %s %s: %s", sign, c.Name, c.Text)
		for _, found := range c.Found {
			p.linef("      %s", found)
		}
	}
	p.linef("%s", p.verdict(d))
	for _, name := range d.Files {
		p.linef("    evidence: %s", name)
	}
	if len(d.Files) > 0 && !d.Signed {
		p.linef("    %s", unsigned)
	}
	return nil
}

func (p *Printer) verdict(d Drilled) string {
	took := Span(d.Ended.Sub(d.Began))
	if d.Passed {
		return p.paint("passed", color.FgGreen, color.Bold) + " in " + took + ": " + d.Proves
	}
	return p.paint("FAILED", color.FgRed, color.Bold) + " in " + took + ": this point does not restore as it was taken"
}
