package proof

import (
	"bytes"
	_ "embed" // the page
	"fmt"
	"html/template"
	"time"
)

//go:embed report.html
var page string

// HTML is the report for people: one page that needs nothing else. What stands
// in the evidence is shown as text, whatever it is.
func (e Evidence) HTML() ([]byte, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"when": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") },
		"took": func() time.Duration { return e.Ended.Sub(e.Began).Round(time.Millisecond) },
	}).Parse(page)
	if err != nil {
		return nil, fmt.Errorf("read the page of the report: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, e); err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	return b.Bytes(), nil
}
