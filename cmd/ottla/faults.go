//go:build faults

package main

import (
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
)

// faults makes a binary for tests that kills itself, as kill -9 would, at the
// step of a round that OTTLA_KILL_AT_STEP counts to.
func faults() func(string) {
	at, err := strconv.ParseInt(os.Getenv("OTTLA_KILL_AT_STEP"), 10, 64)
	if err != nil {
		return nil
	}
	var steps atomic.Int64
	return func(string) {
		if steps.Add(1) == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
	}
}
