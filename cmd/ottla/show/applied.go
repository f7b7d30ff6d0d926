package show

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
)

// appliedBody prints what came of each change, and what was not carried out.
func (p *Printer) appliedBody(s agent.SyncView) {
	outcomes := map[reconcile.ID][]reconcile.Outcome{}
	for _, o := range s.Outcomes {
		outcomes[o.ID] = append(outcomes[o.ID], o)
	}
	rest := s.Plan
	rest.Changes = nil
	for _, c := range s.Plan.Changes {
		came := outcomes[c.ID]
		if c.Action != reconcile.Note && len(came) > 0 {
			p.came(c, came)
		}
		if kept(c) || len(came) == 0 && c.Action != reconcile.Note {
			rest.Changes = append(rest.Changes, c)
		}
	}
	if len(rest.Changes)+len(rest.Unknown) > 0 {
		p.linef("\n%s", p.bold("Not carried out"))
		p.plan(rest)
	}
	if p.Verbose {
		p.remarks(s.Remarks)
	}
	p.linef("%s", p.appliedTotals(s))
}

func kept(c reconcile.Change) bool {
	if !c.Fate.Clear() {
		return true
	}
	for _, f := range c.Fields {
		if !f.Fate.Clear() {
			return true
		}
	}
	return false
}

// came prints a change that was tried.
func (p *Printer) came(c reconcile.Change, came []reconcile.Outcome) {
	for _, o := range came {
		switch {
		case o.Failed != "":
			p.linef("%s %s", p.paint("✗", color.FgRed, color.Bold), p.bold(c.ID.String()))
			p.linef("    %s %s", p.paint("failed:", color.FgRed), strings.ReplaceAll(o.Failed, "\n", "; "))
			return
		case o.Unsure:
			p.linef("%s %s", p.paint("?", color.FgMagenta, color.Bold), p.bold(c.ID.String()))
			p.linef("    no answer came: the next round looks whether it happened")
			return
		}
	}
	p.linef("%s %s  %s", p.paint("✓", color.FgGreen, color.Bold), p.bold(c.ID.String()), done(c))
	if c.Action != reconcile.Update {
		return
	}
	c.Fields = slices.DeleteFunc(slices.Clone(c.Fields), func(f reconcile.FieldChange) bool { return !f.Fate.Clear() })
	c.Fate = reconcile.Fate{}
	for _, line := range c.Lines() {
		p.linef("    %s", accessWords(line))
	}
}

func done(c reconcile.Change) string {
	drift := false
	for _, f := range c.Fields {
		drift = drift || f.Why == reconcile.Drifted
	}
	switch {
	case c.Action == reconcile.Create && c.Why == reconcile.Drifted:
		return "created again"
	case c.Action == reconcile.Create:
		return "created"
	case c.Action == reconcile.Delete:
		return "deleted"
	case drift:
		return "healed"
	default:
		return "changed"
	}
}

// appliedTotals is the last line: what was done, or how things stand.
func (p *Printer) appliedTotals(s agent.SyncView) string {
	made, failed := map[reconcile.ID]bool{}, map[reconcile.ID]bool{}
	for _, o := range s.Outcomes {
		made[o.ID] = true
		if o.Failed != "" || o.Unsure {
			failed[o.ID] = true
		}
	}
	switch {
	case len(failed) > 0:
		return p.paint(fmt.Sprintf("%d done, %d failed", len(made)-len(failed), len(failed)), color.FgRed, color.Bold)
	case len(made) > 0:
		return p.paint(fmt.Sprintf("%s done", plural(len(made), "change")), color.FgGreen)
	case s.State == agent.InSync:
		return p.paint("in sync", color.FgGreen) + ": nothing to do"
	default:
		return "nothing was done: " + string(s.State)
	}
}

// Confirmed prints what a person let go.
func (p *Printer) Confirmed(holds []reconcile.Hold, now bool) error {
	if done, err := p.Value(holds); done {
		return err
	}
	for _, h := range holds {
		p.linef("%s confirmed %s", p.paint("✓", color.FgGreen), p.paint(string(h.Digest), color.FgYellow))
		for _, w := range h.Words {
			p.linef("    %s", accessWords(w))
		}
	}
	if now {
		p.linef("The agent carries it out now.")
	} else {
		p.linef("The next round carries it out: ottla apply")
	}
	return nil
}
