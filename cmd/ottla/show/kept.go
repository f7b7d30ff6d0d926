package show

import (
	"fmt"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/sinks/backup/extract"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/retention"
)

// Verifications prints what was found when looking at points.
func (p *Printer) Verifications(all []format.Verification) error {
	if done, err := p.Value(append([]format.Verification{}, all...)); done {
		return err
	}
	if len(all) == 0 {
		p.linef("there is no point to verify")
	}
	for _, v := range all {
		sign, word := p.paint("✓", color.FgGreen, color.Bold), "good"
		if !v.Good {
			sign, word = p.paint("✗", color.FgRed, color.Bold), p.paint("damaged", color.FgRed)
		}
		records := int64(0)
		for _, d := range v.Digests {
			records += d.Records
		}
		p.linef("%s point %d  %s (%s) in %s%s", sign, v.Point, word, v.Level, Span(v.Ended.Sub(v.Began)),
			when(len(v.Digests) > 0, fmt.Sprintf(", %s records read in %s", Count(records), plural(len(v.Digests), "partition"))))
		for _, found := range v.Found {
			p.linef("    %s", found)
		}
	}
	return nil
}

// Retained is what retention made of a backup's points.
type Retained struct {
	Store  string            `json:"store"`
	Backup format.Identity   `json:"backup"`
	DryRun bool              `json:"dryRun"`
	Points []RetainedPoint   `json:"points"`
	Freed  int64             `json:"freedBytes"` // that only dropped points hold: swept once the grace is over
	Swept  *repository.Swept `json:"swept,omitempty"`
}

// RetainedPoint is what becomes of one point.
type RetainedPoint struct {
	Point int64     `json:"point"`
	Taken time.Time `json:"taken"`
	Keep  []string  `json:"keep,omitempty"` // the reasons
	Drop  string    `json:"drop,omitempty"`
}

// RetainedOf lists decisions.
func RetainedOf(all []retention.Decision) []RetainedPoint {
	out := make([]RetainedPoint, len(all))
	for i, d := range all {
		out[i] = RetainedPoint{Point: d.Point.Number, Taken: d.Point.Taken, Keep: d.Keep, Drop: d.Drop}
	}
	return out
}

// Drops is how many points nothing keeps.
func (r Retained) Drops() int {
	n := 0
	for _, one := range r.Points {
		if len(one.Keep) == 0 {
			n++
		}
	}
	return n
}

// Retained prints why each point is kept or dropped.
func (p *Printer) Retained(r Retained, now time.Time) error {
	if done, err := p.Value(r); done {
		return err
	}
	p.linef("%s in %s", p.bold(backupName(r.Backup)), r.Store)
	g := grid{head: []string{">POINT", "TAKEN (UTC)", "", "", "WHY"}}
	for _, one := range r.Points {
		what, why, paint := "keep", strings.Join(one.Keep, ", "), color.FgGreen
		if len(one.Keep) == 0 {
			what, why, paint = "drop", one.Drop, color.FgRed
		}
		g.row(fmt.Sprint(one.Point), one.Taken.UTC().Format(clock), age(one.Taken, now), what, why)
		g.rows[len(g.rows)-1][3].paint = []color.Attribute{paint}
	}
	p.grid(g)
	p.linef("%s", p.retainedTotals(r, r.Drops()))
	p.swept(r)
	return nil
}

// swept says what was taken away, and what was not: that matters most where
// nothing could be.
func (p *Printer) swept(r Retained) {
	s := r.Swept
	if s == nil {
		return
	}
	if s.Objects > 0 {
		p.linef("%s swept: %s, %s", when(r.DryRun, "would be"), plural(s.Objects, "object"), Bytes(s.Bytes))
	}
	if words := s.Rights(); words != "" {
		p.linef("%s %s", p.paint("✗", color.FgRed, color.Bold), words)
	}
	if words := s.Locks(); words != "" {
		p.linef("%s", words)
	}
	p.list("Deferred", s.Deferred)
}

func (p *Printer) retainedTotals(r Retained, dropped int) string {
	freed := "the points that stay need all its data"
	if r.Freed > 0 {
		freed = fmt.Sprintf("%s that no other point needs, freed %s after the drop", Bytes(r.Freed), Span(repository.SweepGrace))
	}
	switch {
	case dropped == 0:
		return "nothing to drop"
	case r.DryRun:
		return fmt.Sprintf("%s would be dropped: %s", plural(dropped, "point"), freed)
	default:
		return fmt.Sprintf("%s %s dropped: %s", p.paint("✓", color.FgGreen), plural(dropped, "point"), freed)
	}
}

// Repaired is what a repair made.
type Repaired struct {
	DryRun bool  `json:"dryRun"`
	Whole  bool  `json:"whole"` // nothing is damaged, and nothing was written
	Point  int64 `json:"point,omitempty"`
	Topics int   `json:"topics"`
	// Configured are topics whose configuration some manifest still says; groups
	// and access come from the newest one that can be read.
	Configured int      `json:"configured"`
	Groups     []string `json:"groups"`
	ACLs       int      `json:"acls"`
	Quotas     int      `json:"quotas"`
	Lost       []string `json:"lost"`
}

// Repaired prints what could be saved, and what is lost.
func (p *Printer) Repaired(r Repaired) error {
	if done, err := p.Value(r); done {
		return err
	}
	if r.Whole {
		p.linef("nothing is damaged that repair looks at, and nothing was written")
		return nil
	}
	verb := "rebuilt"
	if r.DryRun {
		verb = "would be rebuilt"
	}
	if r.Topics > 0 {
		p.linef("%s %s %s from the packs that can be read: %s", p.paint("✓", color.FgGreen), p.bold(pointWord(r.Point)), verb, plural(r.Topics, "topic"))
		p.linef("    of them %d with a configuration of their own; %s, %s, %s%s", r.Configured, plural(len(r.Groups), "group"), plural(r.ACLs, "ACL"), plural(r.Quotas, "quota"),
			when(len(r.Groups) > 0, ": "+strings.Join(r.Groups, ", ")))
	}
	if len(r.Lost) == 0 {
		p.linef("nothing is lost")
		return nil
	}
	p.linef("%s", p.paint("lost:", color.FgRed, color.Bold))
	for _, one := range r.Lost {
		p.linef("  - %s", one)
	}
	return nil
}

func pointWord(n int64) string {
	if n == 0 {
		return "a point"
	}
	return fmt.Sprintf("point %d", n)
}

// Extracted is what was written as plain files.
type Extracted struct {
	Point  int64  `json:"point"`
	Format string `json:"format"`
	Output string `json:"output"`
	extract.Report
}

// Extracted prints what was written, and how to read it.
func (p *Printer) Extracted(e Extracted) error {
	if done, err := p.Value(e); done {
		return err
	}
	p.linef("%s %s records of point %d in %s, %s, below %s", p.paint("✓", color.FgGreen), Count(e.Records), e.Point, plural(e.Files, "file"), Bytes(e.Bytes), e.Output)
	if e.Format == "log" {
		p.linef("    read them with: kafka-dump-log.sh --deep-iteration --print-data-log --files %s/TOPIC-PARTITION/OFFSET.log", e.Output)
	}
	return nil
}
