package kafka

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

// acls writes a principal's rules into its KafkaUser, where there is one.
func (e *encoder) acls(l reconcile.Live) {
	rules := e.rules(l)
	if len(rules) == 0 {
		return
	}
	principal, ok := strings.CutPrefix(l.ID.Name, "User:")
	if ok {
		if user := e.userOf(principal); user != nil {
			user.spec["authorization"] = map[string]any{"type": "simple", "acls": rules}
			return
		}
	}
	if kind, name, ok := strings.Cut(l.ID.Name, ":"); !ok || kind == "" || name == "" {
		e.note("%s is left out: it is no principal", l.ID)
		return
	}
	name := e.name("AccessRule", strings.TrimPrefix(l.ID.Name, "User:"))
	e.write(ottlaVersions()[0], "AccessRule", name, principal, nil, map[string]any{"principals": []string{l.ID.Name}, "acls": rules})
}

// rules are a principal's, those that differ in operation alone as one.
func (e *encoder) rules(l reconcile.Live) []any {
	operations := map[ACLEntry][]string{}
	for _, field := range slices.Sorted(maps.Keys(l.Fields)) {
		entry, err := parseRule(field)
		if err == nil && entry.Resource == "topic" && entry.Pattern == "prefixed" && strings.HasPrefix(entry.Name, "*") {
			e.note("%s: a rule on topics that begin with * is left out: there are none", l.ID)
			continue
		}
		if err != nil {
			e.note("%s: a rule is left out: %s", l.ID, err)
			continue
		}
		operation := camel(entry.Operation)
		entry.Operation = ""
		operations[entry] = append(operations[entry], operation)
	}
	entries := slices.SortedFunc(maps.Keys(operations), func(a, b ACLEntry) int { return strings.Compare(ACLField(a), ACLField(b)) })
	rules := make([]any, len(entries))
	for i, entry := range entries {
		rules[i] = entry.written(operations[entry])
	}
	return rules
}

func (e ACLEntry) written(operations []string) map[string]any {
	kind := camel(e.Resource)
	resource := map[string]any{"type": strings.ToLower(kind[:1]) + kind[1:]}
	if e.Resource != "cluster" {
		resource["name"] = e.Name
	}
	if e.Pattern == "prefixed" {
		resource["patternType"] = "prefix"
	}
	rule := map[string]any{"resource": resource, "operations": operations}
	if e.Permission != "allow" {
		rule["type"] = e.Permission
	}
	if e.Host != "*" {
		rule["host"] = e.Host
	}
	return rule
}

// camel spells alter-configs as AlterConfigs.
func camel(dashes string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(dashes, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// number is a canonical number as one, and any other text as it is.
func number(text string) any {
	if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) && strconv.FormatFloat(f, 'f', -1, 64) == text {
		return json.Number(text)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
		return json.Number(text)
	}
	return text
}

// maxDocumentName is Kubernetes' limit.
const maxDocumentName = 253

// name is a document's name, as Kubernetes takes them, for a name in Kafka: the
// same where it can be, each once for a kind of document.
func (e *encoder) name(kind, of string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '-'
		}
	}, of), "-.")
	sum := sha256.Sum256([]byte(of))
	mark := hex.EncodeToString(sum[:4])
	if name == "" {
		name = mark
	}
	if len(name) > maxDocumentName || e.names[kind+"/"+name] {
		name = name[:min(len(name), maxDocumentName-len(mark)-1)] + "-" + mark
	}
	e.names[kind+"/"+name] = true
	return name
}
