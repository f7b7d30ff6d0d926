package kustomize

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

const canary = "canary-hunter2"

func TestErrorsNameTheFileAndHoldNoValue(t *testing.T) {
	resource := topic("orders", "")
	for name, tc := range map[string]struct {
		tree fstest.MapFS
		want string
	}{
		"empty":            {files("kustomization.yaml", "# nothing\n"), "kustomization.yaml: the kustomization is empty"},
		"missing file":     {files("kustomization.yaml", "resources: [gone.yaml]\n"), "kustomization.yaml: resources: gone.yaml does not exist"},
		"no kustomization": {files("kustomization.yaml", "resources: [sub]\n", "sub/a.yaml", resource), `directory "sub" has no kustomization.yaml`},
		"two of them":      {files("kustomization.yaml", "resources: [a.yaml]\n", "kustomization.yml", "resources: [a.yaml]\n", "a.yaml", resource), "more than one kustomization"},
		"remote https":     {files("kustomization.yaml", "resources: ['https://example.com/a.yaml']\n"), "nothing remote is fetched"},
		"remote github":    {files("kustomization.yaml", "resources: [\"github.com/o/r?ref=v1\"]\n"), "nothing remote is fetched"},
		"remote ssh":       {files("kustomization.yaml", "components: ['git@example.com:o/r']\n"), "nothing remote is fetched"},
		"remote patch":     {files("kustomization.yaml", "resources: [a.yaml]\npatches: [{path: 'https://example.com/p'}]\n", "a.yaml", resource), "patches: https://example.com/p is a remote address"},
		"remote generator": {files("kustomization.yaml", "secretGenerator: [{name: a, files: ['k=https://example.com/p']}]\n"), "is a remote address"},
		"outside":          {files("kustomization.yaml", "resources: [../../etc]\n"), "../../etc lies outside the repository"},
		"absolute":         {files("kustomization.yaml", "resources: [/etc/passwd]\n"), "/etc/passwd lies outside the repository"},
		"file above":       {files("over/kustomization.yaml", "resources: [../a.yaml]\n", "a.yaml", resource, "kustomization.yaml", "resources: [over]\n"), "over/kustomization.yaml: resources: ../a.yaml lies outside the directory"},
		"circle":           {files("kustomization.yaml", "resources: [a]\n", "a/kustomization.yaml", "resources: [../b]\n", "b/kustomization.yaml", "resources: [../a]\n"), "in a circle: . → a → b → a"},
		"unknown field":    {files("kustomization.yaml", "resource: [a.yaml]\n"), `kustomize knows no field "resource"`},
		"wrong type":       {files("kustomization.yaml", "resources: "+canary+"\n"), "kustomization.yaml"},
		"helm":             {files("kustomization.yaml", "helmCharts: [{name: x}]\n"), "helm charts are not rendered"},
		"plugin":           {files("kustomization.yaml", "transformers: [x.yaml]\n"), "plugins and are not run"},
		"bad document":     {files("kustomization.yaml", "resources: [a.yaml]\n", "a.yaml", "kind: X\nmetadata: {name: "+canary+"}\n"), "a.yaml:1: apiVersion is missing"},
		"bad YAML":         {files("kustomization.yaml", "resources: [a.yaml]\n", "a.yaml", resource+"---\nb: ["+canary), "a.yaml:"},
		"twice":            {files("kustomization.yaml", "resources: [a.yaml, b.yaml]\n", "a.yaml", resource, "b.yaml", resource), "KafkaTopic orders is declared twice"},
		"idle patch":       {files("kustomization.yaml", "resources: [a.yaml]\npatches: [{path: p.yaml}]\n", "a.yaml", resource, "p.yaml", topic("gone", "")), "the patch for KafkaTopic gone hits nothing"},
		"no patch":         {files("kustomization.yaml", "resources: [a.yaml]\npatches: [{patch: "+canary+", target: {kind: KafkaTopic}}]\n", "a.yaml", resource), "neither a strategic merge patch nor a JSON patch"},
		"bad operation":    {files("kustomization.yaml", "resources: [a.yaml]\npatches: [{patch: '[{\"op\": \"replace\", \"path\": \"/spec/no/no\", \"value\": \""+canary+"\"}]', target: {kind: KafkaTopic}}]\n", "a.yaml", resource), "does not apply to its target"},
		"component":        {files("kustomization.yaml", "resources: [a.yaml]\ncomponents: [c]\n", "a.yaml", resource, "c/kustomization.yaml", "resources: [a.yaml]\n", "c/a.yaml", resource), "no kind: Component"},
		"replacement":      {files("kustomization.yaml", "resources: [a.yaml]\nreplacements: [{source: {kind: Secret, name: gone}, targets: [{select: {kind: KafkaTopic}, fieldPaths: [spec.x]}]}]\n", "a.yaml", resource), "kustomization.yaml: "},
		"literal":          {files("kustomization.yaml", "secretGenerator: [{name: a, literals: ["+canary+"]}]\n"), "kustomization.yaml: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(t, tc.tree, "", Options{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v\nwant %s", err, tc.want)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
				t.Errorf("the error holds a value: %v", err)
			}
		})
	}
}

func TestAPatchWithASelectorThatHitsNothingIsNoted(t *testing.T) {
	out := mustRender(t, files("kustomization.yaml", "resources: [a.yaml]\npatches: [{patch: '[{\"op\": \"add\", \"path\": \"/spec/x\", \"value\": 1}]', target: {kind: KafkaTopic, name: order}}]\n", "a.yaml", topic("orders", "")), "", Options{})
	if len(out.Notes) != 1 || !strings.Contains(out.Notes[0], `kustomization.yaml: a patch hits nothing: its target is kind "KafkaTopic", name "order"`) {
		t.Errorf("got %q", out.Notes)
	}
}

func TestPathsThatAreNoDirectoriesAreErrors(t *testing.T) {
	tree := files("a.yaml", topic("orders", ""))
	for _, dir := range []string{"../x", "/etc", "gone", "a.yaml"} {
		if _, err := render(t, tree, dir, Options{}); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
