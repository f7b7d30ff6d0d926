package proof

import (
	"bytes"
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

const (
	pdfMargin = 18.0 // of an A4 page, in millimetres, as all that follows
	pdfLine   = 5.5
	pdfLabel  = 34.0
	pdfIndent = 6.0
)

// pdfPage is the report while it is written.
type pdfPage struct {
	*fpdf.Fpdf
	plain func(string) string // what the built-in fonts can show
}

// PDF is the report for whoever files it: what HTML shows, to print. The same
// evidence always gives the same bytes. The fonts that every reader has know
// Western European letters: any other is a dot, and stands in the signed JSON.
func (e Evidence) PDF() ([]byte, error) {
	p := pdfPage{Fpdf: fpdf.New("P", "mm", "A4", "")}
	p.plain = p.UnicodeTranslatorFromDescriptor("") // cp1252
	p.SetCatalogSort(true)
	p.SetCreationDate(e.Ended.UTC())
	p.SetModificationDate(e.Ended.UTC())
	p.SetTitle(e.headline(), true)
	p.SetMargins(pdfMargin, pdfMargin, pdfMargin)
	p.SetAutoPageBreak(true, pdfMargin)
	p.AddPage()
	p.head(e)
	p.checks(e.Checks)
	p.digests(e)
	p.Ln(pdfLine)
	p.text("I", 9, "The signed JSON of this evidence is what counts; this page is made from it.")
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		return nil, fmt.Errorf("write the report as PDF: %w", err)
	}
	return b.Bytes(), nil
}

// headline is what the report begins with.
func (e Evidence) headline() string {
	return fmt.Sprintf("%s: %s of backup %s/%s, point %d", e.result(), e.Kind, e.Backup.Namespace, e.Backup.Name, e.Point)
}

func (e Evidence) result() string {
	if e.Passed {
		return "Passed"
	}
	return "Failed"
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") }

func (e Evidence) took() time.Duration { return e.Ended.Sub(e.Began).Round(time.Millisecond) }

// text writes a paragraph over the width that is left.
func (p pdfPage) text(style string, size float64, text string) {
	p.SetFont("Helvetica", style, size)
	p.MultiCell(0, pdfLine, p.plain(text), "", "L", false)
}

// paint has what follows written as good, or as bad.
func (p pdfPage) paint(good bool) {
	if good {
		p.SetTextColor(26, 127, 55)
		return
	}
	p.SetTextColor(207, 34, 46)
}

func (p pdfPage) black() { p.SetTextColor(0, 0, 0) }

func (p pdfPage) title(text string) {
	p.Ln(pdfLine)
	p.text("B", 12, text)
	p.Ln(1)
}

// head says what was looked at, and what that proves.
func (p pdfPage) head(e Evidence) {
	p.paint(e.Passed)
	p.SetFont("Helvetica", "B", 15)
	p.MultiCell(0, 7, p.plain(e.headline()), "", "L", false)
	p.black()
	p.Ln(2)
	p.text("", 11, e.Proves)
	p.Ln(2)
	target := e.Target
	if target == "" {
		target = "the backup alone"
	}
	for _, line := range [][2]string{
		{"Source cluster", e.Backup.Cluster}, {"Point taken", when(e.Taken)}, {"Looked at on", target}, {"Began", when(e.Began)},
		{"Ended", fmt.Sprintf("%s (%s)", when(e.Ended), e.took())}, {"By", e.By + ", " + e.Software},
	} {
		p.SetFont("Helvetica", "B", 10)
		p.Cell(pdfLabel, pdfLine, p.plain(line[0]))
		p.text("", 10, line[1])
	}
}

func (p pdfPage) checks(all []Check) {
	p.title("Checks")
	if len(all) == 0 {
		p.text("", 10, "Nothing was looked at.")
	}
	for _, c := range all {
		result := "failed"
		if c.Passed {
			result = "passed"
		}
		p.paint(c.Passed)
		p.text("B", 10, result+": "+c.Name)
		p.black()
		p.SetLeftMargin(pdfMargin + pdfIndent)
		p.text("", 10, c.Text)
		for _, found := range c.Found {
			p.text("", 10, "• "+found)
		}
		p.SetLeftMargin(pdfMargin)
		p.Ln(1)
	}
}

func (p pdfPage) digests(e Evidence) {
	if len(e.Digests) == 0 {
		return
	}
	p.title("Record digests of the backup")
	p.text("", 10, "SHA-256 over timestamp, key, value and headers of all records in order.")
	p.Ln(1)
	for _, d := range e.Digests {
		p.text("B", 9, fmt.Sprintf("%s-%d  [%d, %d)  %s", d.Topic, d.Partition, d.Start, d.End, plural(d.Records, "record")))
		p.SetFont("Courier", "", 8)
		p.MultiCell(0, 4.5, d.Digest, "", "L", false)
	}
}
