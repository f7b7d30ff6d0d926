package show

import (
	"fmt"
	"strings"

	"github.com/fatih/color"
)

// Verdict is what came of one check.
type Verdict string

// The verdicts.
const (
	Good    Verdict = "ok"
	Lacking Verdict = "lacking" // it works, but not everything
	Bad     Verdict = "failed"
	Unsure  Verdict = "unsure" // it could not be found out
	Skipped Verdict = "skipped"
)

// Checked is one thing that was tried.
type Checked struct {
	Area    string   `json:"area"` // configuration, repository platform, cluster production, …
	What    string   `json:"what"`
	Verdict Verdict  `json:"verdict"`
	Lines   []string `json:"lines,omitempty"` // details, or what is wrong
	Hint    string   `json:"hint,omitempty"`
}

// Checklist prints what was tried, by area.
func (p *Printer) Checklist(all []Checked) error {
	if done, err := p.Value(all); done {
		return err
	}
	area := ""
	n := map[Verdict]int{}
	for _, c := range all {
		if c.Area != area {
			area = c.Area
			p.linef("%s", p.bold(area))
		}
		n[c.Verdict]++
		p.checked(c)
	}
	p.linef("\n%s", p.checklistTotals(n))
	return nil
}

func (p *Printer) checked(c Checked) {
	sign := map[Verdict]string{
		Good: p.paint("✓", color.FgGreen), Lacking: p.paint("!", color.FgYellow),
		Bad: p.paint("✗", color.FgRed), Unsure: p.paint("?", color.FgYellow), Skipped: p.dim("–"),
	}[c.Verdict]
	p.linef("  %s %s", sign, c.What)
	for _, line := range c.Lines {
		p.linef("      %s", p.dim(strings.ReplaceAll(line, "\n", "\n      ")))
	}
	if c.Hint != "" {
		p.linef("      hint: %s", c.Hint)
	}
}

func (p *Printer) checklistTotals(n map[Verdict]int) string {
	words := []string{p.paint(fmt.Sprintf("%d ok", n[Good]), color.FgGreen)}
	for _, one := range []struct {
		verdict Verdict
		paint   color.Attribute
	}{{Lacking, color.FgYellow}, {Unsure, color.FgYellow}, {Bad, color.FgRed}, {Skipped, color.Faint}} {
		if n[one.verdict] > 0 {
			words = append(words, p.paint(fmt.Sprintf("%d %s", n[one.verdict], one.verdict), one.paint))
		}
	}
	return strings.Join(words, " · ")
}
