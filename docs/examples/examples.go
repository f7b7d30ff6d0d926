// Package examples holds the repositories that the demo and the tests use, so
// that what the documentation shows is what runs.
package examples

import (
	"embed"
	"io/fs"
)

//go:embed all:platform
var files embed.FS

//go:embed demo.agekey
var demoKey string

// Platform is the repository of a small shop, with overlays for three
// environments.
func Platform() fs.FS {
	sub, err := fs.Sub(files, "platform")
	if err != nil {
		panic(err) // the embedded directory is there by construction
	}
	return sub
}

// DemoKey is the age key file that opens the platform's secrets. It is public.
func DemoKey() string { return demoKey }
