package reconcile

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// noon is when every test takes place.
var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

var home = Binding{Cluster: "cluster-1", Repository: "repo", Path: "prod", Ref: "main"}

const (
	orders = "Topic/orders"
	bob    = "AclSet/User:bob"
)

// world is the input of a diff in a little text format:
//
//	Topic/orders uid=u1 created      marks after the ID
//	  config.retention.ms = 1000     a field; null, default, secret:x, writeonly, unknown
//	  default config.a = 5           of have: what an unset field falls back to
//	  alone config.b = 7             of owned: left alone, with the value seen
type world struct {
	want, have, owned string
	scope             []ID // nil is full
	unknown           []Unobserved
	others            map[string]Claimant
	state             *State // instead of owned
	binding           Binding
	rules             map[string]Rules
	now               time.Time
	sync              string
}

type block struct {
	id     ID
	marks  map[string]string
	fields [][2]string
}

func blocks(t testing.TB, text string) []block {
	t.Helper()
	var out []block
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		case !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t"):
			words := strings.Fields(trimmed)
			b := block{id: id(t, words[0]), marks: map[string]string{}}
			for _, w := range words[1:] {
				key, value, _ := strings.Cut(w, "=")
				b.marks[key] = value
			}
			out = append(out, b)
		default:
			key, value, ok := strings.Cut(trimmed, "=")
			if !ok || len(out) == 0 {
				t.Fatalf("not a field: %q", line)
			}
			last := &out[len(out)-1]
			last.fields = append(last.fields, [2]string{strings.TrimSpace(key), strings.TrimSpace(value)})
		}
	}
	return out
}

func id(t testing.TB, s string) ID {
	t.Helper()
	parsed, err := ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func ids(t testing.TB, list string) []ID {
	var out []ID
	for s := range strings.SplitSeq(list, ",") {
		if s != "" {
			out = append(out, id(t, s))
		}
	}
	return out
}

func value(s string) Value {
	switch plain, isSecret := strings.CutPrefix(s, "secret:"); {
	case isSecret:
		return SecretOf(plain)
	case s == "null":
		return UnmanagedValue()
	case s == "default":
		return UnsetValue()
	case s == "writeonly":
		return WriteOnlyValue()
	case s == "unknown":
		return UnknownValue()
	default:
		return TextOf(s)
	}
}

func wanted(t testing.TB, text string) []Resource {
	t.Helper()
	var out []Resource
	for n, b := range blocks(t, text) {
		file := strings.ToLower(b.id.Kind) + "s.yaml"
		r := Resource{ID: b.id, Fields: map[string]Value{}, Origins: map[string][]Origin{"": {{Document: b.id.String(), File: file, Line: 10*n + 1}}}}
		for i, f := range b.fields {
			r.Fields[f[0]] = value(f[1])
			r.Origins[f[0]] = []Origin{{File: file, Line: 10*n + 4 + i}}
		}
		_, r.Keep = b.marks["keep"]
		r.Skip, r.Drift = strings.ReplaceAll(b.marks["skip"], "_", " "), DriftMode(b.marks["drift"])
		r.Ignore = ignoredFields(b.marks["ignore"])
		r.Needs, r.Claims = ids(t, b.marks["needs"]), ids(t, b.marks["claims"])
		out = append(out, r)
	}
	return Seal([]byte("test key"), out)
}

func living(t testing.TB, text string) []Live {
	t.Helper()
	var out []Live
	for _, b := range blocks(t, text) {
		_, part := b.marks["part"]
		_, done := b.marks["done"]
		l := Live{ID: b.id, Fields: map[string]Value{}, Defaults: map[string]Value{}, Whole: !part, UID: b.marks["uid"], Done: done}
		l.Internal, l.ClaimBy, l.Claims = b.marks["internal"], b.marks["by"], ids(t, b.marks["claims"])
		for _, f := range b.fields {
			if name, ok := strings.CutPrefix(f[0], "default "); ok {
				l.Defaults[name] = value(f[1])
			} else {
				l.Fields[f[0]] = value(f[1])
			}
		}
		out = append(out, l)
	}
	return out
}

func ownedBy(t testing.TB, text string) map[ID]*Owned {
	t.Helper()
	out := map[ID]*Owned{}
	for _, b := range blocks(t, text) {
		own := &Owned{Cluster: home.Cluster, UID: b.marks["uid"], Last: map[string]Value{}, Alone: map[string]Value{}}
		_, own.Created = b.marks["created"]
		_, own.Marks.Keep = b.marks["keep"]
		own.Marks.Skip = strings.ReplaceAll(b.marks["skip"], "_", " ")
		if ago := b.marks["missing"]; ago != "" {
			d, err := time.ParseDuration(ago)
			if err != nil {
				t.Fatal(err)
			}
			own.Missing = noon.Add(-d)
		}
		for _, f := range b.fields {
			if name, ok := strings.CutPrefix(f[0], "alone "); ok {
				own.Alone[name] = value(f[1])
				continue
			}
			v := value(f[1])
			if plain, ok := v.Plaintext(); ok {
				v.text, v.plain = printOf([]byte("test key"), b.id, f[0], plain), nil
			}
			own.Last[f[0]] = v
		}
		out[b.id] = own
	}
	return out
}

func (w world) input(t testing.TB) Input {
	t.Helper()
	in := Input{
		Sync: "main", Revision: "r1", Now: noon, Binding: home, Scope: Scope{Full: w.scope == nil, Name: w.scope},
		Want: wanted(t, w.want), Have: living(t, w.have), Unknown: w.unknown, Others: w.others, State: w.state, Rules: w.rules,
	}
	if w.sync != "" {
		in.Sync = w.sync
	}
	if w.binding != (Binding{}) {
		in.Binding = w.binding
	}
	if !w.now.IsZero() {
		in.Now = w.now
	}
	if in.Rules == nil {
		in.Rules = testRules()
	}
	if in.State == nil {
		in.State = NewState()
		section := in.State.Section("main")
		section.Binding, section.Owned = home, ownedBy(t, w.owned)
	}
	return in
}

func (w world) plan(t testing.TB) Plan {
	t.Helper()
	return Diff(w.input(t))
}

// change returns the change of one thing, the zero Change if there is none.
func (p Plan) change(name string) Change {
	for _, c := range p.Changes {
		if c.ID.String() == name {
			return c
		}
	}
	return Change{}
}

func (c Change) field(name string) FieldChange {
	for _, f := range c.Fields {
		if f.Name == name {
			return f
		}
	}
	return FieldChange{}
}

// testRules are kinds like those of Kafka: small numbers lose data.
func testRules() map[string]Rules {
	return map[string]Rules{
		"Topic":           {Field: topicRule, Grace: 10 * time.Minute},
		"AclSet":          {Bag: true, Recreate: true, Field: func(string) Rule { return Rule{Reset: true} }},
		"QuotaEntity":     {Bag: true, Recreate: true, Field: func(string) Rule { return Rule{Reset: true} }},
		"ScramCredential": {Recreate: true, Field: scramRule},
		"Job":             {OneShot: true, Field: func(string) Rule { return Rule{} }},
	}
}

func topicRule(name string) Rule {
	switch name {
	case "partitions":
		return Rule{Check: func(from, to Value) string {
			if number(to) < number(from) {
				return "partitions only grow"
			}
			return ""
		}}
	case "config.retention.ms", "config.delete.retention.ms":
		return Rule{Reset: true, Pin: true, Loses: func(from, to Value) string {
			if number(to) < number(from) {
				return "older records are deleted"
			}
			return ""
		}}
	default:
		return Rule{Reset: true}
	}
}

func scramRule(name string) Rule {
	if name == "iterations" {
		return Rule{Watch: true, With: []string{"password"}}
	}
	return Rule{Needed: "no password is declared and no credential exists"}
}

func number(v Value) int {
	n, _ := strconv.Atoi(v.Text())
	return n
}

func mustEqual[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func mustContain(t testing.TB, what, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%s is %q, want it to say %q", what, got, want)
	}
}

// dump is a plan as tests print it when they fail.
func (p Plan) dump() string {
	var b strings.Builder
	p.Text(&b, Style{Verbose: true})
	return b.String()
}

// batched lists what goes ahead, notes left out: "update Topic/orders partitions".
func (p Plan) batched() []string {
	var out []string
	for _, batch := range p.Batches([]string{"Topic", "ScramCredential", "AclSet", "QuotaEntity", "Job"}, 100) {
		for _, c := range batch {
			if c.Action == Note {
				continue
			}
			line := fmt.Sprintf("%s %s", c.Action, c.ID)
			for _, f := range c.Fields {
				line += " " + f.Name
			}
			out = append(out, line)
		}
	}
	return out
}
