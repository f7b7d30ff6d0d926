//go:build !linux

package storetest

import "syscall"

// dieWithParent leaves everything as it is where the system has no such signal.
func dieWithParent() *syscall.SysProcAttr { return nil }
