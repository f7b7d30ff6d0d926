package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/ottla-io/ottla/sources"
)

// The most a plain directory may hold, so that a wrong path is an error and
// not a machine out of memory.
const (
	maxDirectoryFiles = 100_000
	maxDirectoryBytes = 512 << 20
)

// Directory is a plain directory as a source: what is on disk now, committed
// or not. A Fetch reads it whole, so that a snapshot stays what it was. The
// revision is the hash that git write-tree would give its contents; .git and
// empty directories do not count.
func Directory(path string) sources.Source { return directory{path} }

type directory struct{ path string }

// Fetch implements sources.Source.
func (d directory) Fetch(ctx context.Context) (sources.Snapshot, error) {
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return sources.Snapshot{}, fmt.Errorf("read directory %s: %w", d.path, err)
	}
	defer func() { _ = root.Close() }()
	in := intake{ctx: ctx, fsys: root.FS(), parts: memory{
		trees: map[plumbing.Hash]*object.Tree{}, blobs: map[plumbing.Hash][]byte{}, large: map[plumbing.Hash]int64{}}}
	top, err := in.tree(".")
	if err != nil {
		return sources.Snapshot{}, fmt.Errorf("read directory %s: %w", d.path, err)
	}
	if in.files == 0 {
		return sources.Snapshot{}, hint(fmt.Errorf("read directory %s: it holds no files", d.path), "check the path")
	}
	return sources.Snapshot{
		Revision: top.String(), Ref: "directory", Time: in.newest,
		Tree: newTree(in.parts, top, DefaultMaxFile),
	}, nil
}

// Descends implements sources.Source. A directory has no history that could be
// rewritten: what is on disk follows what was there.
func (d directory) Descends(context.Context, string, string) (bool, error) { return true, nil }

// memory holds the parts of a directory's tree.
type memory struct {
	trees map[plumbing.Hash]*object.Tree
	blobs map[plumbing.Hash][]byte
	large map[plumbing.Hash]int64 // too large to be kept, and to be read
}

func (m memory) tree(h plumbing.Hash) (*object.Tree, error) {
	if t, ok := m.trees[h]; ok {
		return t, nil
	}
	return nil, plumbing.ErrObjectNotFound
}

func (m memory) size(h plumbing.Hash) (int64, error) {
	if n, ok := m.large[h]; ok {
		return n, nil
	}
	b, err := m.blob(h)
	return int64(len(b)), err
}

func (m memory) blob(h plumbing.Hash) ([]byte, error) {
	if b, ok := m.blobs[h]; ok {
		return slices.Clone(b), nil
	}
	return nil, plumbing.ErrObjectNotFound
}

// intake reads a directory into memory as Git's objects.
type intake struct {
	ctx    context.Context
	fsys   fs.FS
	parts  memory
	files  int
	bytes  int64
	newest time.Time
}

func (in *intake) tree(dir string) (plumbing.Hash, error) {
	if err := in.ctx.Err(); err != nil {
		return plumbing.ZeroHash, err
	}
	entries, err := readNames(in.fsys, dir)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	t := &object.Tree{}
	for _, e := range entries {
		entry, err := in.entry(dir, e)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if !entry.Hash.IsZero() {
			t.Entries = append(t.Entries, entry)
		}
	}
	if len(t.Entries) == 0 && dir != "." {
		return plumbing.ZeroHash, nil // Git knows no empty directory
	}
	return in.keepTree(t)
}

// readNames lists a directory. os.Root refuses names that are not UTF-8 only
// when they are opened, so they are kept for the tree to complain about.
func readNames(fsys fs.FS, dir string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == ".git" }), nil
}

func (in *intake) entry(dir string, e fs.DirEntry) (object.TreeEntry, error) {
	name := path.Join(dir, e.Name())
	if err := goodName(e.Name()); err != nil {
		return object.TreeEntry{}, fmt.Errorf("%+q: %w", name, err)
	}
	out := object.TreeEntry{Name: e.Name(), Mode: filemode.Regular}
	var err error
	switch {
	case e.IsDir():
		out.Mode = filemode.Dir
		out.Hash, err = in.tree(name)
	case e.Type() == fs.ModeSymlink:
		out.Mode = filemode.Symlink
		out.Hash, err = in.link(name)
	case e.Type().IsRegular():
		out.Mode, out.Hash, err = in.file(name)
	default:
		err = fmt.Errorf("%s is a %s, not a file", name, e.Type())
	}
	return out, err
}

func (in *intake) link(name string) (plumbing.Hash, error) {
	to, err := fs.ReadLink(in.fsys, name)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return in.keepBlob([]byte(to)), nil
}

func (in *intake) file(name string) (filemode.FileMode, plumbing.Hash, error) {
	f, err := in.fsys.Open(name)
	if err != nil {
		return 0, plumbing.ZeroHash, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return 0, plumbing.ZeroHash, err
	}
	if info.ModTime().After(in.newest) {
		in.newest = info.ModTime()
	}
	if err := in.count(info.Size()); err != nil {
		return 0, plumbing.ZeroHash, err
	}
	mode := filemode.Regular
	if info.Mode()&0o100 != 0 {
		mode = filemode.Executable
	}
	h, err := in.content(f, info.Size())
	if err != nil {
		return 0, h, fmt.Errorf("%s: %w", name, err)
	}
	return mode, h, nil
}

func (in *intake) count(size int64) error {
	in.files++
	if size <= DefaultMaxFile {
		in.bytes += size
	}
	if in.files > maxDirectoryFiles || in.bytes > maxDirectoryBytes {
		return fmt.Errorf("it holds more than %d files or %d bytes: is the path right?", maxDirectoryFiles, int64(maxDirectoryBytes))
	}
	return nil
}

// content keeps a file, or only the size of one that could not be read anyway.
func (in *intake) content(r io.Reader, size int64) (plumbing.Hash, error) {
	if size > DefaultMaxFile {
		hasher := plumbing.NewHasher(plumbing.BlobObject, size)
		n, err := io.Copy(hasher, r)
		if err == nil && n != size {
			err = errChanging
		}
		h := hasher.Sum()
		in.parts.large[h] = size
		return h, err
	}
	data, err := io.ReadAll(io.LimitReader(r, size+1))
	if err == nil && int64(len(data)) != size {
		err = errChanging
	}
	return in.keepBlob(data), err
}

var errChanging = errors.New("it is being written right now: the next look will see it whole")

func (in *intake) keepBlob(data []byte) plumbing.Hash {
	h := plumbing.ComputeHash(plumbing.BlobObject, data)
	in.parts.blobs[h] = data
	return h
}

// keepTree sorts as Git does, a directory as if its name ended in a slash, and
// hashes.
func (in *intake) keepTree(t *object.Tree) (plumbing.Hash, error) {
	key := func(e object.TreeEntry) string {
		if e.Mode == filemode.Dir {
			return e.Name + "/"
		}
		return e.Name
	}
	slices.SortFunc(t.Entries, func(a, b object.TreeEntry) int { return strings.Compare(key(a), key(b)) })
	o := &plumbing.MemoryObject{}
	if err := t.Encode(o); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("hash a directory: %w", err)
	}
	in.parts.trees[o.Hash()] = t
	return o.Hash(), nil
}
