package integration

import (
	"bytes"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// daemon is `ottla run` as a process of its own.
type daemon struct {
	w    *world
	cmd  *exec.Cmd
	log  *locked
	done chan struct{}
}

// locked is a buffer that a process may write while a test reads.
type locked struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (w *world) daemon() *daemon { return w.daemonBy(func(*exec.Cmd) {}) }

// daemonBy starts it in another way.
func (w *world) daemonBy(change func(*exec.Cmd)) *daemon {
	w.t.Helper()
	if _, ok := w.more["http"]; !ok {
		w.more["http"] = map[string]any{"listen": "127.0.0.1:0"}
	}
	d := &daemon{w: w, cmd: w.command(w.t.Context(), "run"), log: &locked{}, done: make(chan struct{})}
	change(d.cmd)
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	w.must(d.cmd.Start())
	go func() { _ = d.cmd.Wait(); close(d.done) }()
	w.t.Cleanup(func() {
		_ = d.cmd.Process.Kill()
		<-d.done
		if w.t.Failed() {
			w.t.Logf("the daemon said:\n%s", d.log)
		}
	})
	return d
}

// stop asks it to end, which must succeed in time.
func (d *daemon) stop(within time.Duration) {
	d.w.t.Helper()
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.done:
		if code := d.cmd.ProcessState.ExitCode(); code != 0 {
			d.w.t.Errorf("SIGTERM: exit %d", code)
		}
	case <-time.After(within):
		d.w.t.Error("SIGTERM: it still runs")
	}
}
