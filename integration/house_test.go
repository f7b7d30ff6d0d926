package integration

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The rules of the house (docs/architecture.md), held on the source itself.

const module = "github.com/ottla-io/ottla"

const (
	maxFileLines    = 500
	maxFuncLines    = 80
	medianFuncLines = 10
	p90FuncLines    = 40
)

// rooms says what the packages below a path may import of this module,
// besides what stands below the same path. The longest path counts.
func rooms() map[string][]string {
	return map[string][]string{
		"cmd":                  {"agent", "sources", "sinks", "reconcile", "integration", "docs"},
		"agent":                {"reconcile", "sources!", "sinks!"},
		"agent/journal":        {"reconcile", "sources!"},
		"sources":              {"reconcile"},
		"sinks":                {"reconcile"},
		"reconcile":            {},
		"reconcile/strict":     {"reconcile!"},
		"reconcile/kindtest":   {"reconcile"},
		"reconcile/ledgertest": {"reconcile!"},
		"reconcile/nodetest":   {"reconcile"},
		"integration":          {"cmd", "agent", "sources", "sinks", "reconcile"},
		"docs":                 {"cmd", "agent", "sources", "sinks", "reconcile", "integration"},
		"deploy":               {"agent", "reconcile"},
	}
}

// source is a Go file of the tree.
type source struct {
	path string // from the root, with slashes
	dir  string
	test bool
	fset *token.FileSet
	file *ast.File
}

func (s source) line(p token.Pos) int { return s.fset.Position(p).Line }

func (s source) lines() int { return s.fset.File(s.file.Pos()).LineCount() }

// tree returns every file below the root that is not made by a build.
func tree(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(name, ".."), string(filepath.Separator)))
		if d.IsDir() && slices.Contains([]string{"bin", "dist", "ottla-demo"}, rel) {
			return fs.SkipDir
		}
		if d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		if d.Type().IsRegular() && rel != ".git" {
			files = append(files, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, name := range tree(t) {
		if !strings.HasSuffix(name, ".go") || strings.Contains(name, "/testdata/") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, filepath.Join("..", name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{name, path.Dir(name), strings.HasSuffix(name, "_test.go"), fset, file})
	}
	return all
}

func TestImportsFollowTheDirections(t *testing.T) {
	table := rooms()
	for _, s := range sources(t) {
		if s.test {
			continue // a test may stand on any room
		}
		room := ""
		for r := range table {
			if within(s.dir, r) && len(r) > len(room) {
				room = r
			}
		}
		if room == "" {
			t.Errorf("%s: no room of the house has this directory", s.path)
		}
		for _, imported := range s.file.Imports {
			rel, ours := strings.CutPrefix(unquote(imported.Path.Value), module+"/")
			if ours && !within(rel, room) && !allowed(rel, table[room]) {
				t.Errorf("%s:%d: %s may not import %s", s.path, s.line(imported.Pos()), room, rel)
			}
		}
	}
}

func within(dir, room string) bool { return dir == room || strings.HasPrefix(dir, room+"/") }

// allowed tells whether one of the rooms holds the package; a room with an
// exclamation mark is itself only, without those below it.
func allowed(rel string, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool {
		only, exact := strings.CutSuffix(room, "!")
		return rel == only || !exact && within(rel, room)
	})
}

func unquote(s string) string {
	text, _ := strconv.Unquote(s)
	return text
}

func TestThePureHeartStandsOnTheStandardLibrary(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.dir != "reconcile" && s.dir != "reconcile/strict" {
			continue
		}
		for _, imported := range s.file.Imports {
			name := unquote(imported.Path.Value)
			if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") && !strings.HasPrefix(name, module+"/reconcile") {
				t.Errorf("%s:%d imports %s", s.path, s.line(imported.Pos()), name)
			}
		}
	}
}

func TestNothingRunsOrIsKeptByAPackageItself(t *testing.T) {
	written := writes(t)
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == "init" && d.Recv == nil {
					t.Errorf("%s:%d: func init", s.path, s.line(d.Pos()))
				}
			case *ast.GenDecl:
				if d.Tok == token.VAR && !s.test && !within(s.dir, "integration") {
					noState(t, s, d, written)
				}
			}
		}
	}
}

// noState lets pass what is a constant in all but name: sentinels, compiled
// expressions, tables that nothing writes to, embedded files, assertions of
// interfaces.
func noState(t *testing.T, s source, d *ast.GenDecl, written map[string]bool) {
	for _, spec := range d.Specs {
		v := spec.(*ast.ValueSpec)
		if strings.Contains(comments(d.Doc)+comments(v.Doc), "//go:embed") || v.Names[0].Name == "_" {
			continue
		}
		for i, name := range v.Names {
			if i >= len(v.Values) || !constant(v.Values[i]) || written[s.dir+" "+name.Name] {
				t.Errorf("%s:%d: package-level state: %s", s.path, s.line(v.Pos()), name.Name)
			}
		}
	}
}

// writes are the names that a package assigns to, changes an entry of, or
// takes the address of, except where a function declares them itself.
func writes(t *testing.T) map[string]bool {
	found := map[string]bool{}
	for _, s := range sources(t) {
		note := func(e ast.Expr) {
			if id := root(e); id != nil && (id.Obj == nil || id.Obj == s.file.Scope.Lookup(id.Name)) {
				found[s.dir+" "+id.Name] = true
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					note(left)
				}
			case *ast.IncDecStmt:
				note(n.X)
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					note(n.X)
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "delete" || f.Name == "clear") {
					note(n.Args[0])
				}
			}
			return true
		})
	}
	return found
}

// root is the name at the beginning of a.b[c].
func root(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	case *ast.ParenExpr:
		return root(e.X)
	default:
		return nil
	}
}

// comments is a comment group as written; Text leaves directives out.
func comments(g *ast.CommentGroup) string {
	if g == nil {
		return ""
	}
	text := ""
	for _, c := range g.List {
		text += c.Text + "\n"
	}
	return text
}

func constant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		f, ok := e.Fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		from, ok := f.X.(*ast.Ident)
		call := ""
		if ok {
			call = from.Name + "." + f.Sel.Name
		}
		return slices.Contains([]string{"errors.New", "fmt.Errorf", "regexp.MustCompile", "strings.NewReplacer"}, call)
	default:
		return false
	}
}

func TestFilesAndFunctionsStaySmall(t *testing.T) {
	var sizes []int
	for _, s := range sources(t) {
		if n := s.lines(); n > maxFileLines {
			t.Errorf("%s has %d lines, more than %d", s.path, n, maxFileLines)
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Body == nil || s.test {
				continue
			}
			n := s.line(f.Body.Rbrace) - s.line(f.Body.Lbrace) - 1
			sizes = append(sizes, max(1, n))
			if n > maxFuncLines {
				t.Errorf("%s:%d: %s has %d lines, more than %d", s.path, s.line(f.Pos()), f.Name.Name, n, maxFuncLines)
			}
		}
	}
	slices.Sort(sizes)
	median, p90 := sizes[len(sizes)/2], sizes[len(sizes)*9/10]
	t.Logf("%d functions, median %d lines, 90 %% within %d", len(sizes), median, p90)
	if median > medianFuncLines || p90 > p90FuncLines {
		t.Errorf("functions have a median of %d lines and 90 %% within %d; we hold %d and %d", median, p90, medianFuncLines, p90FuncLines)
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	said, names := map[string]bool{}, map[string]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		names[s.dir] = s.file.Name.Name
		said[s.dir] = said[s.dir] || s.file.Doc.Text() != ""
	}
	for dir, name := range names {
		if !said[dir] {
			t.Errorf("%s has no package comment", dir)
		}
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "types", "misc", "shared", "base"}, name) {
			t.Errorf("%s: package %s says nothing about what is in it", dir, name)
		}
	}
}

// TestNoMachineStandsInTheTree looks for paths and hosts of the machines it
// was built on.
func TestNoMachineStandsInTheTree(t *testing.T) {
	words := `(?m)(^|[\s"'` + "`" + `(=:,])/work/`
	for _, proxy := range strings.FieldsFunc(os.Getenv("GOPROXY"), func(r rune) bool { return r == ',' || r == '|' }) {
		if u, err := url.Parse(proxy); err == nil && u.Hostname() != "" && u.Hostname() != "proxy.golang.org" {
			words += "|" + regexp.QuoteMeta(u.Hostname())
		}
	}
	machine := regexp.MustCompile(words)
	for _, name := range tree(t) {
		data, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "integration/house_test.go" {
			continue // it holds the words it looks for
		}
		if found := machine.FindString(string(data)); found != "" {
			t.Errorf("%s holds %q", name, found)
		}
	}
}

func TestTheTopLevelIsAsTheArchitectureSays(t *testing.T) {
	known := strings.Fields(`agent cmd deploy docs integration reconcile sinks sources
		go.mod go.sum Makefile README.md LICENSE
		.ci .git .gitignore .golangci.yml bin dist ottla-demo`)
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(known, e.Name()) {
			t.Errorf("%s is not part of the house: it belongs into a room, or docs/architecture.md is to be changed first", e.Name())
		}
	}
}
