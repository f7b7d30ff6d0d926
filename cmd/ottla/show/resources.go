package show

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
)

// Resources prints a table, or each with its fields.
func (p *Printer) Resources(all []agent.ResourceView, detailed bool) error {
	if done, err := p.Value(all); done {
		return err
	}
	if len(all) == 0 {
		p.linef("nothing matches")
		return nil
	}
	if detailed {
		for _, r := range all {
			p.resource(r)
		}
		return nil
	}
	return p.table(all)
}

func (p *Printer) table(all []agent.ResourceView) error {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "KIND\tNAME\tSTATE\tOWNED\tSYNC\tDECLARED IN")
	for _, r := range all {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID.Kind, r.ID.Name, r.State, dash(r.Owned), dash(r.Sync), dash(firstOrigin(r.Origins)))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	for i, line := range strings.Split(strings.TrimRight(text.String(), "\n"), "\n") {
		if i == 0 {
			line = p.bold(line)
		} else {
			line = p.colourState(line, all[i-1].State)
		}
		p.linef("%s", strings.TrimRight(line, " "))
	}
	return nil
}

func (p *Printer) colourState(line, state string) string {
	paint := color.FgYellow
	switch state {
	case "in-sync":
		paint = color.FgGreen
	case "refused", "missing":
		paint = color.FgRed
	case "unowned", "internal":
		paint = color.Faint
	}
	return strings.Replace(line, "  "+state+" ", "  "+p.paint(state, paint)+" ", 1)
}

func (p *Printer) resource(r agent.ResourceView) {
	p.linef("%s  %s", p.bold(r.ID.String()), r.State)
	if r.Sync != "" {
		p.linef("  sync      %s%s", r.Sync, owned(r))
	}
	for _, o := range r.Origins {
		p.linef("  declared  %s", o)
	}
	width := 0
	for name := range r.Live {
		width = max(width, utf8.RuneCountInString(accessWords(name)))
	}
	if len(r.Live) > 0 {
		p.linef("  %s", p.dim("live"))
	}
	for _, name := range keys(r.Live) {
		p.linef("    %s", strings.TrimRight(pad(accessWords(name), width)+"  "+r.Live[name].String(), " "))
	}
	if len(r.Alone) > 0 {
		p.linef("  %s", p.dim("left alone: "+strings.Join(r.Alone, ", ")))
	}
}

func owned(r agent.ResourceView) string {
	if r.Owned == "" {
		return ""
	}
	return " (" + r.Owned + ")"
}

func firstOrigin(all []reconcile.Origin) string {
	if len(all) == 0 {
		return ""
	}
	return all[0].String()
}

func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
