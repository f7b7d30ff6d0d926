//go:build !linux

package kafka

import (
	"syscall"
	"time"
)

// unsentFor is Linux' alone: elsewhere a request that was given up is dropped
// with its connection, as long as this process runs.
func unsentFor(time.Duration) func(network, address string, conn syscall.RawConn) error { return nil }
