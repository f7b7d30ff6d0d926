package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// What a tree cannot give, for errors.Is on the *fs.PathError around it.
var (
	ErrSubmodule = errors.New("is a submodule, which is not followed: commit the files themselves")
	ErrLFS       = errors.New("is a Git LFS pointer, not the file: LFS is not followed, commit the file itself")
	ErrOutside   = errors.New("is a symbolic link that leads out of the tree")
	ErrTooLarge  = errors.New("file is too large")
	ErrFileName  = errors.New("file name is not UTF-8: rename it")
)

// objects is where a tree's parts are read from.
type objects interface {
	tree(plumbing.Hash) (*object.Tree, error)
	size(plumbing.Hash) (int64, error)
	blob(plumbing.Hash) ([]byte, error)
}

// tree is a commit's tree as a file system, read object by object when asked.
// Symbolic links within it are followed; ReadDir and Lstat show them as links.
// It is safe for concurrent use.
type tree struct {
	objects objects
	root    plumbing.Hash
	max     int64

	mu   sync.Mutex
	dirs map[plumbing.Hash]map[string]object.TreeEntry // those looked into, or a large one would be decoded for each of its files
}

func newTree(o objects, root plumbing.Hash, maxFile int64) fs.FS {
	return &tree{objects: o, root: root, max: maxFile, dirs: map[plumbing.Hash]map[string]object.TreeEntry{}}
}

// dir is a directory's entries by name.
func (t *tree) dir(h plumbing.Hash) (map[string]object.TreeEntry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d, ok := t.dirs[h]; ok {
		return d, nil
	}
	got, err := t.objects.tree(h)
	if err != nil {
		return nil, err
	}
	d := make(map[string]object.TreeEntry, len(got.Entries))
	for _, e := range got.Entries {
		d[e.Name] = e
	}
	t.dirs[h] = d
	return d, nil
}

// Open implements fs.FS.
func (t *tree) Open(name string) (fs.File, error) {
	n, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if n.IsDir() {
		entries, err := t.list("open", name, n)
		return &openDir{node: n, rest: entries}, err
	}
	data, err := t.read("open", name, n)
	if err != nil {
		return nil, err
	}
	return &openFile{node: n, Reader: bytes.NewReader(data)}, nil
}

// Stat implements fs.StatFS; it follows links.
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	n, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return t.sized("stat", name, n)
}

// Lstat implements fs.ReadLinkFS.
func (t *tree) Lstat(name string) (fs.FileInfo, error) {
	n, err := t.findLink("lstat", name)
	if err != nil {
		return nil, err
	}
	return t.sized("lstat", name, n)
}

// ReadLink implements fs.ReadLinkFS.
func (t *tree) ReadLink(name string) (string, error) {
	n, err := t.findLink("readlink", name)
	if err != nil {
		return "", err
	}
	if n.Mode()&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return t.target(name, n)
}

// ReadDir implements fs.ReadDirFS: sorted by name.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	return t.list("readdir", name, n)
}

// ReadFile implements fs.ReadFileFS.
func (t *tree) ReadFile(name string) ([]byte, error) {
	n, err := t.find("read", name)
	if err != nil {
		return nil, err
	}
	return t.read("read", name, n)
}

func (t *tree) read(op, name string, n node) ([]byte, error) {
	fail := func(err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }
	switch {
	case n.IsDir():
		return nil, fail(errors.New("is a directory"))
	case n.entry.Mode == filemode.Submodule:
		return nil, fail(ErrSubmodule)
	}
	size, err := t.objects.size(n.entry.Hash)
	if err != nil {
		return nil, fail(err)
	}
	if size > t.max {
		return nil, fail(fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, size, t.max))
	}
	data, err := t.objects.blob(n.entry.Hash)
	if err != nil {
		return nil, fail(err)
	}
	if isLFS(data) {
		return nil, fail(ErrLFS)
	}
	return data, nil
}

// isLFS tells a pointer by the line that its specification puts first.
func isLFS(data []byte) bool {
	return len(data) < 1024 && bytes.HasPrefix(data, []byte("version https://git-lfs.github.com/spec/v")) &&
		bytes.Contains(data, []byte("\noid sha256:"))
}

func (t *tree) list(op, name string, n node) ([]fs.DirEntry, error) {
	fail := func(err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }
	if n.entry.Mode == filemode.Submodule {
		return nil, fail(ErrSubmodule)
	}
	if !n.IsDir() {
		return nil, fail(errors.New("not a directory"))
	}
	dir, err := t.dir(n.entry.Hash)
	if err != nil {
		return nil, fail(err)
	}
	out := make([]fs.DirEntry, 0, len(dir))
	for _, e := range dir {
		if err := goodName(e.Name); err != nil {
			return nil, fail(fmt.Errorf("entry %+q: %w", e.Name, err))
		}
		out = append(out, listed{node{entry: e}, t, path.Join(name, e.Name)})
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

// goodName refuses what no Git would write and no path can hold.
func goodName(name string) error {
	switch {
	case !utf8.ValidString(name):
		return ErrFileName
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return errors.New("not a file name: the tree is malformed")
	}
	return nil
}

func (t *tree) sized(op, name string, n node) (node, error) {
	if n.IsDir() || n.entry.Mode == filemode.Submodule {
		return n, nil
	}
	size, err := t.objects.size(n.entry.Hash)
	if err != nil {
		return n, &fs.PathError{Op: op, Path: name, Err: err}
	}
	n.bytes = size
	return n, nil
}

// node is one entry of a tree as a fs.FileInfo.
type node struct {
	entry object.TreeEntry
	bytes int64
}

func (n node) Name() string       { return n.entry.Name }
func (n node) Size() int64        { return n.bytes }
func (n node) ModTime() time.Time { return time.Time{} }
func (n node) IsDir() bool        { return n.Mode().IsDir() }
func (n node) Sys() any           { return nil }

// Mode is read-only. A submodule is neither a file nor a directory.
func (n node) Mode() fs.FileMode {
	switch n.entry.Mode {
	case filemode.Dir:
		return fs.ModeDir | 0o555
	case filemode.Symlink:
		return fs.ModeSymlink | 0o777
	case filemode.Submodule:
		return fs.ModeIrregular
	case filemode.Executable:
		return 0o555
	}
	return 0o444
}

// listed is an entry of ReadDir.
type listed struct {
	node
	tree *tree
	path string
}

// Type implements fs.DirEntry.
func (l listed) Type() fs.FileMode { return l.Mode().Type() }

// Info implements fs.DirEntry.
func (l listed) Info() (fs.FileInfo, error) { return l.tree.sized("stat", l.path, l.node) }

type openFile struct {
	node node
	*bytes.Reader
}

// Stat implements fs.File.
func (f *openFile) Stat() (fs.FileInfo, error) {
	n := f.node
	n.bytes = f.Size()
	return n, nil
}

// Close implements fs.File.
func (f *openFile) Close() error { return nil }

type openDir struct {
	node node
	rest []fs.DirEntry
}

// Stat implements fs.File.
func (d *openDir) Stat() (fs.FileInfo, error) { return d.node, nil }

// Read implements fs.File.
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.node.Name(), Err: errors.New("is a directory")}
}

// Close implements fs.File.
func (d *openDir) Close() error { return nil }

// ReadDir implements fs.ReadDirFile.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.rest)
	} else if len(d.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.rest))
	out := d.rest[:n]
	d.rest = d.rest[n:]
	return out, nil
}
