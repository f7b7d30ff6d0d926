package storetest

import (
	"context"
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

// startTimeout bounds building, installing and starting.
const startTimeout = 5 * time.Minute

// process is a server that can be stopped and started again.
type process struct {
	command func() *exec.Cmd
	address string
	log     string
	cmd     *exec.Cmd
	ended   chan struct{}
}

// serve starts a server until the test ends. Somebody may take the port before
// it does; it is then tried again with another.
func serve(t testing.TB, command func(address string) *exec.Cmd) *process {
	t.Helper()
	const tries = 3
	var err error
	for range tries {
		var address string
		if address, err = freeAddress(); err != nil {
			t.Fatal(err)
		}
		p := &process{command: func() *exec.Cmd { return command(address) }, address: address, log: filepath.Join(t.TempDir(), "log")}
		if err = p.run(t.Context()); err == nil {
			t.Cleanup(p.stop)
			return p
		}
	}
	t.Fatal(err)
	return nil
}

func (p *process) start(t testing.TB) {
	t.Helper()
	if err := p.run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// run starts the process and waits until it listens.
func (p *process) run(ctx context.Context) error {
	out, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the server's log: %w", err)
	}
	defer func() { _ = out.Close() }()
	p.cmd = p.command()
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = dieWithParent()
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.cmd.Path, err)
	}
	cmd, ended := p.cmd, make(chan struct{})
	p.ended = ended
	go func() { _ = cmd.Wait(); close(ended) }()
	if err := p.listens(ctx); err != nil {
		p.stop()
		return err
	}
	return nil
}

func (p *process) listens(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return fmt.Errorf("%s ended before it listened:\n%s", p.cmd.Path, p.printed())
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen on %s: %w\n%s", p.cmd.Path, p.address, err, p.printed())
		}
	}
}

// stop asks the process to end, by its pid, and kills it where it does not:
// Azurite writes down what it holds only then, or some seconds later.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	timer := time.NewTimer(3 * time.Second)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

func (p *process) printed() string {
	f, err := os.Open(p.log)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	text, _ := io.ReadAll(io.LimitReader(f, 8<<10))
	return strings.TrimSpace(string(text))
}

// freeAddress is a port of 127.0.0.1 that was free a moment ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
