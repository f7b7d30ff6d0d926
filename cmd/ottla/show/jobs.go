package show

import (
	"fmt"
	"time"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/sinks"
)

// Jobs prints what goes on beside the rounds.
func (p *Printer) Jobs(all []sinks.Job, now time.Time) error {
	if done, err := p.Value(all); done {
		return err
	}
	if len(all) == 0 {
		p.linef("no job: no document declares a backup, a restore or a drill")
		return nil
	}
	g := grid{head: []string{"JOB", "STATE", "PROGRESS", "LEFT", ">POINT", "LAST RUN", "NEXT", ""}}
	for _, j := range all {
		g.row(j.ID, string(j.State), progress(j), left(j), number(j.Point), lastRun(j, now), ahead(j.Next, now), j.Text)
		g.rows[len(g.rows)-1][1].paint = []color.Attribute{jobColour(j.State)}
	}
	p.grid(g)
	for _, j := range all {
		for _, a := range j.Alerts {
			p.linef("%s %s: %s: %s%s", p.paint("!", color.FgYellow, color.Bold), j.ID, a.Kind, when(a.Topic != "", a.Topic+": "), a.Text)
		}
	}
	return nil
}

func jobColour(s sinks.JobState) color.Attribute {
	switch s {
	case sinks.JobFailing, sinks.JobFailed:
		return color.FgRed
	case sinks.JobPaused, sinks.JobSuspended, sinks.JobCancelled:
		return color.FgYellow
	default:
		return color.FgGreen
	}
}

func progress(j sinks.Job) string {
	if j.State != sinks.JobRunning {
		return "–"
	}
	amount := func(n int64) string {
		if j.Unit == "bytes" {
			return Bytes(n)
		}
		return Count(n)
	}
	text := amount(j.Done)
	if j.Total > 0 {
		text = fmt.Sprintf("%d %%, %s of %s", 100*j.Done/j.Total, text, amount(j.Total))
	}
	if j.Unit != "bytes" && j.Unit != "" {
		text += " " + j.Unit
	}
	if j.PerSecond > 0 {
		text += ", " + amount(int64(j.PerSecond)) + "/s"
	}
	return text
}

func left(j sinks.Job) string {
	if j.LeftSeconds > 0 {
		return Span(time.Duration(j.LeftSeconds) * time.Second)
	}
	return "–"
}

func number(n int64) string {
	if n == 0 {
		return "–"
	}
	return fmt.Sprint(n)
}

func lastRun(j sinks.Job, now time.Time) string {
	switch {
	case !j.Ended.IsZero() && j.Ended.After(j.Began):
		return age(j.Ended, now) + ", took " + Span(j.Ended.Sub(j.Began))
	case !j.Began.IsZero():
		return "began " + age(j.Began, now)
	default:
		return "never"
	}
}

func ahead(t, now time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return age(t, now)
}
