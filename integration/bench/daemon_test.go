//go:build bench

package bench

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/integration/gitservers"
)

// daemon is `ottla run` as a process of its own, on a repository.
type daemon struct {
	t    testing.TB
	dir  string
	base string // of its listener
	repo *gitservers.Repo
	cmd  *exec.Cmd
	done chan struct{}
}

const hookSecret = "hook-secret-1"

// build makes the binary as users get it.
func build(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ottla")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "github.com/ottla-io/ottla/cmd/ottla")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build ottla: %v\n%s", err, out)
	}
	return path
}

// run starts the binary on a repository and waits for its first round; every
// is its round interval, "" the default.
func run(t testing.TB, binary string, brokers []string, repo *gitservers.Repo, every string) *daemon {
	t.Helper()
	d := &daemon{t: t, dir: t.TempDir(), repo: repo, done: make(chan struct{})}
	address := freeAddress(t)
	d.base = "http://" + address
	d.file("hook-secret", hookSecret)
	sync := map[string]any{"name": "main", "repository": "platform", "ref": map[string]any{"branch": "main"}, "cluster": "main"}
	if every != "" {
		sync["interval"] = every
	}
	config, err := json.Marshal(map[string]any{
		"stateDir": filepath.Join(d.dir, "state"), "http": map[string]any{"listen": address},
		"repositories": []any{map[string]any{"name": "platform", "url": repo.URL(), "interval": "1h"}},
		"clusters":     []any{map[string]any{"name": "main", "bootstrapServers": brokers}}, "syncs": []any{sync},
		"webhooks": map[string]any{"hooks": []any{map[string]any{
			"name": "forge", "dialect": "generic", "repository": "platform", "secretFile": filepath.Join(d.dir, "hook-secret"),
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.file("ottla.yaml", string(config))
	d.cmd = exec.Command(binary, "run", "--config", filepath.Join(d.dir, "ottla.yaml"))
	var log bytes.Buffer
	d.cmd.Stdout, d.cmd.Stderr = &log, &log
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = d.cmd.Wait(); close(d.done) }()
	t.Cleanup(func() {
		_ = d.cmd.Process.Signal(os.Interrupt)
		<-d.done
		if t.Failed() {
			t.Logf("the daemon said:\n%s", &log)
		}
	})
	until(t, 5*time.Minute, func() bool { return d.inSync() })
	return d
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func (d *daemon) file(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *daemon) get(path string) string {
	resp, err := http.Get(d.base + path) //nolint:gosec // the benchmark's own daemon
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	var body bytes.Buffer
	_, _ = body.ReadFrom(resp.Body)
	return body.String()
}

func (d *daemon) inSync() bool { return strings.Contains(d.get("/api/v1/status"), `"in-sync"`) }

// deliver tells the daemon of a push, signed.
func (d *daemon) deliver() {
	d.t.Helper()
	body := []byte(fmt.Sprintf(`{"repository":%q,"ref":"refs/heads/main"}`, d.repo.URL()))
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write(body)
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.base+"/webhook/forge", bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("X-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		d.t.Fatalf("the delivery got %s", resp.Status)
	}
}

// memory is what the process holds now and held at most, as Linux counts it.
func (d *daemon) memory() (now, most string) {
	d.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		d.t.Skip("resident memory is read from /proc, which only Linux has")
	}
	value := func(name string) string {
		m := regexp.MustCompile(name + `:\s+(\d+)\d{3} kB`).FindSubmatch(data)
		if m == nil {
			d.t.Fatalf("no %s in /proc", name)
		}
		return string(m[1]) + " MB"
	}
	return value("VmRSS"), value("VmHWM")
}

// until polls a condition every few milliseconds.
func until(t testing.TB, within time.Duration, met func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); !met(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s", within)
		}
	}
}
