package gitservers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Require finds programs, in /usr/sbin and git's own directory too, and skips
// the test by name where one is missing.
func Require(t testing.TB, programs ...string) []string {
	t.Helper()
	var found []string
	for _, p := range programs {
		path, err := locate(p)
		if err == nil {
			found = append(found, path)
			continue
		}
		words := fmt.Sprintf("%s is not installed (Debian: git nginx-light fcgiwrap openssh-server)", p)
		if os.Getenv("OTTLA_REQUIRE_REAL") == "1" {
			t.Fatal(words)
		}
		t.Skip(words)
	}
	return found
}

func locate(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/lib/git-core", "/usr/libexec/git-core"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}

// process runs a server until the test ends and keeps what it prints for the
// case that it does not come up.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

func start(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, log: filepath.Join(t.TempDir(), "log"), done: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	go func() {
		_ = cmd.Wait()
		_ = out.Close()
		close(p.done)
	}()
	t.Cleanup(p.stop)
	return p
}

// stop ends the process by its pid, gently at first.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.done:
	case <-time.After(3 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// await waits until something listens.
func (p *process) await(t testing.TB, network, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-tick.C:
		case <-p.done:
			t.Fatalf("%s ended before it listened:\n%s", p.cmd.Path, p.printed())
		case <-ctx.Done():
			t.Fatalf("%s does not listen on %s: %v\n%s", p.cmd.Path, address, errors.Join(err, ctx.Err()), p.printed())
		}
	}
}

func (p *process) printed() string {
	f, err := os.Open(p.log)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	data, _ := io.ReadAll(io.LimitReader(f, 8<<10))
	return strings.TrimSpace(string(data))
}

// freeAddress is a port of 127.0.0.1 that was free a moment ago.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func write(t testing.TB, path, content string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}
