// Package gitservers starts real Git servers for tests, on free ports of
// 127.0.0.1: git http-backend behind nginx and fcgiwrap, with and without TLS
// and passwords, and OpenSSH. It makes the repositories they serve too. What a
// machine lacks is named and the test skipped, except where
// OTTLA_REQUIRE_REAL=1 makes that a failure.
package gitservers
