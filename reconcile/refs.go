package reconcile

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// Placeholder stands where a secret was not decrypted: where documents are
// looked at without keys. It is valid base64, so that it may stand in a Secret's
// data.
const Placeholder = "ENCRYPTEDxBYxSOPS000"

// Undecrypted tells a secret of which nothing can be said but that it is there.
func Undecrypted(text string) bool {
	return text == Placeholder || base64.StdEncoding.EncodeToString([]byte(text)) == Placeholder
}

// References holds the Secrets and ConfigMaps of one revision. It is safe for
// concurrent use once made.
type References struct {
	secrets, configMaps map[refName]refData
	encrypted           func(string) bool
}

type refName struct{ namespace, name string }

// refData keeps every value as a secret: no printed form shows one.
type refData struct {
	values map[string]Value
	origin Origin
}

// NewReferences takes the Secrets and ConfigMaps out of docs and returns the
// rest. encrypted recognises a value that is still encrypted.
func NewReferences(docs []Document, encrypted func(string) bool) (*References, []Document, error) {
	refs := &References{map[refName]refData{}, map[refName]refData{}, encrypted}
	var rest []Document
	var problems []error
	for _, doc := range docs {
		into := refs.holder(doc)
		if into == nil {
			rest = append(rest, doc)
			continue
		}
		problems = append(problems, add(into, doc))
	}
	return refs, rest, joined(problems)
}

func (r *References) holder(doc Document) map[refName]refData {
	switch doc.Type() {
	case "v1/Secret":
		return r.secrets
	case "v1/ConfigMap":
		return r.configMaps
	default:
		return nil
	}
}

func add(into map[refName]refData, doc Document) error {
	name := refName{doc.Namespace, doc.Name}
	if old, ok := into[name]; ok {
		return Mistake{doc.Origin, fmt.Sprintf("%s %s is declared twice, also in %s", doc.Kind, doc.Name, old.origin)}
	}
	if err := strictData(doc); err != nil {
		return err
	}
	data := refData{values: map[string]Value{}, origin: doc.Origin}
	if err := readData(doc, data.values); err != nil {
		return Mistake{doc.Origin, err.Error()}
	}
	into[name] = data
	return nil
}

// strictData refuses what a Secret or ConfigMap cannot have: a misspelt
// stringData would be a password that is nowhere. No value stands in its words.
func strictData(doc Document) error {
	fields := []string{"apiVersion", "kind", "metadata", "immutable", "data"}
	if doc.Kind == "Secret" {
		fields = append(fields, "type", "stringData")
	} else {
		fields = append(fields, "binaryData")
	}
	for _, f := range doc.Body.Fields {
		at := doc.Origin
		if f.Line > 0 {
			at.Line = f.Line
		}
		if !slices.Contains(fields, f.Key) {
			return Mistake{at, fmt.Sprintf("%s %s: unknown field %q; known are %s", doc.Kind, doc.Name, f.Key, strings.Join(fields[3:], ", "))}
		}
		if !strings.HasSuffix(strings.ToLower(f.Key), "data") || f.Key == "metadata" {
			continue
		}
		for _, v := range f.Value.Fields {
			if v.Value.Kind == MapNode || v.Value.Kind == ListNode {
				return Mistake{at, fmt.Sprintf("%s %s: %s.%s: wants text, is a mapping or a list", doc.Kind, doc.Name, f.Key, v.Key)}
			}
		}
	}
	return nil
}

// readData reads data (base64 in a Secret), stringData and binaryData. No
// value ever appears in its errors.
func readData(doc Document, into map[string]Value) error {
	data, _ := doc.Body.Get("data")
	for _, f := range data.Fields {
		value := f.Value.Text()
		if doc.Kind == "Secret" {
			plain, err := decodeBase64(value)
			if err != nil {
				return fmt.Errorf("data.%s is not base64 (plain text belongs into stringData)", f.Key)
			}
			value = plain
		}
		into[f.Key] = SecretOf(value)
	}
	if plain, _ := doc.Body.Get("stringData"); doc.Kind == "Secret" {
		for _, f := range plain.Fields {
			into[f.Key] = SecretOf(f.Value.Text())
		}
	}
	return nil
}

// decodeBase64 leaves a value that is still encrypted as it is: its use is the
// error, and names what is missing.
func decodeBase64(s string) (string, error) {
	if strings.HasPrefix(s, "ENC[") {
		return s, nil
	}
	clean := strings.Map(func(r rune) rune {
		if r == '\n' || r == ' ' || r == '\r' {
			return -1
		}
		return r
	}, s)
	plain, err := base64.StdEncoding.DecodeString(clean)
	return string(plain), err
}

// Secret returns a key of a Secret in that namespace, or in none.
func (r *References) Secret(namespace, name, key string) (Value, error) {
	text, err := find(r.secrets, "Secret", namespace, name, key)
	if err != nil {
		return Value{}, err
	}
	if r.encrypted != nil && r.encrypted(text) {
		return Value{}, fmt.Errorf("key %s of Secret %s is still encrypted: no SOPS metadata stands in its document", key, name)
	}
	return SecretOf(text), nil
}

// ConfigMap returns a key of a ConfigMap in that namespace, or in none.
func (r *References) ConfigMap(namespace, name, key string) (string, error) {
	return find(r.configMaps, "ConfigMap", namespace, name, key)
}

func find(in map[refName]refData, kind, namespace, name, key string) (string, error) {
	data, ok := in[refName{namespace, name}]
	if !ok && namespace != "" {
		data, ok = in[refName{"", name}]
	}
	if !ok {
		return "", fmt.Errorf("%s %s is not declared in this revision%s", kind, name, known(names(in), "declared are"))
	}
	value, ok := data.values[key]
	if !ok {
		return "", fmt.Errorf("%s %s (%s) has no key %s%s", kind, name, data.origin, key, known(keys(data.values), "it has"))
	}
	text, _ := value.Plaintext()
	return text, nil
}

func known(names []string, lead string) string {
	if len(names) == 0 || len(names) > 8 {
		return ""
	}
	return fmt.Sprintf("; %s %s", lead, strings.Join(names, ", "))
}

func names(in map[refName]refData) []string {
	var out []string
	for n := range in {
		out = append(out, n.name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func keys(in map[string]Value) []string {
	var out []string
	for k := range in {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
