package show

import (
	"strconv"
	"strings"
)

// GitHub prints a problem as an annotation of a GitHub Actions job, which shows
// it beside the line in a pull request.
func (p *Printer) GitHub(level string, one Problem) {
	var where []string
	if one.File != "" {
		where = append(where, "file="+property(one.File))
	}
	if one.Line > 0 {
		where = append(where, "line="+strconv.Itoa(one.Line))
	}
	text := one.Text
	if one.Hint != "" {
		text += "\nhint: " + one.Hint
	}
	head := "::" + level
	if len(where) > 0 {
		head += " " + strings.Join(where, ",")
	}
	p.linef("%s::%s", head, data(text))
}

func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(s))
}
