package show

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// PointView prints what a person asks of a point at three in the morning.
// detailed lists partitions and offsets, too.
func (p *Printer) PointView(v PointView, detailed bool, now time.Time) error {
	if done, err := p.Value(v); done {
		return err
	}
	p.linef("%s of %s", p.bold(fmt.Sprintf("Point %d", v.Number)), p.bold(backupName(v.Backup)))
	p.pointHead(v, now)
	p.pointTopics(v.Contents)
	if detailed {
		p.pointPartitions(v.Contents)
	}
	p.gone(v.Contents)
	p.pointGroups(v, detailed)
	p.access(v)
	p.list("Notes", v.Notes)
	p.underWay(v.Restores, now)
	p.unreadable(Points{Unreadable: v.Unreadable, Damaged: v.Damaged})
	return nil
}

func (p *Printer) pointHead(v PointView, now time.Time) {
	p.linef("  taken      %s, in %s", moment(v.Taken, now), Span(v.Ended.Sub(v.Began)))
	p.linef("  kind       %s", v.Kind)
	p.linef("  cluster    %s", v.Backup.Cluster)
	p.linef("  store      %s", v.Store)
	p.linef("  state      %s", p.stateOf(v.Point))
	p.linef("  stands on  %s", standsOn(v))
	p.linef("  written by %s, %s", dash(v.Writer), dash(v.Software))
	p.linef("  signed by  %s", cmp.Or(v.Signer, "nobody: what it says cannot be proven to be ours"))
	size := fmt.Sprintf("%s, %s, %s records, %s", plural(v.Topics, "topic"), plural(v.Partitions, "partition"), Count(v.Records), Bytes(v.Total))
	p.linef("  holds      %s (new: %s in %s)%s", size, Bytes(v.New), plural(v.NewPacks, "pack"), when(v.Encrypted, ", encrypted"))
	if v.Pinned != "" {
		p.linef("  pinned     %s: retention never drops it", v.Pinned)
	}
	for _, one := range v.Looks {
		p.linef("  verified   %s %s by %s", p.looked(one), moment(one.When, now), one.By)
	}
}

func (p *Printer) stateOf(one Point) string {
	text := one.State
	if one.Why != "" {
		text += ": " + one.Why
	}
	if one.State == "good" {
		return p.paint(text, color.FgGreen)
	}
	return p.paint(text, color.FgRed, color.Bold)
}

func (p *Printer) looked(v Verified) string {
	if v.Good {
		return p.paint("good", color.FgGreen) + " (" + v.Level + ")"
	}
	return p.paint("damaged", color.FgRed) + " (" + v.Level + "): " + strings.Join(v.Found, "; ") + ","
}

func standsOn(v PointView) string {
	if len(v.StandsOn) == 0 {
		return "nothing: it is complete"
	}
	n := len(v.StandsOn)
	return strings.TrimPrefix(plural(n, "point"), fmt.Sprint(n)+" ") + " " + numbers(v.StandsOn)
}

func (p *Printer) pointTopics(all []TopicView) {
	p.linef("\n%s", p.bold("Topics"))
	g := grid{head: []string{"TOPIC", ">PARTITIONS", ">RECORDS", ">SIZE", "FIRST RECORD (UTC)", "LAST RECORD (UTC)", ""}}
	for _, t := range all {
		var remarks []string
		if t.Compacted {
			remarks = append(remarks, "compacted")
		}
		if t.Timestamps == "LogAppendTime" {
			remarks = append(remarks, t.Timestamps)
		}
		if t.Internal {
			remarks = append(remarks, "internal")
		}
		g.row(t.Name, fmt.Sprint(len(t.Partitions)), Count(t.Records), Bytes(t.Bytes), Millis(t.First), Millis(t.Last), strings.Join(remarks, ", "))
	}
	p.grid(g)
}

func (p *Printer) pointPartitions(all []TopicView) {
	p.linef("\n%s", p.bold("Partitions"))
	g := grid{head: []string{"TOPIC", ">PARTITION", ">FROM OFFSET", ">TO BEFORE", ">RECORDS", ">SIZE", "FIRST RECORD (UTC)", "LAST RECORD (UTC)", ""}}
	for _, t := range all {
		for _, one := range t.Partitions {
			remark := one.Why
			if one.High > one.End {
				remark = strings.TrimPrefix(remark+fmt.Sprintf("; a transaction was open: %s offsets up to %d are not in it", Count(one.High-one.End), one.High), "; ")
			}
			g.row(t.Name, fmt.Sprint(one.Partition), fmt.Sprint(one.Start), fmt.Sprint(one.End), Count(one.Records), Bytes(one.Bytes), Millis(one.First), Millis(one.Last), remark)
		}
	}
	p.grid(g)
}

// gone names the offsets without a record, by reason; lost ones are data that
// retention took before we came.
func (p *Printer) gone(all []TopicView) {
	g := grid{head: []string{"TOPIC", ">CONTROL", ">ABORTED", ">COMPACTED", ">LOST", ""}}
	for _, t := range all {
		if t.Gone == (format.Gone{}) {
			continue
		}
		g.row(t.Name, Count(t.Gone.Control), Count(t.Gone.Aborted), Count(t.Gone.Compacted), Count(t.Gone.Lost), strings.Join(lost(t), "; "))
		g.colour(color.FgRed)
	}
	if len(g.rows) > 0 {
		p.linef("\n%s", p.bold("Offsets without a record"))
		p.grid(g)
	}
}

func lost(t TopicView) []string {
	var out []string
	for _, one := range t.Partitions {
		for _, gap := range one.Gaps {
			if gap.Reason == format.Lost {
				out = append(out, fmt.Sprintf("partition %d lost [%d, %d) to retention", one.Partition, gap.First, gap.Next))
			}
		}
	}
	return out
}

func (p *Printer) pointGroups(v PointView, detailed bool) {
	if len(v.Groups) > 0 {
		p.linef("\n%s", p.bold("Consumer groups"))
		g := grid{head: []string{"GROUP", "TYPE", "STATE", ">OFFSETS", "TOPICS"}}
		for _, one := range v.Groups {
			g.row(one.Name, one.Type, dash(one.State), fmt.Sprint(len(one.Offsets)), strings.Join(topicsOf(one), ", "))
		}
		p.grid(g)
	}
	if detailed {
		p.commits(v.Groups)
	}
	if len(v.Share) > 0 {
		p.linef("share groups, named and not kept: %s", strings.Join(v.Share, ", "))
	}
}

func topicsOf(g format.Group) []string {
	var names []string
	for _, c := range g.Offsets {
		names = append(names, c.Topic)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (p *Printer) commits(groups []format.Group) {
	g := grid{head: []string{"GROUP", "TOPIC", ">PARTITION", ">OFFSET", ""}}
	for _, one := range groups {
		for _, c := range one.Offsets {
			remark := ""
			if c.Clamped > 0 {
				remark = fmt.Sprintf("had committed %d, beyond the point", c.Clamped)
			}
			g.row(one.Name, c.Topic, fmt.Sprint(c.Partition), fmt.Sprint(c.Offset), remark)
		}
	}
	if len(g.rows) > 0 {
		p.linef("")
		p.grid(g)
	}
}

func (p *Printer) access(v PointView) {
	if len(v.ACLs)+len(v.Quotas)+len(v.Users) == 0 {
		return
	}
	p.linef("\n%s", p.bold("Access"))
	p.linef("  %s, %s", plural(len(v.ACLs), "ACL"), plural(len(v.Quotas), "quota"))
	for _, u := range v.Users {
		p.linef("  user %s (%s): a password cannot be read, and so is not kept", u.Name, strings.Join(u.Mechanisms, ", "))
	}
	if p.Verbose {
		for _, a := range v.ACLs {
			p.linef("  %s", strings.ToLower(a.Permission)+" "+a.Principal+" "+a.Operation+" on "+a.ResourceType+" "+a.ResourceName+" ("+a.PatternType+") from "+a.Host)
		}
	}
}

func (p *Printer) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.linef("\n%s", p.bold(title))
	for _, line := range lines {
		p.linef("  - %s", line)
	}
}

func when(is bool, text string) string {
	if is {
		return text
	}
	return ""
}
