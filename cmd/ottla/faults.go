//go:build faults

package main

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// faults makes a binary for tests that kills itself, as kill -9 would, at the
// step that OTTLA_KILL_AT_STEP counts to, or at the first one whose name begins
// with what it says.
func faults() func(string) {
	text := os.Getenv("OTTLA_KILL_AT_STEP")
	if text == "" {
		return nil
	}
	at, err := strconv.ParseInt(text, 10, 64)
	named := err != nil
	var steps atomic.Int64
	return func(name string) {
		if named && strings.HasPrefix(name, text) || !named && steps.Add(1) == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
	}
}
