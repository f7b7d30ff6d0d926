package gitservers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Repo is a bare repository, as a server has it, and a work tree beside it.
type Repo struct {
	Root string // the directory a server serves
	Name string // of the repository below Root: "platform.git"
	Work string // the work tree

	t testing.TB
}

// NewRepo makes an empty repository whose branch will be main.
func NewRepo(t testing.TB) *Repo {
	t.Helper()
	Require(t, "git")
	r := &Repo{Root: t.TempDir(), Name: "platform.git", Work: t.TempDir(), t: t}
	if err := os.Chmod(r.Root, 0o755); err != nil {
		t.Fatal(err)
	}
	r.git(r.Root, "init", "--quiet", "--bare", "--initial-branch=main", r.Bare())
	r.Git("init", "--quiet", "--initial-branch=main")
	r.Git("remote", "add", "origin", r.Bare())
	return r
}

// Bare is the bare repository's directory.
func (r *Repo) Bare() string { return filepath.Join(r.Root, r.Name) }

// URL is the bare repository as a file URL.
func (r *Repo) URL() string { return "file://" + r.Bare() }

// Git runs git in the work tree and returns what it prints.
func (r *Repo) Git(args ...string) string {
	r.t.Helper()
	return r.git(r.Work, args...)
}

// Serve runs git in the bare repository.
func (r *Repo) Serve(args ...string) string {
	r.t.Helper()
	return r.git(r.Bare(), args...)
}

func (r *Repo) git(dir string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Write puts a file into the work tree.
func (r *Repo) Write(name, content string) {
	r.t.Helper()
	path := filepath.Join(r.Work, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// Commit commits all of the work tree, pushes its branch, by force if need be,
// and returns the commit's hash.
func (r *Repo) Commit(message string) string {
	r.t.Helper()
	r.Git("add", "--all")
	r.Git("commit", "--quiet", "--allow-empty", "--message", message)
	r.Push()
	return r.Head()
}

// CommitFile writes one file and commits.
func (r *Repo) CommitFile(name, content string) string {
	r.t.Helper()
	r.Write(name, content)
	return r.Commit("change " + name)
}

// Commits adds n commits that change nothing, in one go.
func (r *Repo) Commits(n int) {
	r.t.Helper()
	var stream strings.Builder
	for i := range n {
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter Ada <ada@example.com> %d +0000\ndata 4\nmore\n", 1_000_000_000+i)
		if i == 0 {
			fmt.Fprintf(&stream, "from %s\n", r.Head())
		}
	}
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = r.Work, strings.NewReader(stream.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("git fast-import: %v\n%s", err, out)
	}
}

// Head is the work tree's commit.
func (r *Repo) Head() string {
	r.t.Helper()
	return r.Git("rev-parse", "HEAD")
}

// Push pushes the work tree's branch and all tags by force.
func (r *Repo) Push() {
	r.t.Helper()
	r.Git("push", "--quiet", "--force", "--tags", "origin", "HEAD")
}
