package kustomize

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Where things stand in the file system that kustomize sees.
const (
	treeRoot    = "/tree"  // the tree, read when it is asked for
	wrapperRoot = "/ottla" // our own kustomization around it
)

// fileSystem shows kustomize a tree, read only, with some files replaced. Only
// what is asked for is read, and it is read once.
type fileSystem struct {
	tree     fs.FS
	read     *sync.Map         // their contents by path, shared between the pieces of one rendering
	replaced map[string][]byte // by full path
}

var _ filesys.FileSystem = fileSystem{}

var errReadOnly = errors.New("the tree is read-only")

// inTree turns a full path into one of the tree.
func inTree(full string) (string, bool) {
	full = path.Clean(full)
	if full == treeRoot {
		return ".", true
	}
	name, ok := strings.CutPrefix(full, treeRoot+"/")
	return name, ok && fs.ValidPath(name)
}

func (f fileSystem) ReadFile(name string) ([]byte, error) {
	if data, ok := f.replaced[path.Clean(name)]; ok {
		return data, nil
	}
	inner, ok := inTree(name)
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if data, ok := f.read.Load(inner); ok {
		return data.([]byte), nil
	}
	data, err := fs.ReadFile(f.tree, inner)
	if err == nil {
		f.read.Store(inner, data)
	}
	return data, err
}

func (f fileSystem) IsDir(name string) bool {
	if path.Clean(name) == wrapperRoot {
		return true
	}
	inner, ok := inTree(name)
	if !ok {
		return false
	}
	info, err := fs.Stat(f.tree, inner)
	return err == nil && info.IsDir()
}

func (f fileSystem) Exists(name string) bool {
	if _, ok := f.replaced[path.Clean(name)]; ok || path.Clean(name) == wrapperRoot {
		return true
	}
	inner, ok := inTree(name)
	if !ok {
		return false
	}
	_, err := fs.Stat(f.tree, inner)
	return err == nil
}

func (f fileSystem) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	full := path.Clean(name)
	switch {
	case f.IsDir(full):
		return filesys.ConfirmedDir(full), "", nil
	case f.Exists(full):
		return filesys.ConfirmedDir(path.Dir(full)), path.Base(full), nil
	default:
		return "", "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
}

func (f fileSystem) Create(string) (filesys.File, error)  { return nil, errReadOnly }
func (f fileSystem) Mkdir(string) error                   { return errReadOnly }
func (f fileSystem) MkdirAll(string) error                { return errReadOnly }
func (f fileSystem) RemoveAll(string) error               { return errReadOnly }
func (f fileSystem) WriteFile(string, []byte) error       { return errReadOnly }
func (f fileSystem) Open(string) (filesys.File, error)    { return nil, errReadOnly }
func (f fileSystem) ReadDir(string) ([]string, error)     { return nil, errReadOnly }
func (f fileSystem) Glob(string) ([]string, error)        { return nil, nil }
func (f fileSystem) Walk(string, filepath.WalkFunc) error { return errReadOnly }
