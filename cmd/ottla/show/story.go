package show

import (
	"fmt"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
)

// Title begins a part of a story.
func (p *Printer) Title(text string) { p.linef("\n%s", p.bold(text)) }

// Step says what is done.
func (p *Printer) Step(what, detail string) {
	p.linef("  %s %s  %s", p.paint("✓", color.FgGreen), pad(what, 24), p.dim(detail))
}

// Deed says what somebody did by hand, and what it costs.
func (p *Printer) Deed(command, effect string) {
	p.linef("  %s %s", p.paint("$", color.FgRed), command)
	p.linef("    %s", p.paint(effect, color.FgYellow))
}

// Try says what a person may do next.
func (p *Printer) Try(what string, lines ...string) {
	for i, line := range lines {
		if i > 0 {
			what = ""
		}
		p.linef("  %s  %s", p.paint(pad(what, 17), color.FgCyan), line)
	}
}

// Brief says in a few lines what a first round did.
func (p *Printer) Brief(v agent.View, took time.Duration) {
	for _, s := range v.Syncs {
		names := map[string][]string{}
		var kinds []string
		for _, c := range s.Plan.Changes {
			if c.Action == reconcile.Note {
				continue
			}
			if names[c.ID.Kind] == nil {
				kinds = append(kinds, c.ID.Kind)
			}
			names[c.ID.Kind] = append(names[c.ID.Kind], c.ID.Name)
		}
		for _, kind := range kinds {
			p.linef("  %s %s  %s", p.paint("+", color.FgGreen), pad(kind, 15), strings.Join(names[kind], ", "))
		}
		p.Step("in sync", fmt.Sprintf("%.1f s, commit %s %q by %s", took.Seconds(), short(s.Revision), s.Subject, s.Author))
	}
}

// Changes says what a round changed, field by field.
func (p *Printer) Changes(v agent.View) {
	for _, s := range v.Syncs {
		tried := map[reconcile.ID][]reconcile.Outcome{}
		for _, o := range s.Outcomes {
			tried[o.ID] = append(tried[o.ID], o)
		}
		for _, c := range s.Plan.Changes {
			if came := tried[c.ID]; len(came) > 0 && c.Action != reconcile.Note {
				p.indented(func(p *Printer) { p.came(c, came) })
			}
		}
	}
}

// Round says what a round did, if there is something new to say. It returns
// what stands unsaid no more.
func (p *Printer) Round(v agent.View, began time.Time, said string) string {
	at := p.dim(began.Format("15:04:05"))
	var standing strings.Builder
	for _, s := range v.Syncs {
		if len(s.Outcomes) > 0 {
			p.linef("\n%s  %s %q by %s", at, p.paint(short(s.Revision), color.FgYellow), s.Subject, s.Author)
			p.Changes(v)
		}
		for _, one := range append(v.Problems, s.Problems...) {
			_, _ = fmt.Fprintln(&standing, one.Text)
		}
		for _, h := range s.Holds {
			_, _ = fmt.Fprintln(&standing, h.Digest)
		}
	}
	if now := standing.String(); now != said {
		p.standing(v, at, now)
		return now
	}
	return said
}

// standing says what goes on being wrong, once.
func (p *Printer) standing(v agent.View, at, now string) {
	if now == "" {
		p.linef("\n%s  %s", at, p.paint("✓ all is well again", color.FgGreen))
		return
	}
	p.linef("\n%s", at)
	p.indented(func(p *Printer) {
		for _, s := range v.Syncs {
			p.problems(s)
			p.holds(s.Holds)
		}
	})
}

// indented prints what do prints two columns to the right.
func (p *Printer) indented(do func(*Printer)) {
	var text strings.Builder
	inner := *p
	inner.Out = &text
	do(&inner)
	for line := range strings.SplitSeq(strings.TrimRight(text.String(), "\n"), "\n") {
		p.linef("  %s", line)
	}
}

// holds lists what waits for a person, with what to type.
func (p *Printer) holds(all []reconcile.Hold) {
	for _, h := range all {
		p.linef("held until you say: ottla confirm %s", p.paint(string(h.Digest), color.FgYellow, color.Bold))
		for _, w := range h.Words {
			p.linef("  %s", accessWords(w))
		}
		for _, r := range h.Reasons {
			p.linef("  %s", p.dim("because "+r))
		}
	}
}
