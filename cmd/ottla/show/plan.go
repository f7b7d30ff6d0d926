package show

import (
	"fmt"
	"strings"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
)

// Plan prints what would be done.
func (p *Printer) Plan(views []agent.View) error {
	if done, err := p.Value(views); done {
		return err
	}
	p.views(views, p.planBody)
	return nil
}

// Applied prints what was done, and what is left.
func (p *Printer) Applied(views []agent.View) error {
	if done, err := p.Value(views); done {
		return err
	}
	p.views(views, p.appliedBody)
	return nil
}

func (p *Printer) views(views []agent.View, body func(agent.SyncView)) {
	for i, v := range views {
		if i > 0 {
			p.linef("")
		}
		for _, one := range v.Problems {
			p.Problem(Problem{Text: one.Text, Hint: one.Hint})
		}
		for j, s := range v.Syncs {
			if j > 0 {
				p.linef("")
			}
			p.heading(v, s)
			p.problems(s)
			switch {
			case s.State == agent.NoGood:
				p.linef("")
				p.linef("Nothing is planned: there is no revision yet that could be kept.")
			case len(v.Problems) == 0:
				body(s)
			}
		}
	}
}

// heading says what is kept where.
func (p *Printer) heading(v agent.View, s agent.SyncView) {
	words := []string{p.bold(s.Sync)}
	if v.Cluster != s.Sync {
		words = append(words, "on "+p.bold(v.Cluster))
	}
	if s.Ref != "" {
		words = append(words, s.Ref)
	}
	if s.Revision != "" && s.Revision != "directory" {
		words = append(words, p.paint(short(s.Revision), color.FgYellow))
	}
	if s.Subject != "" {
		words = append(words, fmt.Sprintf("%q", s.Subject))
	}
	if s.Author != "" {
		words = append(words, p.dim("by "+s.Author))
	}
	if s.Mode == agent.Observe {
		words = append(words, p.paint("(mode observe: nothing is written)", color.FgCyan))
	}
	p.linef("%s", strings.Join(words, "  "))
}

func (p *Printer) problems(s agent.SyncView) {
	for _, one := range s.Problems {
		p.Problem(Problem{Text: one.Text, Hint: one.Hint})
	}
	if s.State == agent.Rejected {
		p.linef("  %s", p.dim("the last good revision goes on being kept"))
	}
}

func (p *Printer) planBody(s agent.SyncView) {
	p.linef("")
	p.plan(s.Plan)
	p.remarks(s.Remarks)
}

// plan prints a plan in reconcile's words, in our colours.
func (p *Printer) plan(plan reconcile.Plan) {
	var text strings.Builder
	plan.Text(&text, p.style())
	for i, block := range strings.Split(strings.TrimRight(text.String(), "\n"), "\n\n") {
		if i > 0 {
			p.linef("")
		}
		p.linef("%s", accessWords(block))
	}
}

func (p *Printer) style() reconcile.Style {
	how := func(attributes ...color.Attribute) func(string) string {
		return func(text string) string { return p.paint(text, attributes...) }
	}
	return reconcile.Style{
		Create: how(color.FgGreen), Update: how(color.FgYellow), Delete: how(color.FgRed),
		Held: how(color.FgYellow, color.Bold), Refused: how(color.FgRed, color.Bold),
		Dim: how(color.Faint), Bold: how(color.Bold), Verbose: p.Verbose,
	}
}

func (p *Printer) remarks(all []reconcile.Remark) {
	if len(all) == 0 {
		return
	}
	p.linef("")
	p.linef("%s", p.bold("Notes"))
	for _, r := range all {
		if at := r.Origin.String(); at != "" {
			p.linef("  %s  %s", r.Text, p.dim(at))
			continue
		}
		p.linef("  %s", r.Text)
	}
}
