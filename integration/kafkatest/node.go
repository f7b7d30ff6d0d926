package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Node is one broker and controller in a process of its own. Its methods are
// not safe for concurrent use.
type Node struct {
	id    int
	dir   string
	jars  string
	ports ports
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
}

func (n *Node) java(ctx context.Context, args ...string) *exec.Cmd {
	//nolint:gosec // the arguments are our own
	cmd := exec.CommandContext(ctx, "java", append([]string{"-cp", filepath.Join(n.jars, "*")}, args...)...)
	cmd.Dir = n.dir
	return cmd
}

func (n *Node) file() string { return filepath.Join(n.dir, "server.properties") }

// format prepares the log folder and puts the admin's credentials into it.
func (n *Node) format(ctx context.Context, cluster string) error {
	args := []string{"-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format", "--config", n.file(), "--cluster-id", cluster}
	for _, m := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", m, AdminUser, AdminPassword))
	}
	if out, err := n.java(ctx, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("format the log folder: %w\n%s", err, out)
	}
	return nil
}

// Start starts the process; Cluster.Wait waits until it answers.
func (n *Node) Start() error {
	log, err := os.OpenFile(n.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the broker's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	// Not bound to a context: the broker outlives the call that starts it.
	//nolint:gosec // the arguments are our own
	cmd := exec.Command("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-cp", filepath.Join(n.jars, "*"), "kafka.Kafka", n.file())
	cmd.Dir, cmd.Stdout, cmd.Stderr = n.dir, log, log
	cmd.SysProcAttr = dieWithParent()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	n.cmd, n.ended = cmd, ended
	return nil
}

// Stop asks the process to end and kills it where it does not within 20 s.
func (n *Node) Stop() error {
	if n.cmd == nil {
		return nil
	}
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(20 * time.Second)
	defer timer.Stop()
	select {
	case <-n.ended:
		return nil
	case <-timer.C:
		return n.Kill9()
	}
}

// Kill9 ends the process as a power cut would.
func (n *Node) Kill9() error {
	if n.cmd == nil {
		return nil
	}
	if err := n.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill the broker: %w", err)
	}
	<-n.ended
	return nil
}

// running is false once the process has ended.
func (n *Node) running() bool {
	select {
	case <-n.ended:
		return false
	default:
		return true
	}
}

func (n *Node) log() string { return filepath.Join(n.dir, "broker.log") }

// tail is the end of the broker's log, for a failure's message.
func (n *Node) tail() string {
	f, err := os.Open(n.log())
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	const most = 2 << 10 // enough for the cause, and the test's own words stay in sight
	if info, err := f.Stat(); err == nil && info.Size() > most {
		_, _ = f.Seek(-most, io.SeekEnd)
	}
	text, _ := io.ReadAll(f)
	return string(text)
}

// Plain is the address of the listener without authentication: whoever comes
// in there is User:ANONYMOUS, a super user.
func (n *Node) Plain() string { return address(n.ports.plain) }

// SASL is the address of the SASL_PLAINTEXT listener.
func (n *Node) SASL() string { return address(n.ports.sasl) }

// TLS is the address of the SSL listener.
func (n *Node) TLS() string { return address(n.ports.ssl) }

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
