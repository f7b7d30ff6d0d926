package strict_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/nodetest"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type platform struct {
	Name  string                   `json:"name" doc:"Its name." required:"true" pattern:"^[a-z]+$"`
	Spec  spec                     `json:"spec" doc:"What is wanted."`
	Extra strict.Any               `json:"extra" doc:"Anything."`
	Many  map[string]int           `json:"many" doc:"By name." max:"2"`
	Conf  map[string]strict.Scalar `json:"config" doc:"Free."`
	Where strict.Line
}

type common struct {
	Paused bool `json:"paused" doc:"Whether it rests."`
}

type spec struct {
	common
	Partitions *int32        `json:"partitions" doc:"How many." min:"1" max:"100"`
	Ratio      float64       `json:"ratio" doc:"A share." min:"0" max:"1"`
	Every      time.Duration `json:"every" doc:"How often." default:"30s" min:"1s"`
	Mode       string        `json:"mode" doc:"How." enum:"heal,report,off" default:"heal"`
	Roles      []string      `json:"roles" doc:"Whom." enum:"reader,writer" min:"1"`
	Token      string        `json:"token" doc:"A secret." secret:"true" pattern:"^[a-f]+$"`
	Since      time.Time     `json:"since" doc:"From when on."`
	Rules      []rule        `json:"rules" doc:"Rules."`
	Small      uint8         `json:"small" doc:"A byte."`
}

type rule struct {
	Secret string `json:"secret" doc:"Its Secret." required:"true" ref:"Secret"`
	Low    int    `json:"low" doc:"From."`
	High   int    `json:"high" doc:"To."`
}

func (r *rule) Check(report func(path, text string)) {
	if r.Low > r.High {
		report("high", "lies below low")
	}
}

func read(t *testing.T, yaml string) (platform, error) {
	t.Helper()
	var p platform
	err := strict.Into(nodetest.Node(t, yaml), &p)
	return p, err
}

func TestIntoFillsEverythingADocumentSays(t *testing.T) {
	p, err := read(t, `
name: orders
spec:
  paused: true
  partitions: 12
  ratio: 0.5
  every: 1m30s
  roles: [reader, writer]
  since: "2026-11-21T10:00:00Z"
  rules: [{secret: a, low: 1, high: 2}]
  small: 0xff
extra: {a: [1, x]}
many: {a: 1, b: 2}
config: {a: 6.048e8, b: "604800000", c: True, d: null}
`)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "orders" || !p.Spec.Paused || *p.Spec.Partitions != 12 || p.Spec.Ratio != 0.5 ||
		p.Spec.Every != 90*time.Second || p.Spec.Mode != "heal" || len(p.Spec.Roles) != 2 ||
		p.Spec.Since.Year() != 2026 || p.Spec.Rules[0] != (rule{"a", 1, 2}) || p.Spec.Small != 255 ||
		p.Many["b"] != 2 || p.Where != 2 || len(p.Extra.Node.Fields) != 1 {
		t.Fatalf("read %+v", p)
	}
	for key, want := range map[string]string{"a": "604800000", "b": "604800000", "c": "true"} {
		if got := p.Conf[key].Canonical(); got != want {
			t.Errorf("config %s is %q, want %q", key, got, want)
		}
	}
	if !p.Conf["d"].IsNull() || p.Conf["d"].Line != 14 {
		t.Errorf("a declared null is %v", p.Conf["d"])
	}
}

func TestIntoKeepsWhatIsThereAndFillsDefaultsAroundIt(t *testing.T) {
	p := platform{Spec: spec{Mode: "off"}}
	if err := strict.Into(nodetest.Node(t, "name: a\n"), &p); err != nil {
		t.Fatal(err)
	}
	if p.Spec.Mode != "off" || p.Spec.Every != 30*time.Second {
		t.Fatalf("mode %q, every %s", p.Spec.Mode, p.Spec.Every)
	}
}

func TestIntoSaysInWordsWhatIsWrong(t *testing.T) {
	tests := map[string]string{
		"name: a\nspce: {}":                                   `line 2: unknown field "spce" (did you mean "spec"?)`,
		"name: a\nzebra: 1":                                   `line 2: unknown field "zebra"`,
		"name: a\nspec: {partitons: 3}":                       `line 2: spec: unknown field "partitons" (did you mean "partitions"?)`,
		"name: a\nspec: []":                                   `line 2: spec: wants a mapping, is a list`,
		"[]":                                                  `line 1: wants a mapping, is a list`,
		"spec: {}":                                            `line 1: name: is missing`,
		"name: null":                                          `line 1: name: is missing`,
		"name: 12":                                            `line 1: name: wants a string, is a number: put it in quotes`,
		"name: {}":                                            `line 1: name: wants a string, is a mapping`,
		"name: A1":                                            `line 1: name: "A1" does not match ^[a-z]+$`,
		"name: a\nspec: {partitions: {}}":                     `line 2: spec.partitions: wants a number, is a mapping`,
		"name: a\nspec: {partitions: '3'}":                    `line 2: spec.partitions: wants a number, is a string: leave out the quotes`,
		"name: a\nspec: {partitions: 1.5}":                    `line 2: spec.partitions: wants a whole number, is "1.5"`,
		"name: a\nspec: {partitions: 0}":                      `line 2: spec.partitions: 0 is less than 1`,
		"name: a\nspec: {partitions: 101}":                    `line 2: spec.partitions: 101 is more than 100`,
		"name: a\nspec: {small: 256}":                         `line 2: spec.small: 256 does not fit here: it is too large, or negative`,
		"name: a\nspec: {small: -1}":                          `line 2: spec.small: -1 does not fit here: it is too large, or negative`,
		"name: a\nspec: {ratio: 1.5}":                         `line 2: spec.ratio: 1.5 is more than 1`,
		"name: a\nspec: {paused: 'no'}":                       `line 2: spec.paused: wants a boolean, true or false, is a string`,
		"name: a\nspec: {every: 30}":                          `line 2: spec.every: wants a duration such as "30s", is a number`,
		"name: a\nspec: {every: soon}":                        `line 2: spec.every: "soon" is not a duration such as "30s" or "1h30m"`,
		"name: a\nspec: {every: 10ms}":                        `line 2: spec.every: "10ms" is less than 1s`,
		"name: a\nspec: {mode: heel}":                         `line 2: spec.mode: "heel" is not one of heal, report, off (did you mean "heal"?)`,
		"name: a\nspec: {roles: []}":                          `line 2: spec.roles: is empty`,
		"name: a\nspec:\n  roles:\n  - null":                  `line 4: spec.roles[0]: wants a string, is null`,
		"name: a\nspec:\n  roles:\n  - reader\n  - rd":        `line 5: spec.roles[1]: "rd" is not one of reader, writer`,
		"name: a\nspec: {token: hunter2}":                     `line 2: spec.token: the value does not match ^[a-f]+$`,
		"name: a\nmany: {a: 1, b: 2, c: 3}":                   `line 2: many: holds 3 entries, which is more than 2`,
		"name: a\nmany: {a: x}":                               `line 2: many.a: wants a number, is a string`,
		"name: a\nconfig: {a.b: []}":                          `line 2: config.a.b: wants a string, number or boolean, is a list`,
		"name: a\nspec:\n  rules:\n  - secret: a\n    low: 2": `line 4: spec.rules[0].high: lies below low`,
		"name: a\nspec: {rules: [{low: 2}]}":                  `line 2: spec.rules[0].secret: is missing`,
	}
	for yaml, want := range tests {
		_, err := read(t, yaml)
		if err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", yaml, err, want)
		}
	}
}

func TestIntoNamesAllProblemsInTheOrderOfTheDocument(t *testing.T) {
	_, err := read(t, "spec:\n  partitions: x\n  mode: y\nmany: 3\n")
	var problems strict.Problems
	if !errors.As(err, &problems) || len(problems) != 4 {
		t.Fatalf("got %v", err)
	}
	for i, line := range []int{1, 2, 3, 4} {
		if problems[i].Line != line {
			t.Errorf("problem %d is %+v, want line %d", i, problems[i], line)
		}
	}
}

func TestSecretsStandInNoErrorAndNoPrintedForm(t *testing.T) {
	const canary = "canary-7731"
	_, err := read(t, "name: a\nspec: {token: "+canary+"}\n")
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("error: %v", err)
	}
	p, _ := read(t, "name: a\nextra: {a: "+canary+"}\nconfig: {b: "+canary+"}\n")
	if text := fmt.Sprintf("%v %+v %#v", p, p, p); strings.Contains(text, canary) {
		t.Errorf("printed: %s", text)
	}
}

func TestNearestFindsWhatWasMeant(t *testing.T) {
	among := []string{"bootstrapServers", "topicName", "partitions", "replicas", "config", "pvc"}
	for name, want := range map[string]string{
		"partitons": "partitions", "topic_name": "topicName", "TopicName": "topicName", "repilcas": "replicas",
		"confg": "config", "bootstrap-server": "bootstrapServers", "pcv": "pvc", "zebra": "", "": "",
	} {
		if got := strict.Nearest(name, among); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestSchemaSaysWhatIntoTakes(t *testing.T) {
	raw, err := json.Marshal(strict.Schema(spec{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"$schema":"https://json-schema.org/draft/2020-12/schema"`, `"additionalProperties":false`,
		`"partitions":{"description":"How many.","type":["integer","null"],"minimum":1,"maximum":100}`,
		`"mode":{"description":"How.","type":"string","enum":["heal","report","off"],"default":"heal"}`,
		`"required":["secret"]`, `"minItems":1`, `"paused":`,
	} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the schema lacks %s:\n%s", want, raw)
		}
	}
}

func TestFieldsAndNameRefsWalkTheWholeTree(t *testing.T) {
	paths := map[string]strict.FieldDoc{}
	for _, f := range strict.Fields(reflect.TypeFor[platform]()) {
		paths[f.Path] = f
	}
	if f := paths["spec.rules[].secret"]; !f.Required || f.Type != "string" || f.Doc != "Its Secret." {
		t.Errorf("spec.rules[].secret is %+v", f)
	}
	if f := paths["spec.every"]; f.Type != "duration" || f.Default != "30s" {
		t.Errorf("spec.every is %+v", f)
	}
	want := reconcile.NameRef{Group: "g", Kind: "P", Path: "spec/rules/secret", Refers: "Secret"}
	if refs := strict.NameRefs("g", "P", platform{}); len(refs) != 1 || refs[0] != want {
		t.Errorf("name references are %v", refs)
	}
}
