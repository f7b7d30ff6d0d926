package kustomize

import (
	"strings"
	"testing"

	"github.com/ottla-io/ottla/reconcile"
)

func TestVariablesAreReplacedTypedAndOnlyWhereAskedFor(t *testing.T) {
	tree := files("a.yaml", topic("${NAME}-orders", "\n  labels: {team: \"${TEAM}\", text: \"$${KEEP}\"}")+"    n: ${COUNT}\n    s: n${COUNT}\n")
	plain := mustRender(t, tree, "", Options{}).Documents[0]
	if plain.Name != "${NAME}-orders" {
		t.Errorf("replaced without being asked: %s", plain.Name)
	}
	o := Options{Substituting: true, Substitute: map[string]string{"NAME": "eu", "TEAM": "7", "COUNT": "12"}}
	d := mustRender(t, tree, "", o).Documents[0]
	if d.Name != "eu-orders" || d.Origin.Document != "KafkaTopic eu-orders" || d.Labels["text"] != "${KEEP}" {
		t.Errorf("got %+v", d)
	}
	if n := at(t, d.Body, "spec", "config", "n"); n.Kind != reconcile.IntNode || n.Text() != "12" || n.Line == 0 {
		t.Errorf("n is %v %s", n, n.Text())
	}
	if s := at(t, d.Body, "spec", "config", "s"); s.Text() != "n12" || s.Kind != reconcile.StringNode {
		t.Errorf("s is %v", s.Text())
	}
	_, err := render(t, tree, "", Options{Substituting: true})
	if err == nil || !strings.Contains(err.Error(), "a.yaml:4: variable ${NAME} is not set") || strings.Count(err.Error(), "not set") != 4 {
		t.Errorf("got %v", err)
	}
}

func TestAnUnsetVariableInASecretIsToldWithoutItsName(t *testing.T) {
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  password: before${canary}after\n"
	_, err := render(t, files("a.yaml", secret), "", Options{Substituting: true})
	if err == nil || !strings.Contains(err.Error(), "a.yaml:5: a variable") {
		t.Fatalf("got %v", err)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("a piece of the password is told: %v", err)
	}
}

const template = `apiVersion: template.openshift.io/v1
kind: Template
metadata: {name: topics}
objects:
- apiVersion: kafka.strimzi.io/v1
  kind: KafkaTopic
  metadata: {name: "${NAME}-x"}
  spec:
    partitions: ${{COUNT}}
    config: {text: "${COUNT}", other: "${SHELL}"}
parameters:
- {name: NAME, required: true}
- {name: COUNT, value: "3"}
`

func TestTemplatesAreExpandedWithTheirParameters(t *testing.T) {
	d := mustRender(t, files("a.yaml", template), "", Options{TemplateParameters: map[string]string{"NAME": "eu"}}).Documents
	if len(d) != 1 || d[0].Name != "eu-x" || d[0].Origin.Line != 5 {
		t.Fatalf("got %+v", d)
	}
	if n := at(t, d[0].Body, "spec", "partitions"); n.Kind != reconcile.IntNode || n.Text() != "3" {
		t.Errorf("partitions: %v", n)
	}
	if n := at(t, d[0].Body, "spec", "config", "text"); n.Kind != reconcile.StringNode || n.Text() != "3" {
		t.Errorf("text: %v", n)
	}
	if n := at(t, d[0].Body, "spec", "config", "other"); n.Text() != "${SHELL}" {
		t.Errorf("other: %v", n.Text())
	}
	_, err := render(t, files("a.yaml", template), "", Options{})
	if err == nil || !strings.Contains(err.Error(), "a.yaml:12: Template topics: parameter NAME is required") {
		t.Errorf("got %v", err)
	}
}
