package kustomize

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
)

func topic(name string, extra string) string {
	return fmt.Sprintf(`apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  name: %s%s
spec:
  partitions: 3
  config:
    retention.ms: 604800000
    cleanup.policy: delete
`, name, extra)
}

func user(name, secret string) string {
	return fmt.Sprintf(`apiVersion: kafka.strimzi.io/v1
kind: KafkaUser
metadata:
  name: %s
spec:
  authentication:
    type: scram-sha-512
    password:
      valueFrom:
        secretKeyRef: {name: %s, key: password}
`, name, secret)
}

func userRefs() []NameRef {
	return []NameRef{{Kind: "KafkaUser", APIGroup: "kafka.strimzi.io", Path: "spec/authentication/password/valueFrom/secretKeyRef/name", Refers: "Secret"}}
}

// bothWays renders in pieces and as one and returns both.
func bothWays(t testing.TB, tree fstest.MapFS, dir string, o Options, size int) (pieces int, cut, whole string) {
	t.Helper()
	r := New(o)
	s, err := look(context.Background(), tree, dir)
	if err != nil {
		t.Fatal(err)
	}
	some, why := s.cut(dir, size)
	if why != "" {
		t.Logf("as one: %s", why)
	}
	spell := func(pieces []piece) string {
		all, err := r.renderPieces(s, dir, pieces)
		if err != nil {
			t.Fatal(err)
		}
		docs, err := sorted(all)
		if err != nil {
			t.Fatal(err)
		}
		return dump(docs)
	}
	return len(some), spell(some), spell([]piece{s.whole()})
}

func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("line %d\n%s\n%s", i, as[i], bs[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(as), len(bs))
}

// big is a platform of n topics with an overlay that uses everything that works
// on one document at a time.
func big(n int) fstest.MapFS {
	var topics strings.Builder
	for i := range n {
		fmt.Fprintf(&topics, "---\n%s", topic(fmt.Sprintf("t-%05d", i), ""))
	}
	tree := files(
		"base/kustomization.yaml", "resources: [topics.yaml, users.yaml, extra]\nnamePrefix: team-\n",
		"base/topics.yaml", topics.String(),
		"base/users.yaml", user("alice", "credentials")+"---\n"+user("bob", "plain"),
		"base/extra/kustomization.yaml", "resources: [last.yaml]\ncommonLabels: {extra: \"true\"}\n",
		"base/extra/last.yaml", topic("last", ""),
		"component/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels: [{pairs: {component: here}}]\npatches:\n- target: {kind: KafkaTopic, name: \".*t-0000[12]\"}\n  patch: '[{\"op\": \"replace\", \"path\": \"/spec/partitions\", \"value\": 12}]'\n",
		"over/kustomization.yaml", `namespace: kafka
nameSuffix: -x
resources: [../base, secret.yaml]
components: [../component]
commonAnnotations: {team: payments}
secretGenerator:
- name: credentials
  literals: [password=a]
configMapGenerator:
- name: settings
  literals: [a=b]
patches:
- path: one.yaml
- target: {kind: KafkaTopic}
  patch: |-
    apiVersion: kafka.strimzi.io/v1
    kind: KafkaTopic
    metadata: {name: any}
    spec: {config: {min.insync.replicas: 2}}
- patch: |-
    apiVersion: v1
    kind: Secret
    metadata: {name: plain}
    stringData: {more: b}
`,
		"over/secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: plain}\nstringData: {password: b}\n",
		"over/one.yaml", "apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata: {name: team-t-00003}\nspec: {partitions: 9}\n",
	)
	return tree
}

func TestPiecesGiveWhatTheWholeGives(t *testing.T) {
	pieces, cut, whole := bothWays(t, big(300), "over", Options{NameRefs: userRefs()}, 40)
	if pieces < 5 || whole == "" {
		t.Fatalf("only %d pieces", pieces)
	}
	if cut != whole {
		t.Errorf("they differ: %s", firstDifference(cut, whole))
	}
	for _, want := range []string{`partitions@0: number "12"`, `partitions@0: number "9"`, `name@0: string "credentials-`, `min.insync.replicas@0: number "2"`, `retention.ms@9: number "604800000"`, "kafka/team-t-00003-x"} {
		if !strings.Contains(cut, want) {
			t.Errorf("%s is not in the result", want)
		}
	}
}

var seeds = flag.Uint64("seeds", 3, "how many random kustomizations are rendered in pieces and whole")

func TestPiecesGiveWhatTheWholeGivesForRandomKustomizations(t *testing.T) {
	for seed := range *seeds {
		tree, dir := randomTree(rand.New(rand.NewPCG(seed, 1)))
		pieces, cut, whole := bothWays(t, tree, dir, Options{NameRefs: userRefs()}, 15)
		if cut != whole {
			t.Errorf("seed %d, %d pieces: %s", seed, pieces, firstDifference(cut, whole))
		}
	}
}

// randomTree stacks random transformers on random resources.
func randomTree(r *rand.Rand) (fstest.MapFS, string) {
	tree := fstest.MapFS{}
	add := func(name, text string) { tree[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	dir := ""
	for layer := range 3 {
		below := dir
		dir = fmt.Sprintf("layer%d", layer)
		k := "resources:\n"
		if below != "" {
			k += "- ../" + below + "\n"
		}
		for f := range 1 + r.IntN(3) {
			name, text := fmt.Sprintf("r%d.yaml", f), ""
			for d := range 5 + r.IntN(20) {
				id := fmt.Sprintf("l%d-%d-%d", layer, f, d)
				if r.IntN(20) == 0 {
					text += "---\n" + user(id, fmt.Sprintf("gen%d", r.IntN(layer+1)))
				} else {
					text += "---\n" + topic(id, "\n  labels: {own: x}")
				}
			}
			add(dir+"/"+name, text)
			k += "- " + name + "\n"
		}
		k += fmt.Sprintf("secretGenerator:\n- name: gen%d\n  literals: [password=%d]\n", layer, r.Int())
		options := []string{
			"namespace: ns" + dir + "\n", "namePrefix: " + dir + "-\n", "nameSuffix: -s\n", "commonLabels: {a" + dir + ": b}\n",
			"labels: [{pairs: {c: d}, includeSelectors: true}]\n", "commonAnnotations: {e: f}\n",
			"patches:\n- target: {kind: KafkaTopic, name: \".*7\"}\n  patch: '[{\"op\": \"add\", \"path\": \"/spec/config/x\", \"value\": 1}]'\n",
			fmt.Sprintf("patches:\n- patch: |-\n    apiVersion: kafka.strimzi.io/v1\n    kind: KafkaTopic\n    metadata: {name: l%d-0-1, annotations: {patched: y}}\n    spec: {partitions: 77}\n", layer),
		}
		r.Shuffle(len(options), func(i, j int) { options[i], options[j] = options[j], options[i] })
		seen := ""
		for _, o := range options[:r.IntN(len(options))] {
			if key, _, _ := strings.Cut(o, ":"); !strings.Contains(seen, "|"+key+"|") {
				k, seen = k+o, seen+"|"+key+"|"
			}
		}
		add(dir+"/kustomization.yaml", k)
	}
	// A user may be hit by the patch for a topic: only topics bear that id.
	fixUsers(tree)
	return tree, dir
}

// fixUsers makes sure that what patches name is there and is a topic.
func fixUsers(tree fstest.MapFS) {
	for name, f := range tree {
		if strings.HasSuffix(name, "r0.yaml") {
			docs := strings.Split(string(f.Data), "---\n")
			layer := strings.TrimPrefix(strings.Split(name, "/")[0], "layer")
			docs[2] = topic("l"+layer+"-0-1", "")
			f.Data = []byte(strings.Join(docs, "---\n"))
		}
	}
}

func TestDoublesAcrossPiecesAreFound(t *testing.T) {
	tree := big(600)
	tree["base/topics.yaml"].Data = append(tree["base/topics.yaml"].Data, []byte("---\n"+topic("t-00000", ""))...)
	_, err := render(t, tree, "over", Options{NameRefs: userRefs()})
	if err == nil || !strings.Contains(err.Error(), "team-t-00000-x is declared twice: base/topics.yaml:2 and base/topics.yaml:") {
		t.Errorf("got %v", err)
	}
}

func TestWhatLooksAcrossDocumentsIsRenderedAsOne(t *testing.T) {
	for _, field := range []string{
		"replacements: [{source: {kind: Secret, name: plain, fieldPath: metadata.name}, targets: [{select: {kind: KafkaTopic}, fieldPaths: [metadata.annotations.s], options: {create: true}}]}]\n",
		"replicas: []\nconfigurations: [names.yaml]\n",
	} {
		tree := big(600)
		tree["over/names.yaml"] = &fstest.MapFile{Data: []byte("nameReference: []\n")}
		tree["over/kustomization.yaml"].Data = append(tree["over/kustomization.yaml"].Data, []byte(field)...)
		s, err := look(context.Background(), tree, "over")
		if err != nil {
			t.Fatal(err)
		}
		if pieces, why := s.cut("over", pieceSize); len(pieces) != 1 || !strings.Contains(why, "over/kustomization.yaml has ") {
			t.Errorf("%d pieces, %q", len(pieces), why)
		}
	}
}

func BenchmarkPlain10000(b *testing.B) {
	tree := fstest.MapFS{}
	for i := range 10000 {
		tree[fmt.Sprintf("d%02d/t%05d.yaml", i%100, i)] = &fstest.MapFile{Data: []byte(topic(fmt.Sprintf("t-%05d", i), "")), Mode: 0o644}
	}
	for b.Loop() {
		if n := len(mustRender(b, tree, "", Options{}).Documents); n != 10000 {
			b.Fatal(n)
		}
	}
}

// BenchmarkKustomize10000 is the common case: a base of topics under an overlay
// with a namespace, labels, a generated secret and a patch.
func BenchmarkKustomize10000(b *testing.B) {
	var topics strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&topics, "---\n%s", topic(fmt.Sprintf("t-%05d", i), ""))
	}
	benchmarkRender(b, files("base/kustomization.yaml", "resources: [topics.yaml]\n", "base/topics.yaml", topics.String(),
		"over/kustomization.yaml", `resources: [../base]
namespace: kafka
labels: [{pairs: {strimzi.io/cluster: production}}]
secretGenerator: [{name: credentials, literals: [password=a]}]
patches: [{path: one.yaml}]
`, "over/one.yaml", "apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata: {name: t-00003}\nspec: {partitions: 9}\n"), 10001)
}

// BenchmarkKustomizeEverything10000 has everything that works on one document
// at a time, and a patch that hits every topic.
func BenchmarkKustomizeEverything10000(b *testing.B) { benchmarkRender(b, big(10000), 10006) }

func benchmarkRender(b *testing.B, tree fstest.MapFS, want int) {
	b.Helper()
	for b.Loop() {
		out := mustRender(b, tree, "over", Options{NameRefs: userRefs()})
		if n := len(out.Documents); n != want {
			b.Fatal(n)
		}
	}
}

func BenchmarkStock1000(b *testing.B) {
	tree := big(1000)
	r := New(Options{NameRefs: userRefs()})
	for b.Loop() {
		s, err := look(context.Background(), tree, "over")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.renderPieces(s, "over", []piece{s.whole()}); err != nil {
			b.Fatal(err)
		}
	}
}
