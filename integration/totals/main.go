// Command totals reads what go test -json writes, shows it as people want to
// see it while it runs (a line for each package, failures in full), keeps all
// of it in a file, and ends with the totals.
//
//	go test -json ./... | totals FILE     shows, keeps, fails if a test did
//	totals -sum FILE...                   prints "N passed, N failed, N skipped"
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: go test -json PACKAGES | totals FILE, or totals -sum FILE...")
		os.Exit(1)
	}
	failed, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "totals:", err)
	}
	if err != nil || failed {
		os.Exit(1)
	}
}

func run(args []string) (failed bool, err error) {
	if args[0] == "-sum" {
		return sum(args[1:])
	}
	out, err := os.Create(args[0])
	if err != nil {
		return false, err
	}
	defer func() { _ = out.Close() }()
	t := newTotals(os.Stdout)
	err = t.read(io.TeeReader(os.Stdin, out))
	return t.failed > 0, err
}

func sum(files []string) (failed bool, err error) {
	t := newTotals(io.Discard)
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return false, err
		}
		err = t.read(f)
		_ = f.Close()
		if err != nil {
			return false, err
		}
	}
	for _, why := range t.reasons {
		fmt.Println("skipped:", why)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	return t.failed > 0, nil
}

// event is a line of go test -json (go doc test2json).
type event struct {
	Action, Package, ImportPath, Test, Output, FailedBuild string
	Elapsed                                                float64
}

type totals struct {
	show                    io.Writer
	passed, failed, skipped int
	output                  map[string][]string // by package and test
	failures                map[string]int      // tests, by package
	reasons                 []string
}

func newTotals(show io.Writer) *totals {
	return &totals{show: show, output: map[string][]string{}, failures: map[string]int{}}
}

func (t *totals) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if json.Unmarshal(line, &e) == nil {
			t.take(e)
		} else if len(line) > 0 {
			_, _ = t.show.Write(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (t *totals) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		t.output[key] = append(t.output[key], e.Output)
	case "build-output":
		_, _ = fmt.Fprint(t.show, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.endPackage(e)
		} else {
			t.endTest(e, t.output[key])
		}
		delete(t.output, key)
	}
}

func (t *totals) endTest(e event, output []string) {
	switch e.Action {
	case "pass":
		t.passed++
	case "skip":
		t.skipped++
		t.reasons = append(t.reasons, reason(e, output))
	default:
		t.failed++
		t.failures[e.Package]++
		_, _ = fmt.Fprint(t.show, strings.Join(output, ""))
	}
}

// endPackage counts a package that failed without a test that did: it does not
// build, or it panicked.
func (t *totals) endPackage(e event) {
	if e.Action == "fail" && t.failures[e.Package] == 0 {
		t.failed++
		_, _ = fmt.Fprint(t.show, strings.Join(t.output[e.Package+" "], ""))
	}
	if e.Action != "skip" {
		_, _ = fmt.Fprintf(t.show, "%-4s %s %.1fs\n", e.Action, e.Package, e.Elapsed)
	}
}

// reason is the sentence a skipped test left.
func reason(e event, output []string) string {
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			return e.Test + ": " + line
		}
	}
	return e.Test
}
