//go:build !linux

package kafkatest

import "syscall"

// dieWithParent leaves everything as it is where the system has no such signal.
func dieWithParent() *syscall.SysProcAttr { return nil }
