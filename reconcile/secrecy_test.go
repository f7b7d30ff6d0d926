package reconcile

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const canary = "canary-9f2c"

func TestASecretIsMaskedInEveryPrintedForm(t *testing.T) {
	w := world{want: "ScramCredential/bob\n  password = secret:" + canary}
	p := w.plan(t)
	wanted := w.input(t).Want
	for _, thing := range []any{SecretOf(canary), wanted, p, p.Changes[0], struct{ V Value }{SecretOf(canary)}, &wanted[0]} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			if out := fmt.Sprintf(verb, thing); strings.Contains(out, canary) || strings.Contains(out, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s of %T shows it: %s", verb, thing, out)
			}
		}
	}
	data, _ := json.Marshal(p)
	if strings.Contains(string(data)+p.dump()+strings.Join(p.Changes[0].Lines(), ""), canary) {
		t.Error("a plan shows it")
	}
}

func TestASealedPrintIsSaltedWithIDAndFieldAndKeyed(t *testing.T) {
	base := printOf([]byte("k"), ID{"S", "a"}, "password", "x")
	for _, other := range []string{
		printOf([]byte("other"), ID{"S", "a"}, "password", "x"), printOf([]byte("k"), ID{"S", "b"}, "password", "x"),
		printOf([]byte("k"), ID{"S", "a"}, "pass", "wordx"), printOf([]byte("k"), ID{"S", "a"}, "password", "y"),
	} {
		if other == base {
			t.Error("two prints are equal")
		}
	}
	r := []Resource{{ID: ID{"S", "a"}, Fields: map[string]Value{"password": SecretOf("x")}}}
	if sealed := Seal([]byte("k"), r); !sealed[0].Fields["password"].Same(Seal([]byte("k"), r)[0].Fields["password"]) || r[0].Fields["password"].text != "" {
		t.Error("seals differ, or the input was changed")
	}
}

func TestUnsealedSecretsAreNeverEqual(t *testing.T) {
	mustEqual(t, "same", SecretOf("x").Same(SecretOf("x")), false)
}

func TestNodesPrintNothingOfWhatTheyHold(t *testing.T) {
	n := Node{Kind: MapNode, Fields: []Field{{Key: "password", Value: ScalarNode(StringNode, canary, 0)}}}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if out := fmt.Sprintf(verb, Document{Body: n}); strings.Contains(out, canary) {
			t.Errorf("%s shows it: %s", verb, out)
		}
	}
}

func TestEveryFormOfAValueSurvivesJSON(t *testing.T) {
	for _, v := range []Value{{}, TextOf(""), TextOf("x"), UnsetValue(), UnmanagedValue(), WriteOnlyValue(), UnknownValue()} {
		var back Value
		data, _ := json.Marshal(v)
		if err := json.Unmarshal(data, &back); err != nil || back != v {
			t.Errorf("%#v came back as %#v: %v", v, back, err)
		}
	}
}

func TestAnUnexportedFieldHidesSecretsToo(t *testing.T) {
	// fmt calls no method of what stands in an unexported field: only a pointer hides it.
	outer := struct {
		doc  Document
		refs *References
	}{
		Document{Body: ScalarNode(StringNode, canary, 1)},
		&References{secrets: map[refName]refData{{"", "s"}: {values: map[string]Value{"k": SecretOf(canary)}}}},
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if out := fmt.Sprintf(verb, outer) + fmt.Sprintf(verb, *outer.refs); strings.Contains(out, canary) {
			t.Errorf("%s prints %s", verb, out)
		}
	}
}
