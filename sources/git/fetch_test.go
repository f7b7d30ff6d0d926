package git_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ottla-io/ottla/integration/gitservers"
	"github.com/ottla-io/ottla/sources/git"
)

func TestMissingRefsAreNamedWithTheNearest(t *testing.T) {
	remotes(t, func(t *testing.T, remote *gitservers.Repo, o git.Options) {
		repo := open(t, o)
		refused(t, repo.Follow(git.Ref{Branch: "main"}), git.ErrEmptyRepository)
		remote.CommitFile("a", "1")
		fetch(t, repo.Follow(git.Ref{Branch: "main"}))
		err := failing(t, repo.Follow(git.Ref{Branch: "mian"}), git.ErrRefNotFound)
		if !strings.Contains(hintOf(err), "main") {
			t.Errorf("hint %q", hintOf(err))
		}
		refused(t, repo.Follow(git.Ref{Tag: "v1"}), git.ErrRefNotFound)
		refused(t, repo.Follow(git.Ref{Semver: ">=1"}), git.ErrRefNotFound)
		refused(t, repo.Follow(git.Ref{}), nil)
		refused(t, repo.Follow(git.Ref{Commit: "abc"}), nil)
		refused(t, repo.Follow(git.Ref{Branch: "a..b"}), nil)
		refused(t, repo.Follow(git.Ref{Semver: "one"}), nil)
	})
}

func TestDeletedBranchAndGoneRepositoryAreErrorsAndLaterGoOn(t *testing.T) {
	remotes(t, func(t *testing.T, remote *gitservers.Repo, o git.Options) {
		remote.CommitFile("a", "1")
		remote.Git("branch", "other")
		remote.Git("push", "--quiet", "origin", "other")
		main := open(t, o).Follow(git.Ref{Branch: "main"})
		before := fetch(t, main)
		remote.Serve("update-ref", "-d", "refs/heads/main")
		refused(t, main, git.ErrRefNotFound)
		read(t, before.Tree, "a", "1")
		away := remote.Bare() + "-away"
		if err := os.Rename(remote.Bare(), away); err != nil {
			t.Fatal(err)
		}
		refused(t, main, git.ErrRepositoryNotFound)
		if err := os.Rename(away, remote.Bare()); err != nil {
			t.Fatal(err)
		}
		want := remote.CommitFile("a", "2")
		if got := fetch(t, main); got.Revision != want {
			t.Fatalf("revision %s, want %s", got.Revision, want)
		}
	})
}

func TestMovedTagIsFollowed(t *testing.T) {
	remotes(t, func(t *testing.T, remote *gitservers.Repo, o git.Options) {
		remote.CommitFile("a", "1")
		remote.Git("tag", "--annotate", "--message", "one", "stable")
		remote.Push()
		tag := open(t, o).Follow(git.Ref{Tag: "stable"})
		read(t, fetch(t, tag).Tree, "a", "1")
		remote.CommitFile("a", "2")
		remote.Git("tag", "--force", "stable")
		remote.Push()
		read(t, fetch(t, tag).Tree, "a", "2")
	})
}

func TestNewerSemverTagIsPickedUp(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.CommitFile("a", "1")
	remote.Git("tag", "v1.9.0")
	remote.Git("tag", "not-a-version")
	remote.Push()
	source := open(t, git.Options{URL: remote.URL()}).Follow(git.Ref{Semver: "1.x"})
	if got := fetch(t, source); got.Ref != "tag v1.9.0" {
		t.Fatal(got.Ref)
	}
	remote.CommitFile("a", "2")
	remote.Git("tag", "v1.10.0")
	remote.Git("tag", "v2.0.0")
	remote.Push()
	if got := fetch(t, source); got.Ref != "tag v1.10.0" {
		t.Fatal(got.Ref)
	}
}

func TestManyFetchesAtOnceShareConversations(t *testing.T) {
	remotes(t, func(t *testing.T, remote *gitservers.Repo, o git.Options) {
		remote.CommitFile("a", "1")
		remote.Git("branch", "other")
		remote.Git("push", "--quiet", "origin", "other")
		repo := open(t, o)
		var all sync.WaitGroup
		for i := range 40 {
			ref := git.Ref{Branch: []string{"main", "other"}[i%2]}
			all.Go(func() {
				if _, err := repo.Follow(ref).Fetch(deadline(t)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := requests(repo, git.Clone) + requests(repo, git.Poll); n > 10 {
			t.Fatalf("%d conversations for 40 fetches", n)
		}
	})
}

func TestCommitsWhileFetchesRunAreNeverSeenInPart(t *testing.T) {
	remotes(t, func(t *testing.T, remote *gitservers.Repo, o git.Options) {
		commit := func(n string) string {
			remote.Write("a", n)
			remote.Write("deep/er/b", n)
			return remote.Commit(n)
		}
		commit("0")
		main := open(t, o).Follow(git.Ref{Branch: "main"})
		fetch(t, main)
		done := make(chan string)
		go func() {
			var last string
			for i := range 8 {
				last = commit(string(rune('1' + i)))
			}
			done <- last
		}()
		for {
			got, err := main.Fetch(deadline(t))
			if err != nil {
				t.Fatal(err)
			}
			a, err := fs.ReadFile(got.Tree, "a")
			if err != nil {
				t.Fatal(err)
			}
			read(t, got.Tree, "deep/er/b", string(a))
			select {
			case last := <-done:
				if got := fetch(t, main); got.Revision != last {
					t.Fatalf("revision %s, want %s", got.Revision, last)
				}
				return
			default:
			}
		}
	})
}

func TestCallerThatGivesUpDoesNotDisturbTheOthers(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.CommitFile("a", "1")
	main := open(t, git.Options{URL: remote.URL()}).Follow(git.Ref{Branch: "main"})
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(deadline(t))
			defer cancel()
			if i%2 == 0 {
				cancel()
			}
			if _, err := main.Fetch(ctx); i%2 == 1 && err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestSecondProcessIsKeptOut(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.CommitFile("a", "1")
	dir := t.TempDir()
	first := open(t, git.Options{URL: remote.URL(), Dir: dir})
	fetch(t, first.Follow(git.Ref{Branch: "main"}))
	second := open(t, git.Options{URL: remote.URL(), Dir: dir})
	refused(t, second.Follow(git.Ref{Branch: "main"}), git.ErrLocked)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	fetch(t, second.Follow(git.Ref{Branch: "main"}))
	refused(t, first.Follow(git.Ref{Branch: "main"}), nil)
	if requests(second, git.Clone) != 0 {
		t.Fatal("the clone was not kept")
	}
}

// spoilers are what a crash, a full disk or a person can do to a clone.
func spoilers() map[string]func(t *testing.T, clone string) {
	packs := func(t *testing.T, clone string, do func(string) error) {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(clone, "objects", "pack", "*.pack"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no packs: %v", err)
		}
		for _, f := range found {
			if err := errors.Join(os.Chmod(f, 0o600), do(f)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return map[string]func(*testing.T, string){
		"killed while cloning": func(t *testing.T, c string) { must(t, os.Remove(filepath.Join(c, "ottla-complete"))) },
		"packs gone":           func(t *testing.T, c string) { packs(t, c, os.Remove) },
		"packs empty":          func(t *testing.T, c string) { packs(t, c, func(f string) error { return os.Truncate(f, 0) }) },
		"objects gone":         func(t *testing.T, c string) { must(t, os.RemoveAll(filepath.Join(c, "objects"))) },
		"head gone":            func(t *testing.T, c string) { must(t, os.Remove(filepath.Join(c, "HEAD"))) },
		"shallow is garbage": func(t *testing.T, c string) {
			must(t, os.WriteFile(filepath.Join(c, "shallow"), []byte("garbage\n"), 0o600))
		},
		"a file in its place": func(t *testing.T, c string) {
			must(t, errors.Join(os.RemoveAll(c), os.WriteFile(c, nil, 0o600)))
		},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDamagedCloneIsClonedAfresh(t *testing.T) {
	t.Parallel()
	for name, spoil := range spoilers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			remote := gitservers.NewRepo(t)
			remote.CommitFile("a", "1")
			remote.CommitFile("a", "2")
			dir := t.TempDir()
			o := git.Options{URL: remote.URL(), Dir: dir}
			before, err := git.Open(o)
			must(t, err)
			fetch(t, before.Follow(git.Ref{Branch: "main"}))
			must(t, before.Close())
			clones, _ := filepath.Glob(filepath.Join(dir, "*", "clone-*"))
			spoil(t, clones[0])
			main := open(t, o).Follow(git.Ref{Branch: "main"})
			read(t, fetch(t, main).Tree, "a", "2")
			last := remote.CommitFile("a", "3")
			read(t, fetch(t, main).Tree, "a", "3")
			descends(t, main, last, remote.Git("rev-list", "--max-parents=0", "HEAD"), true)
		})
	}
}

func TestCloneDamagedUnderOurHandsIsReplaced(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.CommitFile("a", "1")
	dir := t.TempDir()
	main := open(t, git.Options{URL: remote.URL(), Dir: dir}).Follow(git.Ref{Branch: "main"})
	fetch(t, main)
	clones, _ := filepath.Glob(filepath.Join(dir, "*", "clone-*"))
	spoilers()["objects gone"](t, clones[0])
	remote.CommitFile("b", "2")
	got := fetch(t, main)
	read(t, got.Tree, "a", "1")
	read(t, got.Tree, "b", "2")
}

func TestCloneThatCollectedManyPacksIsReplacedAndSnapshotsStayReadable(t *testing.T) {
	remotes(t, func(t *testing.T, remote *gitservers.Repo, o git.Options) {
		o.Dir = t.TempDir()
		repo := open(t, o)
		repo.SetMaxPacks(2)
		main := repo.Follow(git.Ref{Branch: "main"})
		root := remote.CommitFile("a", "0")
		before, last := fetch(t, main), ""
		for _, content := range []string{"1", "2", "3", "4", "5"} {
			last = remote.CommitFile("a", content)
			now := fetch(t, main)
			read(t, now.Tree, "a", content)
			if _, err := fs.ReadFile(before.Tree, "a"); err != nil {
				t.Fatal(err)
			}
			before = now
		}
		if kept, _ := filepath.Glob(filepath.Join(o.Dir, "*", "clone-*")); len(kept) > 2 {
			t.Fatalf("kept %v", kept)
		}
		if requests(repo, git.Clone) < 2 {
			t.Fatal("never replaced")
		}
		descends(t, main, last, root, true)
	})
}
