package git_test

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/ottla-io/ottla/integration/gitservers"
	"github.com/ottla-io/ottla/sources/git"
)

// BenchmarkReadTenThousandFiles reads every file of a fresh snapshot, in one
// directory and of one kilobyte each, as rendering does.
func BenchmarkReadTenThousandFiles(b *testing.B) {
	remote := gitservers.NewRepo(b)
	for i := range 10_000 {
		remote.Write(fmt.Sprintf("topics/%05d.yaml", i), fmt.Sprintf("name: topic-%d\n%01000d\n", i, i))
	}
	remote.Commit("many")
	repo, err := git.Open(git.Options{URL: remote.URL(), Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = repo.Close() }()
	for b.Loop() {
		s, err := repo.Follow(git.Ref{Branch: "main"}).Fetch(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		entries, err := fs.ReadDir(s.Tree, "topics")
		if err != nil || len(entries) != 10_000 {
			b.Fatal(len(entries), err)
		}
		for _, e := range entries {
			if _, err := fs.ReadFile(s.Tree, "topics/"+e.Name()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
