package show

import (
	"fmt"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Captured is what a run of a backup made.
type Captured struct {
	Store    string          `json:"store"`
	Backup   format.Identity `json:"backup"`
	Point    int64           `json:"point"`
	Taken    time.Time       `json:"taken"`
	Topics   int             `json:"topics"`
	Records  int64           `json:"records"`     // new
	Bytes    int64           `json:"bytes"`       // new, as Kafka had them
	Stored   int64           `json:"storedBytes"` // new, in the store
	Objects  int             `json:"objects"`
	Requests int64           `json:"requests"`
	Gone     format.Gone     `json:"gone,omitzero"`
	Seconds  float64         `json:"seconds"`
	Alerts   []Alert         `json:"alerts,omitempty"`
	Notes    []string        `json:"notes,omitempty"`
}

// Alert is what a person should know beside a run that succeeded.
type Alert struct {
	Kind  string `json:"kind"`
	Topic string `json:"topic,omitempty"`
	Text  string `json:"text"`
}

// CapturedOf sums up a run.
func CapturedOf(store string, r capture.Report) Captured {
	c := Captured{
		Store: store, Records: r.Records, Bytes: r.Bytes, Stored: r.Stored, Objects: r.Objects, Requests: r.Requests,
		Gone: r.New, Seconds: r.Took.Seconds(),
	}
	if r.Point != nil {
		c.Backup, c.Point, c.Taken, c.Topics, c.Notes = r.Point.Backup, r.Point.Number, r.Point.Taken, len(r.Point.Topics), r.Point.Notes
	}
	for _, a := range r.Alerts {
		c.Alerts = append(c.Alerts, Alert{Kind: string(a.Kind), Topic: a.Topic, Text: a.Words})
	}
	return c
}

// Captured prints what a run made.
func (p *Printer) Captured(c Captured) error {
	if done, err := p.Value(c); done {
		return err
	}
	took := time.Duration(c.Seconds * float64(time.Second))
	p.linef("%s %s of %s in %s", p.paint("✓", color.FgGreen, color.Bold), p.bold(fmt.Sprintf("point %d", c.Point)), backupName(c.Backup), c.Store)
	p.linef("    taken %s UTC, %s, in %s%s", c.Taken.UTC().Format(clock), plural(c.Topics, "topic"), Span(took), rate(c.Bytes, took))
	p.linef("    new: %s records, %s, %s stored, %s written; %s to the brokers", Count(c.Records), Bytes(c.Bytes), Bytes(c.Stored), plural(c.Objects, "object"), plural(int(c.Requests), "request"))
	if c.Gone != (format.Gone{}) {
		p.linef("    without a record: %s", goneWords(c.Gone))
	}
	for _, one := range c.Notes {
		p.linef("    %s", p.dim(one))
	}
	for _, a := range c.Alerts {
		p.linef("%s %s", p.paint("! "+a.Kind, color.FgYellow, color.Bold), strings.TrimPrefix(a.Topic+": "+a.Text, ": "))
	}
	return nil
}

func rate(bytes int64, took time.Duration) string {
	if took <= 0 || bytes == 0 {
		return ""
	}
	return fmt.Sprintf(", %s/s", Bytes(int64(float64(bytes)/took.Seconds())))
}

func goneWords(g format.Gone) string {
	var words []string
	for _, one := range []struct {
		n    int64
		what string
	}{{g.Control, "control"}, {g.Aborted, "aborted"}, {g.Compacted, "compacted"}, {g.Lost, "LOST to retention"}} {
		if one.n > 0 {
			words = append(words, Count(one.n)+" "+one.what)
		}
	}
	return strings.Join(words, ", ")
}
