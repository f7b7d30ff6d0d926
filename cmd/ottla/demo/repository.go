package demo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/ottla-io/ottla/docs/examples"
)

// repository makes a Git repository of the example platform, or finds the one
// of an earlier demo. It returns its newest commit and how many files it has.
func repository(dir string) (commit string, files int, err error) {
	repo, err := gogit.PlainOpen(dir)
	if errors.Is(err, gogit.ErrRepositoryNotExists) {
		if repo, err = newRepository(dir); err != nil {
			return "", 0, err
		}
	}
	if err != nil {
		return "", 0, fmt.Errorf("open the demo's repository: %w", err)
	}
	head, err := repo.Head()
	if err != nil {
		return "", 0, fmt.Errorf("read the demo's repository: %w", err)
	}
	files, err = count(examples.Platform())
	return head.Hash().String(), files, err
}

func newRepository(dir string) (*gogit.Repository, error) {
	if err := os.CopyFS(dir, examples.Platform()); err != nil {
		return nil, fmt.Errorf("write the demo's repository: %w", err)
	}
	repo, err := gogit.PlainInitWithOptions(dir, &gogit.PlainInitOptions{
		InitOptions: gogit.InitOptions{DefaultBranch: plumbing.NewBranchReferenceName("main")},
	})
	if err != nil {
		return nil, fmt.Errorf("make the demo's repository: %w", err)
	}
	tree, err := repo.Worktree()
	if err != nil {
		return nil, fmt.Errorf("make the demo's repository: %w", err)
	}
	if err := tree.AddWithOptions(&gogit.AddOptions{All: true}); err != nil {
		return nil, fmt.Errorf("add files to the demo's repository: %w", err)
	}
	author := &object.Signature{Name: "Ada", Email: "ada@example.com", When: time.Now()}
	if _, err := tree.Commit("The platform of a shop", &gogit.CommitOptions{Author: author}); err != nil {
		return nil, fmt.Errorf("commit to the demo's repository: %w", err)
	}
	return repo, nil
}

func count(tree fs.FS) (files int, err error) {
	err = fs.WalkDir(tree, ".", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files++
		}
		return err
	})
	return files, err
}

// Relative is a path as people would type it here.
func Relative(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	short, err := filepath.Rel(here, path)
	if err != nil || len(short) > len(path) {
		return path
	}
	return short
}
