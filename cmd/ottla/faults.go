//go:build faults && linux

package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// faults makes a binary for tests that kills itself, as kill -9 would, at the
// step that OTTLA_KILL_AT_STEP counts to, or at the first one whose name begins
// with what it says; or that stops, as kill -STOP would, at the step that
// OTTLA_STOP_AT_STEP names, while the file OTTLA_STOP_FILE is there.
func faults() func(string) {
	if name := os.Getenv("OTTLA_STOP_AT_STEP"); name != "" {
		return stopAt(name, os.Getenv("OTTLA_STOP_FILE"))
	}
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

func stopAt(name, file string) func(string) {
	return func(step string) {
		if step != name || os.Remove(file) != nil {
			return
		}
		// The signal is for this very thread: it goes no step further. One for the
		// whole process lets it run until another thread has taken the signal.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		_ = syscall.Tgkill(os.Getpid(), syscall.Gettid(), syscall.SIGSTOP)
	}
}
