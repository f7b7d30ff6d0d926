package show

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ottla-io/ottla/agent"
)

// Unowned is what lives and nobody declares or owns.
type Unowned struct {
	Counts    map[string]UnownedCount `json:"counts"` // by kind; one that is not there has none
	Resources []agent.ResourceView    `json:"resources"`
}

// UnownedCount is how much of a kind nobody owns.
type UnownedCount struct {
	Things    int `json:"things"`              // principals, entities and brokers, where they hold entries
	Entries   int `json:"entries,omitempty"`   // their rules, quotas and keys
	LeftAlone int `json:"leftAlone,omitempty"` // of things that are owned: entries and keys that Git does not name
}

// Unowned prints what nobody owns, and how much that is.
func (p *Printer) Unowned(u Unowned) error {
	if done, err := p.Value(u); done {
		return err
	}
	if len(u.Resources) == 0 {
		p.linef("Everything that lives is declared or owned.")
		return nil
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "KIND\tNAME\tUNOWNED")
	for _, r := range u.Resources {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", r.ID.Kind, r.ID.Name, unownedPart(r))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	for i, line := range strings.Split(strings.TrimRight(text.String(), "\n"), "\n") {
		if i == 0 {
			line = p.bold(line)
		}
		p.linef("%s", line)
	}
	p.linef("")
	p.linef("Unowned: %s. None of it is touched.", u.words())
	return nil
}

// unownedPart is what of a thing nobody owns.
func unownedPart(r agent.ResourceView) string {
	if r.State == "unowned" {
		return "all of it"
	}
	words := make([]string, len(r.Alone))
	for i, name := range r.Alone {
		words[i] = accessWords(name)
	}
	return strings.Join(words, ", ")
}

func (u Unowned) words() string {
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(u.Counts)) {
		c := u.Counts[kind]
		text := fmt.Sprintf("%d %s", c.Things, kind)
		var more []string
		if c.Entries > 0 {
			more = append(more, fmt.Sprintf("%d entries", c.Entries))
		}
		if c.LeftAlone > 0 {
			more = append(more, fmt.Sprintf("%d left alone on what is owned", c.LeftAlone))
		}
		if len(more) > 0 {
			text += " (" + strings.Join(more, ", ") + ")"
		}
		words = append(words, text)
	}
	return strings.Join(words, ", ")
}
