package show

import (
	"fmt"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/sinks/backup/restore"
)

// RestorePlan is what a restore would do, under its name.
type RestorePlan struct {
	Name string `json:"name"`
	restore.Plan
}

// RestorePlan prints what a restore would do, and why it cannot.
func (p *Printer) RestorePlan(r RestorePlan, now time.Time) error {
	if done, err := p.Value(r); done {
		return err
	}
	p.linef("restore %s of %s, taken %s", p.bold(r.Name), p.bold(fmt.Sprintf("point %d", r.Point)), moment(r.Taken, now))
	p.linef("    %s", exactness(r.Exact))
	p.restoreTopics(r.Topics)
	p.restoreGroups(r.Groups)
	if r.ACLs+r.Quotas > 0 {
		p.linef("access: %s, %s", plural(r.ACLs, "ACL"), plural(r.Quotas, "quota"))
	}
	for _, u := range r.Users {
		p.linef("user %s: a password is not kept, give it one", u)
	}
	p.list("Notes", r.Notes)
	if len(r.Problems) > 0 {
		p.linef("")
	}
	for _, one := range r.Problems {
		p.Problem(Problem{Text: one.Where + ": " + one.Text, Hint: one.Hint})
	}
	p.linef("\n%s", p.restoreTotals(r.Plan))
	return nil
}

func exactness(exact bool) string {
	if exact {
		return "exactly as the point was"
	}
	return "records whose timestamps lie in the window, up to the end of the point: a filter, not a moment of the cluster"
}

func (p *Printer) restoreTopics(all []restore.TopicPlan) {
	if len(all) == 0 {
		return
	}
	p.linef("")
	g := grid{head: []string{"", "TOPIC", "INTO", ">PARTITIONS", ">RECORDS", ">SIZE", ""}}
	for _, t := range all {
		into := t.Target
		if into == t.Source {
			into = "itself"
		}
		remarks := t.Notes
		if t.Expires > 0 {
			remarks = append(remarks[:len(remarks):len(remarks)], fmt.Sprintf("retention will then remove %s records", Count(t.Expires)))
		}
		g.row(t.Action, t.Source, into, fmt.Sprint(t.Partitions), Count(t.Records), Bytes(t.Bytes), strings.Join(remarks, "; "))
		g.rows[len(g.rows)-1][0].paint = []color.Attribute{actionColour(t.Action)}
	}
	p.grid(g)
}

func actionColour(action string) color.Attribute {
	switch action {
	case "purge":
		return color.FgRed
	case "create":
		return color.FgGreen
	case "done":
		return color.Faint
	default:
		return color.FgYellow
	}
}

func (p *Printer) restoreGroups(all []restore.GroupPlan) {
	if len(all) == 0 {
		return
	}
	p.linef("")
	g := grid{head: []string{"GROUP", ">OFFSETS", ""}}
	for _, one := range all {
		remark := ""
		if one.Live > 0 {
			remark = fmt.Sprintf("%s: left alone", plural(one.Live, "live member"))
		}
		g.row(one.Name, fmt.Sprint(one.Sets), remark)
		g.colour(color.FgYellow)
	}
	p.grid(g)
}

func (p *Printer) restoreTotals(r restore.Plan) string {
	text := fmt.Sprintf("%s, %s records, %s", plural(len(r.Topics), "topic"), Count(r.Records), Bytes(r.Bytes))
	if n := len(r.Problems); n > 0 {
		return p.paint(fmt.Sprintf("refused: %s", plural(n, "problem")), color.FgRed, color.Bold) + " · " + text
	}
	return p.bold(text)
}

// Restored is what a restore did, under its name.
type Restored struct {
	Name string `json:"name"`
	restore.Report
	Files  []string `json:"files,omitempty"` // of evidence
	Signed bool     `json:"signed,omitempty"`
}

// Abandoned is what became of a restore that was given up.
type Abandoned struct {
	Name   string   `json:"name"`
	Done   bool     `json:"done"`   // false: ask once more, it goes on
	Became []string `json:"became"` // of each topic, in words
}

// Abandoned prints it.
func (p *Printer) Abandoned(r Abandoned) error {
	if done, err := p.Value(r); done {
		return err
	}
	for _, one := range r.Became {
		p.linef("%s", one)
	}
	return nil
}

// Restored prints what a restore did.
func (p *Printer) Restored(r Restored) error {
	if done, err := p.Value(r); done {
		return err
	}
	for _, t := range r.Topics {
		p.linef("%s %s  %s from point %d%s", p.paint("✓", color.FgGreen, color.Bold), p.bold(t.Target), restored(r.Report, t), r.Point, when(t.Source != t.Target, ", topic "+t.Source))
	}
	for _, g := range r.Groups {
		if g.Live == 0 {
			p.linef("%s group %s  %s set", p.paint("✓", color.FgGreen, color.Bold), p.bold(g.Name), plural(g.Sets, "offset"))
		}
	}
	for _, one := range r.Left {
		p.linef("%s %s", p.paint("! left alone:", color.FgYellow), one)
	}
	for _, one := range r.Notes {
		p.linef("    %s", p.dim(one))
	}
	for _, u := range r.Users {
		p.linef("%s user %s of the backup is not here: its password was not kept, so make it anew", p.paint("!", color.FgYellow), u)
	}
	p.proof(r.Report)
	p.linef("%s records in %s%s: %s as they were, %s re-encoded", Count(r.Restored), Span(r.Took), rate(r.RawBytes+r.Encoded, r.Took), Bytes(r.RawBytes), Bytes(r.Encoded))
	if r.Snapshot != "" {
		p.linef("    the groups as they were before are kept in snapshot %s", r.Snapshot)
	}
	for _, name := range r.Files {
		p.linef("    evidence: %s", name)
	}
	if len(r.Files) > 0 && !r.Signed {
		p.linef("    %s", unsigned)
	}
	return nil
}

// restored is how many records a topic got. A restore that was interrupted, or was
// done by a version that did not count, knows only what it planned.
func restored(r restore.Report, t restore.TopicPlan) string {
	counted := int64(0)
	for _, one := range r.Topics {
		counted += one.Restored
	}
	if counted != r.Restored {
		return "at most " + Count(t.Records) + " records"
	}
	return Count(t.Restored) + " records"
}

func (p *Printer) proof(r restore.Report) {
	for _, one := range r.Unequal {
		p.linef("%s %s", p.paint("✗ not equal:", color.FgRed, color.Bold), one)
	}
	if len(r.Proof) > 0 && len(r.Unequal) == 0 {
		p.linef("%s proven: the record digests of %s equal the backup's", p.paint("✓", color.FgGreen, color.Bold), plural(len(r.Proof), "partition"))
	}
}
