package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ottla-io/ottla/sources"
	"github.com/ottla-io/ottla/sources/git"
)

// place is a directory of a repository that lies on this machine: the tree it
// may use, and its path in it.
type place struct {
	root string
	path string // slash-separated; "." is the root
	tree fs.FS
}

// locate finds the repository around a directory: the nearest one above that
// holds .git, the current directory if it lies below that, or else itself.
// Overlays use what lies beside them, so that the directory alone is too little.
func locate(dir string) (place, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return place{}, fmt.Errorf("find %s: %w", dir, err)
	}
	info, err := os.Stat(full)
	switch {
	case err != nil:
		return place{}, &sources.HintError{Err: fmt.Errorf("there is no directory %s", dir), Hint: "name a directory of a repository, such as overlays/dev"}
	case !info.IsDir():
		return place{}, fmt.Errorf("%s is a file, it must be a directory", dir)
	}
	root := rootOf(full)
	rel, err := filepath.Rel(root, full)
	if err != nil {
		return place{}, fmt.Errorf("find %s: %w", dir, err)
	}
	opened, err := os.OpenRoot(root)
	if err != nil {
		return place{}, err // it names the directory
	}
	return place{root: root, path: filepath.ToSlash(rel), tree: bounded{opened.FS()}}, nil
}

// bounded is a tree whose large files are refused as the agent refuses them.
type bounded struct{ fs.FS }

// Open implements fs.FS.
func (b bounded) Open(name string) (fs.File, error) {
	file, err := b.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() && info.Size() > git.DefaultMaxFile {
		err = &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("%w: %d bytes, the limit is %d", git.ErrTooLarge, info.Size(), git.DefaultMaxFile)}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func rootOf(full string) string {
	for at := full; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	here, err := os.Getwd()
	if err == nil && strings.HasPrefix(full, here+string(filepath.Separator)) {
		return here
	}
	return full
}

// below is the place of a path below this one.
func (p place) below(path string) place {
	p.path = filepath.ToSlash(filepath.Join(p.path, path))
	return p
}
