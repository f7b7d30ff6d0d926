// Package storetest starts real object-store servers for tests, on free ports
// of 127.0.0.1: versitygw for S3, fake-gcs-server for Google Cloud Storage,
// Azurite for Azure, and a directory for file://. What is not there yet is
// built or installed once into the user's cache folder, keyed by its version.
// What a machine lacks is named and the test skipped, except where
// OTTLA_REQUIRE_REAL=1 makes that a failure.
//
//	s := storetest.S3(t)
//	bucket, err := store.Open(ctx, s.Options(s.Bucket(t)))
package storetest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/store"
)

// Server is a running object store. It ends with the test that started it.
type Server struct {
	Name string // file, s3, gcs or azure
	Dir  string // where it keeps its objects
	// Env is what the environment of a process must say to reach it and to prove
	// who it is; the test's own process has it already.
	Env map[string]string

	process *process
	make    func(t testing.TB, bucket string) // makes a bucket
	url     func(bucket string) string
	options func(*store.Options)
}

// Kinds are all servers, by name.
func Kinds() map[string]func(testing.TB) *Server {
	return map[string]func(testing.TB) *Server{"file": File, "s3": S3, "gcs": GCS, "azure": Azure}
}

// File is a directory: no server at all.
func File(t testing.TB) *Server {
	t.Helper()
	dir := t.TempDir()
	return &Server{
		Name: "file", Dir: dir,
		make: func(t testing.TB, bucket string) {
			if err := os.Mkdir(filepath.Join(dir, bucket), 0o750); err != nil {
				t.Fatal(err)
			}
		},
		url:     func(bucket string) string { return "file://" + filepath.Join(dir, bucket) },
		options: func(*store.Options) {},
	}
}

// Bucket makes an empty bucket (a container, a directory) and returns its URL.
func (s *Server) Bucket(t testing.TB, name string) string {
	t.Helper()
	s.make(t, name)
	return s.url(name)
}

// Options say how to open a URL that Bucket returned.
func (s *Server) Options(url string) store.Options {
	o := store.Options{URL: url}
	s.options(&o)
	return o
}

// Stop ends the server; a directory has none.
func (s *Server) Stop() {
	if s.process != nil {
		s.process.stop()
	}
}

// Start starts a stopped server again, on the same port and objects.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if s.process != nil {
		s.process.start(t)
	}
}

// missingError says what this machine lacks to run a server.
type missingError struct{ what string }

func (e *missingError) Error() string { return e.what }

// unavailable skips the test where the machine lacks something.
func unavailable(t testing.TB, err error) {
	t.Helper()
	var missing *missingError
	if errors.As(err, &missing) && os.Getenv("OTTLA_REQUIRE_REAL") != "1" {
		t.Skip(missing.what)
	}
	t.Fatalf("start a real object store: %v", err)
}

// said is a secret that is known.
func said(text string) store.Secret { return func() (string, error) { return text, nil } }
