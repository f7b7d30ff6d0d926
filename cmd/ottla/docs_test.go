package main

import (
	"os"
	"testing"
)

// TestReferencePages holds the generated pages to the program. With
// OTTLA_WRITE_DOCS=1 it writes them.
func TestReferencePages(t *testing.T) {
	a := &app{out: t.Output(), err: t.Output()}
	for name, text := range a.generated() {
		if err := page("../../docs/"+name, text, os.Getenv("OTTLA_WRITE_DOCS") == ""); err != nil {
			t.Error(err)
		}
	}
}
