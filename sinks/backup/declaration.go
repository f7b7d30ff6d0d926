package backup

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// DefaultNamespace is where a document without a namespace stands.
const DefaultNamespace = "default"

// declaration is a document on its way to what it declares.
type declaration struct {
	doc    reconcile.Document
	refs   reconcile.Refs
	report *strict.Report
	want   reconcile.Resource
	notes  []string
}

func declare(doc reconcile.Document, refs reconcile.Refs) *declaration {
	d := &declaration{doc: doc, refs: refs, report: strict.NewReport(doc), want: reconcile.Resource{
		Fields: map[string]reconcile.Value{}, Means: map[string]reconcile.Value{}, Origins: map[string][]reconcile.Origin{"": {doc.Origin}},
	}}
	d.folder("metadata.name", doc.Name)
	d.folder("metadata.namespace", doc.Namespace)
	return d
}

// folder reports a name that cannot be a folder of a store, where there is one.
func (d *declaration) folder(path, name string) {
	if words := folderless(name); name != "" && words != "" {
		d.report.Add(path, "%q %s", name, words)
	}
}

// folderless says why a name cannot be a folder of a store.
func folderless(name string) string {
	if repository.Safe(name) {
		return ""
	}
	return "cannot be a folder of a store: letters, digits, dot, dash and underscore alone, and no dot at its beginning"
}

// result is the one resource, or all that is wrong.
func (d *declaration) result(kind, does string) (reconcile.Decoded, error) {
	if err := d.report.Err(); err != nil {
		return reconcile.Decoded{}, err
	}
	d.set(FieldDoes, does, "kind")
	d.want.ID = IDOf(kind, does, d.doc.Namespace, d.doc.Name)
	return reconcile.Decoded{Resources: []reconcile.Resource{d.want}, Notes: d.notes}, nil
}

// IDOf names what a document declares: BackupPolicy/default/nightly,
// BackupPolicy/validation/default/weekly, Job/restore/default/orders.
func IDOf(kind, does, namespace, name string) reconcile.ID {
	if namespace == "" {
		namespace = DefaultNamespace
	}
	if kind == KindPolicy && does == DoesBackup {
		return reconcile.ID{Kind: kind, Name: namespace + "/" + name}
	}
	return reconcile.ID{Kind: kind, Name: does + "/" + namespace + "/" + name}
}

// set declares a field that says something; path is where in the document.
func (d *declaration) set(field, value, path string) {
	if value == "" {
		return
	}
	d.want.Fields[field] = reconcile.TextOf(value)
	d.want.Origins[field] = []reconcile.Origin{strict.OriginOf(d.doc, path)}
}

// refuse says in words why this is never carried out as written; the rest of
// the revision is.
func (d *declaration) refuse(path, format string, args ...any) {
	words := path + ": " + fmt.Sprintf(format, args...)
	if old := d.want.Fields[FieldRefused].Text(); old != "" {
		words = old + "; " + words
	}
	d.set(FieldRefused, words, path)
}

func (d *declaration) note(path, text string) { d.notes = append(d.notes, path+": "+text) }

// noteGiven notes a field only where the document has it.
func (d *declaration) noteGiven(path, text string) {
	if given(d.doc, path) {
		d.note(path, text)
	}
}

func given(doc reconcile.Document, path string) bool {
	node := doc.Body
	for key := range strings.SplitSeq(path, ".") {
		next, ok := node.Get(key)
		if !ok {
			return false
		}
		node = next
	}
	return node.Kind != reconcile.NullNode
}

// secret takes a key of a Secret as a means. One whose Secret stands elsewhere,
// made by another tool, is left to the agent's configuration; one that is still
// encrypted, or lacks the key, is a mistake.
func (d *declaration) secret(means, path, name, key string) {
	if key == "" {
		return
	}
	value, err := d.refs.Secret(d.doc.Namespace, name, key)
	switch {
	case err == nil:
		d.want.Means[means] = value
	case strings.Contains(err.Error(), "is not declared in this revision"):
		if note := path + ": Secret " + name + " is not declared in this revision: the agent's configuration says how it is reached"; !slices.Contains(d.notes, note) {
			d.notes = append(d.notes, note)
		}
	default:
		d.report.Add(path, "%v", err)
	}
}

// annotation reads one of our own annotations; check returns words for a value
// that is none.
func (d *declaration) annotation(mark, field string, check func(string) string) {
	value, ok := d.doc.Annotations[mark]
	if !ok {
		return
	}
	if words := check(value); words != "" {
		d.report.Add("metadata.annotations", "%s: %q %s", mark, value, words)
		return
	}
	if value != "false" {
		d.set(field, value, "metadata.annotations")
	}
}

func oneOf(words ...string) func(string) string {
	return func(value string) string {
		if slices.Contains(words, value) {
			return ""
		}
		return "is none of " + strings.Join(words, ", ")
	}
}

// lasting reads a duration in which days may be counted: 365d, 36h, 90m.
func lasting(text string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days, "%d", &n); err != nil || n <= 0 || fmt.Sprint(n) != days || n > 36500 {
			return 0, false
		}
		return time.Duration(n) * 24 * time.Hour, true
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0
}

// duration declares an annotation that is a time.
func (d *declaration) duration(mark, field string) {
	text, ok := d.doc.Annotations[mark]
	if !ok {
		return
	}
	took, ok := lasting(text)
	if !ok {
		d.report.Add("metadata.annotations", "%s: %q is no time such as 90m, 36h or 365d", mark, text)
		return
	}
	d.set(field, took.String(), "metadata.annotations")
}
