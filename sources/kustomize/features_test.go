package kustomize

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func TestEachFeatureOfKustomizeWorks(t *testing.T) {
	base := []string{"base/kustomization.yaml", "resources: [a.yaml]\n", "base/a.yaml", topic("orders", "")}
	for name, tc := range map[string]struct {
		over  string
		extra []string
		want  []string
	}{
		"overlay":           {"", nil, []string{"KafkaTopic orders base/a.yaml:1 /orders", `partitions@6: number "3"`, `retention.ms@8: number "604800000"`}},
		"namespace":         {"namespace: kafka\n", nil, []string{" kafka/orders "}},
		"labels":            {"labels: [{pairs: {strimzi.io/cluster: production}}]\n", nil, []string{"map[strimzi.io/cluster:production]"}},
		"commonLabels":      {"commonLabels: {a: b}\n", nil, []string{"map[a:b]"}},
		"commonAnnotations": {"commonAnnotations: {ottla.io/drift: report}\n", nil, []string{"map[ottla.io/drift:report]"}},
		"names":             {"namePrefix: eu-\nnameSuffix: -x\n", nil, []string{"KafkaTopic eu-orders-x base/a.yaml:1"}},
		"merge patch":       {"patches: [{path: p.yaml}]\n", []string{"over/p.yaml", topic("orders", "") + "  replicas: 2\n"}, []string{`replicas@0: number "2"`}},
		"old merge patch":   {"patchesStrategicMerge: [p.yaml]\n", []string{"over/p.yaml", "apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata: {name: orders}\nspec: {config: {retention.ms: null}}\n"}, []string{`cleanup.policy@9`}},
		"JSON patch":        {"patches: [{target: {kind: KafkaTopic}, patch: '[{\"op\": \"replace\", \"path\": \"/spec/partitions\", \"value\": 12}]'}]\n", nil, []string{`partitions@0: number "12"`, `retention.ms@8: number "604800000"`}},
		"component":         {"components: [../c]\n", []string{"c/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [b.yaml]\nnameSuffix: -c\n", "c/b.yaml", topic("more", "")}, []string{"KafkaTopic orders-c base/a.yaml:1", "KafkaTopic more-c c/b.yaml:1"}},
		"generators":        {"generatorOptions: {disableNameSuffixHash: true}\nsecretGenerator: [{name: s, envs: [e.env]}]\nconfigMapGenerator: [{name: c, files: [k=e.env]}]\n", []string{"over/e.env", "A=b\n"}, []string{"Secret s over/kustomization.yaml /s", `A@0: string "Yg=="`, `k@0: string "A=b\n"`}},
		"replacements":      {"replacements: [{source: {kind: KafkaTopic, name: orders, fieldPath: spec.partitions}, targets: [{select: {kind: KafkaTopic}, fieldPaths: [spec.replicas], options: {create: true}}]}]\n", nil, []string{`replicas@0: number "3"`}},
		"delete patch":      {"patches: [{patch: \"{apiVersion: kafka.strimzi.io/v1, kind: KafkaTopic, metadata: {name: orders}, $patch: delete}\"}]\nresources: [../base, b.yaml]\n", []string{"over/b.yaml", topic("kept", "")}, []string{"KafkaTopic kept over/b.yaml:1"}},
		"list":              {"resources: [../base, l.yaml]\n", []string{"over/l.yaml", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: x}}\n"}, []string{"Secret x over/l.yaml:4"}},
	} {
		t.Run(name, func(t *testing.T) {
			over := tc.over
			if !strings.Contains(over, "resources:") {
				over += "resources: [../base]\n"
			}
			tree := files(append(append(base, "over/kustomization.yaml", over), tc.extra...)...)
			got := dump(mustRender(t, tree, "over", Options{}).Documents)
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("%s is not in\n%s", want, got)
				}
			}
			if strings.Contains(got, marker) {
				t.Error("what rendering added is still there")
			}
		})
	}
}

func TestValuesKeepTheirKindThroughKustomize(t *testing.T) {
	values := "  values: [yes, on, \"1\", 1, 1.5, 6.048e8, true, null, 2026-01-02, 0644, .inf, \"é\\n\\t\\u2028\", 'a: b', '']\n"
	doc := topic("orders", "") + values
	plain := mustRender(t, files("a.yaml", doc), "", Options{}).Documents
	kustomized := mustRender(t, files("kustomization.yaml", "resources: [a.yaml]\n", "a.yaml", doc), "", Options{}).Documents
	if a, b := dump(plain), dump(kustomized); a != b {
		t.Errorf("plain and kustomized differ: %s", firstDifference(a, b))
	}
}

// decrypting is a tree that says what was encrypted.
type decrypting struct {
	fstest.MapFS
	values map[string]bool
}

func (d decrypting) WasEncrypted(value string) bool {
	return value == "" || d.values[strings.TrimRight(value, "\n")]
}

func TestSecretsInPlainTextAreReported(t *testing.T) {
	tree := decrypting{files("kustomization.yaml", `resources: [a.yaml]
secretGenerator:
- {name: from-file, files: [password=p.txt]}
- {name: from-literal, literals: [password=b]}
- {name: mixed, files: [password=p.txt], literals: [more=c]}
`, "p.txt", "hidden\n", "a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: in-place}\nstringData: {a: hidden}\n"), map[string]bool{"hidden": true}}
	var got []string
	for _, o := range mustRender(t, tree, "", Options{}).Plaintext {
		name, _, _ := strings.Cut(o.Name, "-")
		got = append(got, name+" "+o.Origin.File+" "+strings.Join(o.Keys, "+"))
	}
	if strings.Join(got, ", ") != "from kustomization.yaml password, mixed kustomization.yaml more" {
		t.Errorf("got %q", got)
	}
	if n := len(mustRender(t, fs.FS(tree.MapFS), "", Options{}).Plaintext); n != 4 {
		t.Errorf("in a tree that decrypts nothing %d of 4 are plain", n)
	}
}

func TestOnlyWhatIsReachedIsRead(t *testing.T) {
	tree := files("over/kustomization.yaml", "resources: [../base]\n", "base/kustomization.yaml", "resources: [a.yaml]\n", "base/a.yaml", topic("orders", ""), "other/b.yaml", "not: [read")
	reads := &counting{MapFS: tree, read: map[string]int{}}
	mustRender(t, reads, "over", Options{})
	if reads.read["other/b.yaml"] != 0 || reads.read["base/a.yaml"] != 1 {
		t.Errorf("reads: %v", reads.read)
	}
}

type counting struct {
	fstest.MapFS
	read map[string]int
}

func (c *counting) ReadFile(name string) ([]byte, error) {
	c.read[name]++
	return c.MapFS.ReadFile(name)
}
