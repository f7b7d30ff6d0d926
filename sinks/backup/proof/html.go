package proof

import (
	"bytes"
	_ "embed" // the page
	"fmt"
	"html/template"
)

//go:embed report.html
var page string

// HTML is the report for people: one page that needs nothing else. What stands
// in the evidence is shown as text, whatever it is.
func (e Evidence) HTML() ([]byte, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"when": when, "took": e.took,
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
