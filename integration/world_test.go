package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/reconcile"
)

// binary is ottla as users get it, built once for all tests of this package,
// with the points at which tests kill it.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ottla-bin-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "ottla")
	out, err := exec.Command("go", "build", "-tags", "faults", "-o", path, "github.com/ottla-io/ottla/cmd/ottla").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build ottla: %w\n%s", err, out)
	}
	return path, nil
})

// world is a repository, a configuration and a real Kafka: what a user has.
type world struct {
	t       *testing.T
	dir     string
	repo    string
	kafka   *kafkatest.Cluster
	admin   *kadm.Client
	pre     string            // names of this test begin with it
	cluster map[string]any    // added to the cluster's configuration
	sync    map[string]any    // added to the sync's
	more    map[string]any    // added to the top level
	env     map[string]string // of the processes
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, kafkatest.Shared(t))
}

func newWorldOn(t *testing.T, k *kafkatest.Cluster) *world {
	t.Helper()
	w := &world{
		t: t, dir: t.TempDir(), kafka: k, admin: kadm.NewClient(k.Client(t)), pre: strings.ToLower(kafkatest.Prefix(t)),
		cluster: map[string]any{}, sync: map[string]any{}, more: map[string]any{}, env: map[string]string{},
	}
	w.repo = filepath.Join(w.dir, "repo")
	w.git("init", "-q", "-b", "main", w.repo)
	w.sync["grace"] = map[string]any{"topics": "0s"}
	return w
}

func (w *world) git(args ...string) string {
	w.t.Helper()
	cmd := exec.Command("git", args...)
	if args[0] != "init" {
		cmd.Dir = w.repo
	}
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com", "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// file writes a file of the repository; PRE stands for this test's prefix, and
// no text removes the file.
func (w *world) file(path, text string) {
	w.t.Helper()
	full := filepath.Join(w.repo, path)
	if text == "" {
		if err := os.Remove(full); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(strings.ReplaceAll(text, "PRE", w.pre)), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// push writes files and commits them.
func (w *world) push(files map[string]string) string {
	w.t.Helper()
	for path, text := range files {
		w.file(path, text)
	}
	w.git("add", "-A")
	w.git("commit", "-q", "--allow-empty", "-m", "A change")
	return w.git("rev-parse", "HEAD")
}

// config writes the configuration and returns its path. JSON is YAML.
func (w *world) config() string {
	w.t.Helper()
	cluster := merged(map[string]any{
		"name": "main", "bootstrapServers": w.kafka.Plain(),
		"allowDeletion": map[string]any{"topics": true},
	}, w.cluster)
	sync := merged(map[string]any{
		"name": "main", "repository": "platform", "ref": map[string]any{"branch": "main"}, "cluster": "main", "interval": "1s",
	}, w.sync)
	config := merged(map[string]any{
		"stateDir":     filepath.Join(w.dir, "state"),
		"repositories": []any{map[string]any{"name": "platform", "url": "file://" + w.repo, "interval": "1s"}},
		"clusters":     []any{cluster},
		"syncs":        []any{sync},
	}, w.more)
	data, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(w.dir, "ottla.yaml")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func merged(a, b map[string]any) map[string]any {
	out := map[string]any{}
	for _, m := range []map[string]any{a, b} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// result is what a command printed and how it ended.
type result struct {
	code        int
	out, stderr string
}

func (w *world) command(ctx context.Context, args ...string) *exec.Cmd {
	w.t.Helper()
	path, err := binary()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, path, append(args, "--config", w.config())...)
	cmd.Env = os.Environ()
	for k, v := range w.env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	return cmd
}

// ottla runs a command to its end.
func (w *world) ottla(args ...string) result {
	w.t.Helper()
	if _, err := binary(); err != nil { // which may take longer than the command
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := w.command(ctx, args...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatalf("ottla %s: %v", strings.Join(args, " "), err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), stderr.String()}
}

// view runs a command that prints a view, and returns the one sync's part.
func (w *world) view(args ...string) (agent.SyncView, result) {
	w.t.Helper()
	r := w.ottla(append(args, "-o", "json")...)
	var views []agent.View
	if err := json.Unmarshal([]byte(r.out), &views); err != nil || len(views) != 1 || len(views[0].Syncs) == 0 {
		w.t.Fatalf("ottla %s: exit %d, no view (%v)\n%s\n%s", strings.Join(args, " "), r.code, err, r.out, r.stderr)
	}
	return views[0].Syncs[0], r
}

// apply carries out a round that must end with this exit code.
func (w *world) apply(code int) agent.SyncView {
	w.t.Helper()
	v, r := w.view("apply")
	if r.code != code {
		w.t.Fatalf("ottla apply: exit %d, want %d\n%s\n%s", r.code, code, r.out, r.stderr)
	}
	return v
}

func (w *world) plan() agent.SyncView {
	w.t.Helper()
	v, _ := w.view("plan")
	return v
}

// settled fails the test unless a further plan has nothing to do.
func (w *world) settled() {
	w.t.Helper()
	v, r := w.view("plan")
	if r.code != 0 || len(changes(v.Plan)) > 0 {
		w.t.Fatalf("not settled: exit %d\n%s\n%s", r.code, r.out, r.stderr)
	}
}

// changes are what a plan would do outside, by ID.
func changes(p reconcile.Plan) map[string]reconcile.Change {
	out := map[string]reconcile.Change{}
	for _, c := range p.Changes {
		if c.Action != reconcile.Note {
			out[c.ID.String()] = c
		}
	}
	return out
}

// field returns a field's change, or fails.
func field(t *testing.T, p reconcile.Plan, id, name string) reconcile.FieldChange {
	t.Helper()
	for _, f := range changes(p)[id].Fields {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("the plan has no change of %s %s: %+v", id, name, changes(p))
	return reconcile.FieldChange{}
}

// must fails the test on an error of a Kafka client.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// config of a live topic: its own keys only.
func (w *world) topicConfig(name string) map[string]string {
	w.t.Helper()
	rc, err := w.admin.DescribeTopicConfigs(w.t.Context(), name)
	w.must(err)
	out := map[string]string{}
	for _, c := range rc[0].Configs {
		if c.Source.String() == "DYNAMIC_TOPIC_CONFIG" {
			out[c.Key] = c.MaybeValue()
		}
	}
	return out
}

func (w *world) setConfig(topic, key string, value *string) {
	w.t.Helper()
	op := kadm.SetConfig
	if value == nil {
		op = kadm.DeleteConfig
	}
	rs, err := w.admin.AlterTopicConfigs(w.t.Context(), []kadm.AlterConfig{{Op: op, Name: key, Value: value}}, topic)
	w.must(err)
	w.must(rs[0].Err)
}

// partitions of a live topic, 0 if it is not there.
func (w *world) partitions(name string) int {
	w.t.Helper()
	cl := w.kafka.Client(w.t, kgo.MetadataMinAge(10*time.Millisecond))
	ts, err := kadm.NewClient(cl).ListTopics(w.t.Context(), name)
	w.must(err)
	if ts[name].Err != nil {
		return 0
	}
	return len(ts[name].Partitions)
}

func str(s string) *string { return &s }

const ordersTopic = `apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata: {name: PREorders}
spec:
  partitions: 3
  replicas: 1
  config:
    retention.ms: 604800000
    cleanup.policy: delete
`

const bobUser = `apiVersion: kafka.strimzi.io/v1
kind: KafkaUser
metadata: {name: PREbob}
spec:
  authentication:
    type: scram-sha-512
    password: {valueFrom: {secretKeyRef: {name: PREbob, key: password}}}
  authorization:
    type: simple
    acls:
      - resource: {type: topic, name: PREorders}
        operations: [Read, Describe]
      - resource: {type: group, name: PREbob, patternType: prefix}
        operations: [Read]
  quotas: {consumerByteRate: 1048576, requestPercentage: 50}
---
apiVersion: v1
kind: Secret
metadata: {name: PREbob}
stringData: {password: bobs-password-1}
`
