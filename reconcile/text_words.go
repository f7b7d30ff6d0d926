package reconcile

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// whyWords say why a field differs to somebody who does not know our words.
func whyWords(r Reason) string {
	switch r {
	case Adopted:
		return "first compared: what it was before is not known"
	case Drifted:
		return "drift: changed outside Git"
	case Conflict:
		return "conflict: changed in Git and outside Git"
	case Declared:
		return "declared"
	default:
		return string(r)
	}
}

func (c Change) verb() string {
	switch c.Action {
	case Update:
		return "change"
	case Note:
		return ""
	default:
		return string(c.Action)
	}
}

func (c Change) sign() string {
	switch c.Action {
	case Create:
		return "+"
	case Update:
		return "~"
	case Delete:
		return "-"
	default:
		return "·"
	}
}

// sign of a field tells what is set, changed or taken back.
func (f FieldChange) sign() string {
	switch {
	case f.To.Is(Unset):
		return "-"
	case f.From.Is(Unset):
		return "+"
	default:
		return "~"
	}
}

// step is from → to, with what large numbers mean. An entry of a bag that has
// no value of its own is only there or not.
func (f FieldChange) step() string {
	switch empty := TextOf(""); {
	case f.From.Is(Unset):
		return withMeaning(f.Name, f.To)
	case f.From == empty && f.To.Is(Unset):
		return ""
	}
	return withMeaning(f.Name, f.From) + " → " + withMeaning(f.Name, f.To)
}

func withMeaning(name string, v Value) string {
	if m := meaning(name, v.Text()); m != "" {
		return v.String() + " (" + m + ")"
	}
	return v.String()
}

// meaning reads milliseconds and bytes for people: 604800000 is 7d. It is ""
// where the number says it as well.
func meaning(name, text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return ""
	}
	switch {
	case strings.HasSuffix(name, ".ms") && n >= 1000:
		return duration(n)
	case strings.HasSuffix(name, "bytes") && n >= 1<<10:
		return size(n)
	case n == -1 && (strings.HasSuffix(name, ".ms") || strings.HasSuffix(name, "bytes")):
		return "no limit"
	default:
		return ""
	}
}

// duration is whole days, hours, minutes or seconds; "" for what is neither
// and for what is longer than a time.Duration.
func duration(ms int64) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if of := unit.of.Milliseconds(); ms%of == 0 && ms/of < 100_000 {
			return fmt.Sprintf("%d%s", ms/of, unit.name)
		}
	}
	return ""
}

func size(bytes int64) string {
	for i, name := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if of := int64(1) << (40 - 10*i); bytes%of == 0 && bytes/of < 100_000 {
			return fmt.Sprintf("%d %s", bytes/of, name)
		}
	}
	return ""
}

// words of a fate, one line each, most final first.
func (f Fate) words() []string {
	var lines []string
	add := func(label, words string) {
		if words != "" {
			lines = append(lines, label+": "+words)
		}
	}
	add("refused", f.Refused)
	add("waiting", f.Waiting)
	add("only reported", f.Reported)
	add("held", f.Held)
	return lines
}

// without takes words out of why it is held that were said as its risk.
func (f Fate) without(risk string) Fate {
	if risk != "" {
		f.Held = strings.TrimSuffix(f.Held, ": "+risk)
	}
	return f
}

// words of bookkeeping that people want to hear of.
func (n Notes) words() []string {
	var lines []string
	if n.TakenFrom != "" {
		lines = append(lines, fmt.Sprintf("handed over by sync %s, with its history", n.TakenFrom))
	}
	if n.Adopt {
		lines = append(lines, "adopted: it was there before it was declared")
	}
	if len(n.Alone) > 0 {
		lines = append(lines, fmt.Sprintf("%s left alone: %s", plural(len(n.Alone), "key is", "keys are"), strings.Join(sortedNames(n.Alone), ", ")))
	}
	if n.Release != "" {
		lines = append(lines, "released: "+n.Release)
	}
	return append(lines, n.Words...)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Lines says a change in short lines, for a message to people: the field,
// from → to, why, and what keeps it.
func (c Change) Lines() []string {
	var lines []string
	if c.Action == Create || c.Action == Delete || !c.Fate.Clear() {
		lines = append(lines, brief(strings.TrimSpace(c.verb()+" "+c.ID.String()), c.Why, c.Fate))
	}
	if c.Action == Create {
		return lines
	}
	for _, f := range c.Fields {
		lines = append(lines, brief(f.Line(), f.Why, f.Fate))
	}
	return lines
}

// Line is a field's step on one line: what is only there or not is added or
// removed, large numbers say what they mean.
func (f FieldChange) Line() string {
	empty := TextOf("")
	switch {
	case f.From.Is(Unset) && f.To == empty:
		return f.Name + " added"
	case f.From == empty && f.To.Is(Unset):
		return f.Name + " removed"
	default:
		return fmt.Sprintf("%s: %s → %s", f.Name, withMeaning(f.Name, f.From), withMeaning(f.Name, f.To))
	}
}

func brief(what string, why Reason, fate Fate) string {
	if why == Drifted {
		what += ", drift"
	} else if why != "" {
		what += ", " + string(why)
	}
	if words := fate.words(); len(words) > 0 {
		what += "; " + strings.Join(words, "; ")
	}
	return what
}
