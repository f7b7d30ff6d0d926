package show

import (
	"strings"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
)

// Difference is one field that is not as declared.
type Difference struct {
	Cluster  string             `json:"cluster"`
	Sync     string             `json:"sync"`
	ID       reconcile.ID       `json:"id"`
	Field    string             `json:"field,omitempty"` // "" is the whole thing
	Live     reconcile.Value    `json:"live"`
	Declared reconcile.Value    `json:"declared"`
	Why      reconcile.Reason   `json:"why,omitempty"`
	Origins  []reconcile.Origin `json:"origins,omitempty"`
}

// Diff prints live against declared.
func (p *Printer) Diff(views []agent.View) error {
	all := Differences(views)
	if done, err := p.Value(all); done {
		return err
	}
	p.views(views, p.diffBody)
	return nil
}

// Differences are a plan's changes without what is done about them.
func Differences(views []agent.View) []Difference {
	all := []Difference{}
	for _, v := range views {
		for _, s := range v.Syncs {
			for _, c := range s.Plan.Changes {
				all = append(all, differences(v, s, c)...)
			}
		}
	}
	return all
}

func differences(v agent.View, s agent.SyncView, c reconcile.Change) []Difference {
	if c.Action == reconcile.Note {
		return nil
	}
	one := Difference{Cluster: v.Cluster, Sync: s.Sync, ID: c.ID, Why: c.Why, Origins: c.Origins}
	if len(c.Fields) == 0 {
		return []Difference{one}
	}
	var all []Difference
	for _, f := range c.Fields {
		d := one
		d.Field, d.Live, d.Declared, d.Why = f.Name, f.From, f.To, f.Why
		if len(f.Origins) > 0 {
			d.Origins = f.Origins
		}
		all = append(all, d)
	}
	return all
}

func (p *Printer) diffBody(s agent.SyncView) {
	for _, c := range s.Plan.Changes {
		if c.Action != reconcile.Note {
			p.diffChange(c)
		}
	}
	for _, u := range s.Plan.Unknown {
		p.linef("\n? %s  %s", strings.TrimSuffix(u.ID.String(), "/"), u.Reason)
	}
	p.linef("\n%s", p.bold(s.Plan.Summary().String()))
}

func (p *Printer) diffChange(c reconcile.Change) {
	where := ""
	if len(c.Origins) > 0 {
		where = "  " + p.dim(c.Origins[0].String())
	}
	p.linef("\n%s%s", p.bold(c.ID.String()), where)
	switch c.Action {
	case reconcile.Create:
		p.linef("  %s", p.paint("- is not there", color.FgRed))
	case reconcile.Delete:
		p.linef("  %s", p.paint("- is there, and nobody declares it", color.FgRed))
	}
	for _, f := range c.Fields {
		if !f.From.Is(reconcile.Absent) && (!isPresence(f) || f.From.Is(reconcile.Text)) {
			p.linef("  %s", p.paint(diffLine("-", f, f.From), color.FgRed))
		}
		if !isPresence(f) || f.To.Is(reconcile.Text) {
			p.linef("  %s", p.paint(diffLine("+", f, f.To), color.FgGreen))
		}
	}
}

func diffLine(sign string, f reconcile.FieldChange, v reconcile.Value) string {
	if isPresence(f) {
		return sign + " " + accessWords(f.Name)
	}
	return sign + " " + accessWords(f.Name) + ": " + v.String()
}
