package git_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ottla-io/ottla/integration/gitservers"
	"github.com/ottla-io/ottla/sources"
	"github.com/ottla-io/ottla/sources/git"
)

// open opens a repository for the length of a test.
func open(t *testing.T, o git.Options) *git.Repository {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	r, err := git.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func fetch(t *testing.T, s sources.Source) sources.Snapshot {
	t.Helper()
	snap, err := s.Fetch(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func failing(t *testing.T, s sources.Source, want error) error {
	t.Helper()
	snap, err := s.Fetch(deadline(t))
	if err == nil {
		t.Fatalf("no error but revision %s", snap.Revision)
	}
	if want != nil && !errors.Is(err, want) {
		t.Fatalf("error is not %q: %v", want, err)
	}
	return err
}

// refused is failing where only the error's kind matters.
func refused(t *testing.T, s sources.Source, want error) {
	t.Helper()
	_ = failing(t, s, want)
}

func hintOf(err error) string {
	var h *sources.HintError
	if errors.As(err, &h) {
		return h.Hint
	}
	return ""
}

func read(t *testing.T, tree fs.FS, name, want string) {
	t.Helper()
	got, err := fs.ReadFile(tree, name)
	if err != nil || string(got) != want {
		t.Fatalf("%s is %q (%v), want %q", name, got, err, want)
	}
}

func TestFetchFollowsABranchAndBringsOnlyWhatIsNew(t *testing.T) {
	remote := gitservers.NewRepo(t)
	first := remote.CommitFile("topics/a.yaml", "a: 1\n")
	repo := open(t, git.Options{URL: remote.URL()})
	main := repo.Follow(git.Ref{Branch: "main"})
	one := fetch(t, main)
	if one.Revision != first || one.Ref != "branch main" || one.Author != "Ada <ada@example.com>" || one.Subject != "change topics/a.yaml" {
		t.Fatalf("snapshot %+v", one)
	}
	read(t, one.Tree, "topics/a.yaml", "a: 1\n")
	second := remote.CommitFile("topics/a.yaml", "a: 2\n")
	two := fetch(t, main)
	if two.Revision != second {
		t.Fatalf("revision %s, want %s", two.Revision, second)
	}
	read(t, two.Tree, "topics/a.yaml", "a: 2\n")
	read(t, one.Tree, "topics/a.yaml", "a: 1\n") // a snapshot stays what it was
	if ok, err := main.Descends(deadline(t), second, first); err != nil || !ok {
		t.Fatalf("the second commit does not descend from the first: %v %v", ok, err)
	}
	if err := fstest.TestFS(two.Tree, "topics/a.yaml"); err != nil {
		t.Fatal(err)
	}
}
