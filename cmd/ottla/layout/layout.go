// Package layout lays documents out as files of a repository and writes them. It
// leaves what stands in a document to whoever made it.
package layout

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	goyaml "go.yaml.in/yaml/v4"
)

// Document is one document that is to be written.
type Document struct {
	Kind  string // KafkaTopic
	Name  string
	About string // the name in Kafka, "" where it is about everybody
	Body  any    // as JSON writes it
}

// Split says which documents share a file.
type Split string

// The ways to split.
const (
	ByKind   Split = "kind"   // topics.yaml, users.yaml, …
	ByTopic  Split = "topic"  // topics/orders.yaml, users/bob.yaml, …
	ByPrefix Split = "prefix" // orders/topics.yaml, orders/users.yaml, …
)

// Splits lists them.
func Splits() []string { return []string{string(ByKind), string(ByTopic), string(ByPrefix)} }

// File is one file of a repository.
type File struct {
	Path string // with slashes
	Text []byte
}

// maxFile is from where on a file is cut: whoever reads repositories bounds them.
const maxFile = 1 << 20

// Files lays documents out, sorted by path. The order of documents is kept.
func Files(docs []Document, split Split) ([]File, error) {
	l := &layout{split: split, texts: map[string][]byte{}, parts: map[string]int{}, owner: map[string]string{}}
	for _, d := range docs {
		text, err := toYAML(d.Body)
		if err != nil {
			return nil, fmt.Errorf("write %s %s as YAML: %w", d.Kind, d.Name, err)
		}
		l.add(d, text)
	}
	var files []File
	for name, text := range l.texts {
		files = append(files, File{name, text})
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

type layout struct {
	split Split
	texts map[string][]byte
	parts map[string]int    // how many files a path became
	owner map[string]string // of a path that is one document's
}

func (l *layout) add(d Document, text []byte) {
	file := l.path(d)
	if n := l.parts[file]; n > 0 && len(l.texts[part(file, n)])+len(text) > maxFile {
		l.parts[file]++
	} else if n == 0 {
		l.parts[file] = 1
	}
	name := part(file, l.parts[file])
	if len(l.texts[name]) > 0 {
		l.texts[name] = append(l.texts[name], "---\n"...)
	}
	l.texts[name] = append(l.texts[name], text...)
}

// part is a path, or for a later part of it one with a number.
func part(file string, n int) string {
	if n <= 1 {
		return file
	}
	return strings.TrimSuffix(file, ".yaml") + fmt.Sprintf("-%03d.yaml", n)
}

func (l *layout) path(d Document) string {
	switch group := groupOf(d.Kind); l.split {
	case ByTopic:
		return l.own(path.Join(group, fileName(d.Name)), d)
	case ByPrefix:
		return path.Join(prefixOf(d.About), group+".yaml")
	default:
		return group + ".yaml"
	}
}

// own is a file of one document's own: names that differ in Kafka may not as
// files.
func (l *layout) own(stem string, d Document) string {
	name := stem + ".yaml"
	for n := 2; l.owner[name] != "" && l.owner[name] != d.Kind+"/"+d.Name; n++ {
		name = fmt.Sprintf("%s-%d.yaml", stem, n)
	}
	l.owner[name] = d.Kind + "/" + d.Name
	return name
}

func groupOf(kind string) string {
	switch kind {
	case "KafkaTopic":
		return "topics"
	case "KafkaUser":
		return "users"
	case "AccessRule":
		return "access"
	case "ClientQuota":
		return "quotas"
	case "BrokerConfig":
		return "brokers"
	default:
		return strings.ToLower(kind)
	}
}

// everybody is where documents are that are about nobody in particular.
const everybody = "cluster"

// prefixOf is the first word of a name: orders of orders.dead-letters.
func prefixOf(name string) string {
	name = strings.TrimPrefix(name, "CN=")
	if end := strings.IndexFunc(name, func(r rune) bool { return strings.ContainsRune("._-,", r) }); end > 0 {
		name = name[:end]
	}
	if name = fileName(name); name == nameless {
		return everybody
	}
	return name
}

// nameless begins the name of a file that a name leaves nothing of.
const nameless = "the-"

// fileName is a name as a file's on any system: lower case, and never hidden,
// nor one that a renderer takes for its own.
func fileName(name string) string {
	name = strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r):
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '-'
		}
	}, name), ".-")
	if name == "" || name == "kustomization" {
		return nameless + name
	}
	return name
}

// toYAML goes by way of JSON, so that keys are in order and strings that look like
// something else are quoted.
func toYAML(body any) ([]byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	var node goyaml.Node
	if err := goyaml.Unmarshal(data, &node); err != nil {
		return nil, err
	}
	unfold(&node)
	var out bytes.Buffer
	encode := goyaml.NewEncoder(&out)
	encode.SetIndent(2)
	if err := encode.Encode(&node); err != nil {
		return nil, err
	}
	return out.Bytes(), encode.Close()
}

func unfold(n *goyaml.Node) {
	n.Style &^= goyaml.FlowStyle | goyaml.DoubleQuotedStyle
	for _, child := range n.Content {
		unfold(child)
	}
}
