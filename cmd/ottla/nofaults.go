//go:build !faults || !linux

package main

// faults is nil but in a binary built for tests.
func faults() func(string) { return nil }
