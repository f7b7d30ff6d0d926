package agent

import (
	_ "embed"
	"fmt"
	"reflect"
	"strings"

	"github.com/ottla-io/ottla/reconcile/strict"
)

//go:embed config_example.yaml
var configExample string

// ConfigExample is a commented configuration that ParseConfig takes.
func ConfigExample() string { return configExample }

// ConfigReference is the reference page of the configuration, in Markdown,
// made from the tags of Config.
func ConfigReference() string {
	var b strings.Builder
	b.WriteString("# Configuration\n\nOne YAML file. An unknown field is an error with its line, and all problems are told at once.\n" +
		"Durations are written `30s`, `10m`, `1h30m`. Files are absolute paths; `$CREDENTIALS_DIRECTORY/name` is a systemd credential.\n" +
		"A secret is given by a file (`…File`) or an environment variable (`…Env`), never in this file, and is read anew at each use.\n")
	for _, f := range strict.Fields(reflect.TypeFor[Config]()) {
		if !strings.ContainsAny(f.Path, ".[") {
			section(&b, f)
			continue
		}
		row(&b, f)
	}
	b.WriteString("\n## Example\n\n```yaml\n" + configExample + "```\n")
	return b.String()
}

// section is a field of the file itself; what stands below it is its table.
func section(b *strings.Builder, f strict.FieldDoc) {
	fmt.Fprintf(b, "\n## `%s`\n\n%s%s\n", f.Path, f.Doc, facts(f))
	if strings.Contains(f.Type, "mapping") {
		b.WriteString("\n| field | type | default | meaning |\n|---|---|---|---|\n")
	}
}

func row(b *strings.Builder, f strict.FieldDoc) {
	fallback := ""
	if f.Default != "" {
		fallback = "`" + f.Default + "`"
	}
	if f.Required {
		fallback = "**required**"
	}
	meaning := f.Doc
	if len(f.Enum) > 0 {
		meaning += " One of `" + strings.Join(f.Enum, "`, `") + "`."
	}
	fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.Path, f.Type, fallback, strings.ReplaceAll(meaning, "|", "\\|"))
}

func facts(f strict.FieldDoc) string {
	switch {
	case f.Required:
		return " Required."
	case f.Default != "":
		return " Default: `" + f.Default + "`."
	}
	return ""
}
