package kafkatest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared is the one cluster of a test binary. A test binary is a process of
// its own and TestMain cannot hand anything to tests, so this one variable is
// the package's; nothing but Shared and Main touches it.
var shared struct {
	once    sync.Once
	cluster *Cluster
	dir     string
	err     error
}

// Shared is one broker for all tests of a binary, started when it is first
// asked for. Tests keep apart by Prefix. It needs Main in TestMain.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "ottla-kafka-"); shared.err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
		defer cancel()
		shared.cluster, shared.err = start(ctx, shared.dir, Options{})
	})
	if shared.err != nil {
		unavailable(t, shared.err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			shared.cluster.show(t)
		}
	})
	return shared.cluster
}

// Main runs the tests, ends the shared broker, removes its folder and exits.
func Main(m *testing.M) {
	code := m.Run()
	if shared.cluster != nil {
		if err := shared.cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}
