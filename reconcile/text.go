package reconcile

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Style says how a plan looks. A nil function leaves text as it is.
type Style struct {
	Create, Update, Delete, Held, Refused, Dim, Bold func(string) string
	// Verbose also shows bookkeeping and where every field was declared.
	Verbose bool
}

// Text writes the plan for people: grouped by kind, one block a change, the
// totals at the end. It is pure; secrets are masked by their own form. It
// writes once, so that a failed write is the writer's to tell.
func (p Plan) Text(w io.Writer, s Style) {
	t := printer{Style: s, confirm: p.confirmable()}
	kind := ""
	for _, c := range p.Changes {
		if !t.worth(c) {
			continue
		}
		if c.ID.Kind != kind {
			kind = c.ID.Kind
			t.line(0, paint(s.Bold, kind))
		}
		t.change(c)
	}
	t.unknown(p.Unknown)
	t.line(0, paint(s.Bold, p.Summary().String()))
	_, _ = w.Write(t.out.Bytes())
}

// confirmable says how to let go of what is held, at the last change of each
// hold.
func (p Plan) confirmable() map[ID]string {
	out := map[ID]string{}
	for _, g := range p.heldGroups() {
		what := "it"
		if len(g) > 1 {
			what = fmt.Sprintf("all %d", len(g))
		}
		out[g[len(g)-1].ID] = fmt.Sprintf("to let %s go: ottla confirm %s", what, g.digest())
	}
	return out
}

type printer struct {
	Style
	out     bytes.Buffer
	confirm map[ID]string
}

func paint(how func(string) string, text string) string {
	if how == nil || text == "" {
		return text
	}
	return how(text)
}

func (t *printer) line(indent int, text string) {
	fmt.Fprintf(&t.out, "%s%s\n", strings.Repeat(" ", indent), text)
}

// worth tells whether people want to hear of a change.
func (t *printer) worth(c Change) bool {
	return c.Action != Note || t.Verbose || len(c.Notes.words()) > 0
}

// change writes a headline, what keeps the change as a whole, its fields, and
// the notes.
func (t *printer) change(c Change) {
	head := strings.TrimSpace(c.verb() + " " + paint(t.Bold, c.ID.Name))
	if c.Why == Drifted {
		head += "  " + paint(t.Held, "drift: removed outside Git")
	}
	t.line(2, paint(t.colour(c.sign()), c.sign())+" "+head+t.from(c.Origins))
	t.risk(6, c.Risk, false)
	t.fate(6, c.Fate)
	t.fields(c)
	t.notes(c.Notes)
	t.confirmation(c)
	t.line(0, "")
}

func (t *printer) colour(sign string) func(string) string {
	switch sign {
	case "+":
		return t.Create
	case "~":
		return t.Update
	case "-":
		return t.Delete
	default:
		return t.Dim
	}
}

func (t *printer) from(origins []Origin) string {
	if len(origins) == 0 {
		return ""
	}
	return "  " + paint(t.Dim, at(origins))
}

// fields are aligned by name and by step.
func (t *printer) fields(c Change) {
	name, step := 0, 0
	for _, f := range c.Fields {
		name = max(name, utf8.RuneCountInString(f.Name))
		step = max(step, utf8.RuneCountInString(f.step()))
	}
	for _, f := range c.Fields {
		row := paint(t.colour(f.sign()), f.sign()) + " " + pad(f.Name, name) + "  " + pad(f.step(), step) + t.because(c, f)
		t.line(6, strings.TrimRight(row, " "))
		t.risk(10, f.Risk, f.Irreversible)
		t.fate(10, f.Fate.without(f.Risk))
	}
}

// because is the reason of a field and its place. What a new thing is made of
// needs neither.
func (t *printer) because(c Change, f FieldChange) string {
	why := "  " + paint(t.Dim, whyWords(f.Why))
	switch {
	case c.Action == Create && !t.Verbose:
		return ""
	case c.Action == Create:
		return t.from(f.Origins)
	case f.Why == Drifted || f.Why == Conflict:
		why = "  " + paint(t.Held, whyWords(f.Why))
	}
	if t.Verbose || at(f.Origins) != at(c.Origins) {
		why += t.place(c, f)
	}
	return why
}

// place is where a field is declared. A value in the document's own file
// without a line of it was put there by a patch.
func (t *printer) place(c Change, f FieldChange) string {
	if len(f.Origins) == 1 && len(c.Origins) > 0 && c.Origins[0].Line > 0 && f.Origins[0].Line == 0 && f.Origins[0].File == c.Origins[0].File {
		return "  " + paint(t.Dim, "by a patch")
	}
	return t.from(f.Origins)
}

func (t *printer) risk(indent int, words string, forEver bool) {
	if words == "" {
		return
	}
	if forEver {
		words = "cannot be undone: " + words
	}
	t.line(indent, paint(t.Held, "! "+words))
}

func (t *printer) fate(indent int, f Fate) {
	how := t.Held
	if f.Refused != "" {
		how = t.Refused
	}
	for _, words := range f.words() {
		t.line(indent, paint(how, words))
	}
}

func (t *printer) confirmation(c Change) {
	if how := t.confirm[c.ID]; how != "" {
		t.line(6, paint(t.Held, how))
	}
	if c.Confirmed != "" {
		t.line(6, paint(t.Dim, fmt.Sprintf("confirmed as %s", c.Confirmed)))
	}
}

func (t *printer) notes(n Notes) {
	lines := n.words()
	if t.Verbose {
		lines = append(lines, n.bookkeeping()...)
	}
	for _, words := range lines {
		t.line(6, paint(t.Dim, words))
	}
}

// bookkeeping is what only somebody who debugs wants to see.
func (n Notes) bookkeeping() []string {
	var lines []string
	if len(n.Settled) > 0 {
		lines = append(lines, "settled: "+strings.Join(sortedNames(n.Settled), ", "))
	}
	if len(n.Forget) > 0 {
		lines = append(lines, "no longer remembered: "+strings.Join(n.Forget, ", "))
	}
	if n.Resolved {
		lines = append(lines, "an intent left open is understood")
	}
	return lines
}

func (t *printer) unknown(list []Unobserved) {
	if len(list) == 0 {
		return
	}
	t.line(0, paint(t.Bold, "Unknown")+paint(t.Dim, "  could not be read: neither changed nor deleted"))
	for _, u := range list {
		t.line(2, fmt.Sprintf("? %s  %s", strings.TrimSuffix(u.ID.String(), "/"), u.Reason))
	}
	t.line(0, "")
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}
