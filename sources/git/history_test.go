package git_test

import (
	"testing"

	"github.com/ottla-io/ottla/integration/gitservers"
	"github.com/ottla-io/ottla/sources"
	"github.com/ottla-io/ottla/sources/git"
)

// remotes are the three ways to one repository. What history does must be the
// same on all of them.
func remotes(t *testing.T, run func(t *testing.T, remote *gitservers.Repo, o git.Options)) {
	t.Helper()
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		remote := gitservers.NewRepo(t)
		run(t, remote, git.Options{URL: remote.URL()})
	})
	t.Run("http", func(t *testing.T) {
		t.Parallel()
		remote := gitservers.NewRepo(t)
		server := gitservers.HTTP(t, gitservers.HTTPOptions{Root: remote.Root})
		run(t, remote, git.Options{URL: server.URL(remote.Name)})
	})
	t.Run("ssh", func(t *testing.T) {
		t.Parallel()
		remote := gitservers.NewRepo(t)
		server := gitservers.SSH(t, remote.Root)
		run(t, remote, git.Options{URL: server.URL(remote.Name), SSHKeyFile: server.KeyFile, KnownHostsFile: server.KnownHosts})
	})
}

func descends(t *testing.T, s sources.Source, newer, older string, want bool) {
	t.Helper()
	got, err := s.Descends(deadline(t), newer, older)
	if err != nil || got != want {
		t.Fatalf("%.8s descends from %.8s: %v %v, want %v", newer, older, got, err, want)
	}
}

func TestFirstCloneIsShallowAndAncestryIsFetchedWhenAsked(t *testing.T) {
	remotes(t, func(t *testing.T, remote *gitservers.Repo, o git.Options) {
		first := remote.CommitFile("a", "0")
		remote.Commits(80)
		last := remote.CommitFile("a", "1")
		repo := open(t, o)
		main := repo.Follow(git.Ref{Branch: "main"})
		fetch(t, main)
		if n := requests(repo, git.Deepen); n != 0 {
			t.Fatalf("%d requests for history nobody asked for", n)
		}
		descends(t, main, last, first, true)
		if n := requests(repo, git.Deepen); n != 2 {
			t.Fatalf("%d requests for history, want one for a part and one for all", n)
		}
		descends(t, main, first, last, false)
		next := remote.CommitFile("a", "2")
		fetch(t, main)
		descends(t, main, next, last, true)
	})
}

func TestForcePushBelowTheShallowBaseIsFetched(t *testing.T) {
	remotes(t, func(t *testing.T, remote *gitservers.Repo, o git.Options) {
		var all []string
		for _, content := range []string{"0", "1", "2", "3"} {
			all = append(all, remote.CommitFile("a", content))
		}
		repo := open(t, o)
		main := repo.Follow(git.Ref{Branch: "main"})
		fetch(t, main)
		remote.Git("reset", "--quiet", "--hard", all[1])
		remote.Push()
		back := fetch(t, main)
		if back.Revision != all[1] {
			t.Fatalf("revision %s, want %s", back.Revision, all[1])
		}
		read(t, back.Tree, "a", "1")
		if n := requests(repo, git.Clone); n != 1 {
			t.Fatalf("%d clones, want the first one only", n)
		}
		descends(t, main, all[1], all[3], false)
		descends(t, main, all[3], all[1], true)
	})
}

func TestRewrittenHistoryIsNoDescendant(t *testing.T) {
	remotes(t, func(t *testing.T, remote *gitservers.Repo, o git.Options) {
		base := remote.CommitFile("a", "0")
		before := remote.CommitFile("a", "1")
		main := open(t, o).Follow(git.Ref{Branch: "main"})
		fetch(t, main)
		remote.Git("reset", "--quiet", "--hard", base)
		after := remote.CommitFile("a", "2")
		if got := fetch(t, main); got.Revision != after {
			t.Fatalf("revision %s, want %s", got.Revision, after)
		}
		descends(t, main, after, before, false)
		descends(t, main, after, base, true)
	})
}

func TestUnrelatedHistoryIsFetchedAndNoDescendant(t *testing.T) {
	remotes(t, func(t *testing.T, remote *gitservers.Repo, o git.Options) {
		before := remote.CommitFile("a", "0")
		main := open(t, o).Follow(git.Ref{Branch: "main"})
		fetch(t, main)
		remote.Git("checkout", "--quiet", "--orphan", "fresh")
		remote.Git("branch", "--quiet", "--delete", "--force", "main")
		remote.Git("branch", "--move", "main")
		after := remote.CommitFile("b", "1")
		got := fetch(t, main)
		read(t, got.Tree, "b", "1")
		descends(t, main, after, before, false)
	})
}

func TestSeveralRefsShareOneClone(t *testing.T) {
	remotes(t, func(t *testing.T, remote *gitservers.Repo, o git.Options) {
		remote.CommitFile("a", "0")
		pinned := remote.CommitFile("a", "1")
		remote.Git("tag", "v1.0.0")
		remote.CommitFile("a", "2")
		remote.Git("tag", "--annotate", "--message", "second", "v1.2.0")
		remote.CommitFile("a", "3")
		remote.Git("tag", "v2.0.0-rc.1")
		remote.CommitFile("a", "4")
		repo := open(t, o)
		for _, c := range []struct {
			ref        git.Ref
			name, want string
		}{
			{git.Ref{Branch: "main"}, "branch main", "4"},
			{git.Ref{Tag: "v1.0.0"}, "tag v1.0.0", "1"},
			{git.Ref{Semver: ">=1.0 <2"}, "tag v1.2.0", "2"},
			{git.Ref{Semver: ">=2.0.0-0"}, "tag v2.0.0-rc.1", "3"},
			{git.Ref{Commit: pinned}, "commit " + pinned, "1"},
		} {
			got := fetch(t, repo.Follow(c.ref))
			if got.Ref != c.name {
				t.Fatalf("%s gives %q, want %q", c.ref, got.Ref, c.name)
			}
			read(t, got.Tree, "a", c.want)
		}
		if n := requests(repo, git.Clone); n != 1 {
			t.Fatalf("%d clones for one repository", n)
		}
	})
}

func TestCommitThatNoRefPointsToIsFound(t *testing.T) {
	remotes(t, func(t *testing.T, remote *gitservers.Repo, o git.Options) {
		remote.CommitFile("a", "0")
		inside := remote.CommitFile("a", "1")
		remote.CommitFile("a", "2")
		repo := open(t, o)
		read(t, fetch(t, repo.Follow(git.Ref{Commit: inside})).Tree, "a", "1")
		gone := git.Ref{Commit: "0123456789012345678901234567890123456789"}
		refused(t, repo.Follow(gone), git.ErrRefNotFound)
	})
}

func requests(r *git.Repository, op git.Operation) (n int64) {
	for _, s := range r.Stats() {
		if s.Operation == op {
			n += s.Requests
		}
	}
	return n
}
