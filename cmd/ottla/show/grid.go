package show

import (
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"
)

// cell is a place in a table, perhaps in a colour.
type cell struct {
	text  string
	paint []color.Attribute
}

// grid is a table whose columns stay straight in colour, too.
type grid struct {
	head []string // one that begins with > is of numbers, set to the right
	rows [][]cell
}

func (g *grid) row(cells ...string) {
	row := make([]cell, len(cells))
	for i, text := range cells {
		row[i] = cell{text: text}
	}
	g.rows = append(g.rows, row)
}

// colour paints the last cell of the last row.
func (g *grid) colour(attributes ...color.Attribute) {
	row := g.rows[len(g.rows)-1]
	row[len(row)-1].paint = attributes
}

// dim paints the last row faint.
func (g *grid) dim() {
	row := g.rows[len(g.rows)-1]
	for i := range row {
		row[i].paint = []color.Attribute{color.Faint}
	}
}

func (p *Printer) grid(g grid) {
	width := make([]int, len(g.head))
	head := make([]cell, len(g.head))
	for i, text := range g.head {
		head[i] = cell{strings.TrimPrefix(text, ">"), []color.Attribute{color.Bold}}
		width[i] = utf8.RuneCountInString(head[i].text)
	}
	for _, row := range g.rows {
		for i, c := range row {
			width[i] = max(width[i], utf8.RuneCountInString(c.text))
		}
	}
	p.gridLine(g, head, width)
	for _, row := range g.rows {
		p.gridLine(g, row, width)
	}
}

func (p *Printer) gridLine(g grid, row []cell, width []int) {
	var b strings.Builder
	for i, c := range row {
		if i > 0 {
			b.WriteString("  ")
		}
		space := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c.text))
		text := c.text
		if c.paint != nil {
			text = p.paint(text, c.paint...)
		}
		switch {
		case strings.HasPrefix(g.head[i], ">"):
			b.WriteString(space + text)
		case i == len(row)-1:
			b.WriteString(text)
		default:
			b.WriteString(text + space)
		}
	}
	p.linef("%s", strings.TrimRight(b.String(), " "))
}
