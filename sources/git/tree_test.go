package git_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ottla-io/ottla/integration/gitservers"
	"github.com/ottla-io/ottla/sources/git"
)

// trees runs a law on a commit's tree and on the same files as a directory.
func trees(t *testing.T, remote *gitservers.Repo, law func(t *testing.T, tree fs.FS)) {
	t.Helper()
	t.Run("commit", func(t *testing.T) {
		remote.Commit("files")
		law(t, fetch(t, open(t, git.Options{URL: remote.URL()}).Follow(git.Ref{Branch: "main"})).Tree)
	})
	t.Run("directory", func(t *testing.T) {
		law(t, fetch(t, git.Directory(remote.Work)).Tree)
	})
}

func link(t *testing.T, remote *gitservers.Repo, to, at string) {
	t.Helper()
	path := filepath.Join(remote.Work, at)
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.Symlink(to, path))
}

func TestTreeIsAReadOnlyFileSystem(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.Write("a.yaml", "a\n")
	remote.Write("dir/b.yaml", "b\n")
	remote.Write("dir.yaml", "sorts before dir/ in Git\n")
	remote.Write("binary", "\xff\xfe\x00")
	remote.Write("empty", "")
	must(t, os.Chmod(filepath.Join(remote.Work, "a.yaml"), 0o755))
	trees(t, remote, func(t *testing.T, tree fs.FS) {
		if err := fstest.TestFS(tree, "a.yaml", "dir/b.yaml", "dir.yaml", "binary", "empty"); err != nil {
			t.Fatal(err)
		}
		read(t, tree, "binary", "\xff\xfe\x00")
		read(t, tree, "empty", "")
		if _, err := fs.ReadFile(tree, "gone"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if _, err := fs.ReadFile(tree, "a.yaml/x"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if _, err := fs.ReadFile(tree, "dir"); err == nil {
			t.Error("a directory was read as a file")
		}
		info, err := fs.Stat(tree, "a.yaml")
		if err != nil || info.Mode() != 0o555 || info.Size() != 2 {
			t.Errorf("%v %v", info, err)
		}
	})
}

func TestLinksWithinTheTreeAreFollowedAndOthersAreErrors(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.Write("base/a.yaml", "a\n")
	link(t, remote, "../base", "overlay/base")
	link(t, remote, "base/a.yaml", "overlay/through.yaml")
	link(t, remote, "/etc/passwd", "bad/absolute")
	link(t, remote, "../../outside", "bad/above")
	link(t, remote, "../../work/base/a.yaml", "bad/and-back")
	link(t, remote, "circle", "bad/circle")
	link(t, remote, "nowhere", "bad/dangling")
	trees(t, remote, func(t *testing.T, tree fs.FS) {
		read(t, tree, "overlay/base/a.yaml", "a\n")
		read(t, tree, "overlay/through.yaml", "a\n")
		for name, want := range map[string]error{
			"bad/absolute": git.ErrOutside, "bad/above": git.ErrOutside, "bad/and-back": git.ErrOutside, "bad/dangling": fs.ErrNotExist,
		} {
			if _, err := fs.ReadFile(tree, name); !errors.Is(err, want) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := fs.ReadFile(tree, "bad/circle"); err == nil || !strings.Contains(err.Error(), "circle") {
			t.Error(err)
		}
		if to, err := fs.ReadLink(tree, "overlay/base"); err != nil || to != "../base" {
			t.Errorf("%q %v", to, err)
		}
		if info, err := fs.Lstat(tree, "overlay/base"); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("%v %v", info, err)
		}
		if info, err := fs.Stat(tree, "overlay/base"); err != nil || !info.IsDir() || info.Name() != "base" {
			t.Errorf("%v %v", info, err)
		}
	})
}

func TestPointersAndHugeFilesAreErrorsWhenRead(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.Write("lfs.yaml", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n")
	remote.Write("about-lfs.md", "version https://git-lfs.github.com/spec/v1 is what a pointer says\n")
	remote.Write("huge.bin", strings.Repeat("x", git.DefaultMaxFile+1))
	remote.Write("largest.bin", strings.Repeat("x", git.DefaultMaxFile))
	trees(t, remote, func(t *testing.T, tree fs.FS) {
		for name, want := range map[string]error{"lfs.yaml": git.ErrLFS, "huge.bin": git.ErrTooLarge} {
			if _, err := fs.ReadFile(tree, name); !errors.Is(err, want) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, name := range []string{"about-lfs.md", "largest.bin"} {
			if _, err := fs.ReadFile(tree, name); err != nil {
				t.Error(err)
			}
		}
		if info, err := fs.Stat(tree, "huge.bin"); err != nil || info.Size() != git.DefaultMaxFile+1 {
			t.Errorf("%v %v", info, err)
		}
	})
}

func TestSubmoduleIsAnErrorWhenReadAndNotWhenPassedBy(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	head := remote.CommitFile("a.yaml", "a\n")
	remote.Git("update-index", "--add", "--cacheinfo", "160000,"+head+",vendor/lib")
	remote.Git("commit", "--quiet", "--message", "submodule")
	remote.Push()
	tree := fetch(t, open(t, git.Options{URL: remote.URL()}).Follow(git.Ref{Branch: "main"})).Tree
	for _, name := range []string{"vendor/lib", "vendor/lib/x.yaml"} {
		if _, err := fs.ReadFile(tree, name); !errors.Is(err, git.ErrSubmodule) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := fs.ReadDir(tree, "vendor/lib"); !errors.Is(err, git.ErrSubmodule) {
		t.Error(err)
	}
	var seen []string
	err := fs.WalkDir(tree, ".", func(path string, e fs.DirEntry, err error) error {
		if e.Type().IsRegular() {
			seen = append(seen, path)
		}
		return err
	})
	if err != nil || len(seen) != 1 {
		t.Fatalf("%v %v", seen, err)
	}
}

func TestFileNameThatIsNotUTF8IsAnErrorInWords(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.Write("topics/caf\xe9.yaml", "a\n")
	remote.Write("fine.yaml", "a\n")
	remote.Commit("latin-1")
	tree := fetch(t, open(t, git.Options{URL: remote.URL()}).Follow(git.Ref{Branch: "main"})).Tree
	read(t, tree, "fine.yaml", "a\n")
	if _, err := fs.ReadDir(tree, "topics"); !errors.Is(err, git.ErrFileName) || !strings.Contains(err.Error(), `caf\xe9.yaml`) {
		t.Error(err)
	}
	err := failing(t, git.Directory(remote.Work), git.ErrFileName)
	if !strings.Contains(err.Error(), `caf\xe9.yaml`) {
		t.Error(err)
	}
}

func TestDirectoryRevisionIsWhatGitWouldWrite(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.Write("dir/b", "b")
	remote.Write("dir.c", "c")
	remote.Write("dir0", "0")
	remote.Write("run.sh", "#!/bin/sh\n")
	must(t, os.Chmod(filepath.Join(remote.Work, "run.sh"), 0o755))
	must(t, os.Mkdir(filepath.Join(remote.Work, "empty"), 0o755))
	link(t, remote, "dir/b", "link")
	remote.Git("add", "--all")
	source := git.Directory(remote.Work)
	before := fetch(t, source)
	if want := remote.Git("write-tree"); before.Revision != want || before.Ref != "directory" {
		t.Fatalf("revision %s of %s, want %s", before.Revision, before.Ref, want)
	}
	remote.Write("dir/b", "changed and not committed")
	after := fetch(t, source)
	if after.Revision == before.Revision {
		t.Fatal("an edit changes nothing")
	}
	read(t, before.Tree, "dir/b", "b")
	read(t, after.Tree, "dir/b", "changed and not committed")
	descends(t, source, after.Revision, before.Revision, true)
}

func TestDirectoryThatIsNotThereOrEmptyIsAnError(t *testing.T) {
	t.Parallel()
	refused(t, git.Directory(filepath.Join(t.TempDir(), "gone")), fs.ErrNotExist)
	refused(t, git.Directory(t.TempDir()), nil)
}

func TestLinkedWorkTreeAndPackedRefsAreRead(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	want := remote.CommitFile("a", "1")
	linked := filepath.Join(t.TempDir(), "linked")
	remote.Git("worktree", "add", "--quiet", "-b", "side", linked)
	for range 2 {
		for _, url := range []string{"file://" + linked, linked, "file://" + remote.Work} {
			got := fetch(t, open(t, git.Options{URL: url}).Follow(git.Ref{Branch: "side"}))
			if got.Revision != want {
				t.Fatalf("%s: %s, want %s", url, got.Revision, want)
			}
		}
		remote.Git("pack-refs", "--all")
		remote.Git("gc", "--quiet")
	}
}

func TestSnapshotTimeIsTheCommits(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.Write("a", "1")
	remote.Git("add", "a")
	remote.Git("-c", "user.name=x", "commit", "--quiet", "--message", "subject\x1b[31m line\n\nbody")
	remote.Push()
	got := fetch(t, open(t, git.Options{URL: remote.URL()}).Follow(git.Ref{Branch: "main"}))
	if time.Since(got.Time).Abs() > time.Hour || got.Subject != "subject [31m line" {
		t.Fatalf("%v %q", got.Time, got.Subject)
	}
}
