package show

import (
	"encoding/json"
	"fmt"
	"io"

	goyaml "go.yaml.in/yaml/v4"

	"github.com/fatih/color"
)

// Format is how values are printed.
type Format string

// The formats.
const (
	Text Format = "text"
	JSON Format = "json"
	YAML Format = "yaml"
)

// Formats lists them as they are typed.
func Formats() []string { return []string{string(Text), string(JSON), string(YAML)} }

// Printer prints to one stream.
type Printer struct {
	Out     io.Writer
	Format  Format
	Color   bool
	Verbose bool
}

// Value prints JSON or YAML. It is false for text, which each command spells
// by itself.
func (p *Printer) Value(v any) (bool, error) {
	switch p.Format {
	case JSON:
		return true, p.json(v)
	case YAML:
		return true, p.yaml(v)
	default:
		return false, nil
	}
}

func (p *Printer) json(v any) error {
	encode := json.NewEncoder(p.Out)
	encode.SetIndent("", "  ")
	encode.SetEscapeHTML(false)
	if err := encode.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// yaml goes by way of JSON, so that both have the same fields in the same order.
func (p *Printer) yaml(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	var node goyaml.Node
	if err := goyaml.Unmarshal(data, &node); err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	unfold(&node)
	encode := goyaml.NewEncoder(p.Out)
	encode.SetIndent(2)
	if err := encode.Encode(&node); err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	return encode.Close()
}

// unfold takes JSON's braces and quotes away; what needs quotes keeps them by
// its tag.
func unfold(n *goyaml.Node) {
	n.Style &^= goyaml.FlowStyle | goyaml.DoubleQuotedStyle
	for _, child := range n.Content {
		unfold(child)
	}
}

func (p *Printer) linef(format string, args ...any) {
	_, _ = fmt.Fprintf(p.Out, format+"\n", args...)
}

// paint colours a text where a person looks.
func (p *Printer) paint(text string, attributes ...color.Attribute) string {
	c := color.New(attributes...)
	if p.Color {
		c.EnableColor()
	} else {
		c.DisableColor()
	}
	return c.Sprint(text)
}

func (p *Printer) bold(text string) string { return p.paint(text, color.Bold) }
func (p *Printer) dim(text string) string  { return p.paint(text, color.Faint) }
