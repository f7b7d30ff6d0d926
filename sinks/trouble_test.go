package sinks_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks"
)

func parsed(t *testing.T, path string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestEveryTroubleThereIsIsListedForMetrics(t *testing.T) {
	var named []string
	ast.Inspect(parsed(t, "trouble.go"), func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			named = append(named, text)
		}
		return true
	})
	var listed []string
	for _, one := range sinks.WorkTroubles() {
		listed = append(listed, string(one))
	}
	slices.Sort(named)
	slices.Sort(listed)
	if len(named) == 0 || !slices.Equal(named, listed) {
		t.Errorf("the constants are %q, the list is %q", named, listed)
	}
}

// A string would pass for a trouble, and no metric would know it.
func TestWhatRaisesTroubleNamesItByItsConstant(t *testing.T) {
	at := map[string]int{"incident": 1, "alert": 0, "end": 3} // which argument says what is wrong
	raised := 0
	for _, room := range []string{"backup/work", "backup/capture"} {
		files, err := filepath.Glob(room + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", room, err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			ast.Inspect(parsed(t, path), func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				name, ok := call.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				i, raises := at[name.Sel.Name]
				if !raises || len(call.Args) <= max(i, 1) {
					return true
				}
				raised++
				if lit, is := call.Args[i].(*ast.BasicLit); is {
					t.Errorf("%s raises %s: name it in sinks/trouble.go", path, lit.Value)
				}
				return true
			})
		}
	}
	if raised < 10 {
		t.Errorf("only %d are raised: this test looks in the wrong place", raised)
	}
}

// What is told in metrics and in no alert is seen by nobody.
func TestEveryTroubleHasAnAlertRule(t *testing.T) {
	rules, err := os.ReadFile("../deploy/prometheus/ottla.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	told := []sinks.Trouble{sinks.TroubleRecreated, sinks.TroubleTruncated, sinks.TroublePaused} // the incident says it; what is paused too long is "old"
	for _, one := range sinks.WorkTroubles() {
		if !slices.Contains(told, one) && !strings.Contains(string(rules), `"`+string(one)+`"`) && !strings.Contains(string(rules), "|"+string(one)) && !strings.Contains(string(rules), string(one)+"|") {
			t.Errorf("no rule looks at ottla_backup_incidents{what=%q}", one)
		}
	}
}
