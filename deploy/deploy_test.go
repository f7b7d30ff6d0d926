// Package deploy holds what it takes to run Ottla somewhere; its tests hold
// the files against the tools that read them.
package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile/nodetest"
)

// need returns the path of a command, or skips with what is missing.
func need(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("OTTLA_REQUIRE_REAL") == "1" {
		t.Fatalf("%s is missing", name)
	}
	t.Skipf("%s is missing: Debian's package %s has it", name, pkg)
	return ""
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestTheUnitIsHardened(t *testing.T) {
	analyze := need(t, "systemd-analyze", "systemd")
	out := run(t, analyze, "security", "--offline=true", "--threshold=20", "--no-pager", "systemd/ottla.service")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	t.Log(lines[len(lines)-1])
}

func TestTheUnitIsUnderstood(t *testing.T) {
	analyze := need(t, "systemd-analyze", "systemd")
	// verify wants the command to be there: put any in its place.
	unit, err := os.ReadFile("systemd/ottla.service")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ottla.service")
	text := strings.Replace(string(unit), "ExecStart=/usr/bin/ottla", "ExecStart=/bin/true", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(t, analyze, "verify", "--man=no", file); strings.Contains(out, file) {
		t.Errorf("systemd says:\n%s", out)
	}
}

func TestTheAlertRulesAreUnderstood(t *testing.T) {
	run(t, need(t, "promtool", "prometheus"), "check", "rules", "prometheus/ottla.rules.yaml")
}

func TestTheAlertsOfBackupsComeWhenTheyShould(t *testing.T) {
	run(t, need(t, "promtool", "prometheus"), "test", "rules", "prometheus/ottla.rules.test.yaml")
}

func TestTheAlertRulesNameSeriesThatExist(t *testing.T) {
	rules, err := os.ReadFile("prometheus/ottla.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, name := range []string{"metrics.go", "metrics_round.go", "metrics_work.go"} {
		data, err := os.ReadFile(filepath.Join("..", "agent", name))
		if err != nil {
			t.Fatal(err)
		}
		source.Write(data)
	}
	for _, word := range strings.FieldsFunc(string(rules), func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
		if strings.HasPrefix(word, "ottla_") && !strings.Contains(source.String(), `"`+word+`"`) {
			t.Errorf("no metric is called %s", word)
		}
	}
}

func render(t *testing.T) resmap.ResMap {
	t.Helper()
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheKubernetesBaseRendersAndAsksForNoRights(t *testing.T) {
	kinds := map[string]int{}
	for _, r := range render(t).Resources() {
		kinds[r.GetKind()]++
		if strings.Contains(r.GetKind(), "Role") {
			t.Errorf("%s %s", r.GetKind(), r.GetName())
		}
	}
	for _, kind := range []string{"Deployment", "ConfigMap", "ServiceAccount", "PersistentVolumeClaim", "Service"} {
		if kinds[kind] != 1 {
			t.Errorf("%d of %s", kinds[kind], kind)
		}
	}
}

func TestThePodIsRestricted(t *testing.T) {
	yaml, err := render(t).AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"runAsNonRoot: true", "readOnlyRootFilesystem: true", "allowPrivilegeEscalation: false",
		"- ALL", "type: RuntimeDefault", "automountServiceAccountToken: false", "type: Recreate", "replicas: 1"} {
		if !strings.Contains(string(yaml), want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestTheKubernetesConfigurationParses(t *testing.T) {
	text, err := os.ReadFile("kubernetes/ottla.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := agent.ParseConfig(nodetest.Node(t, string(text))); err != nil {
		t.Error(err)
	}
}
