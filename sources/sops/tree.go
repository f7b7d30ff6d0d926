package sops

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
)

// Options say how a tree is read. The zero value decrypts.
type Options struct {
	// Placeholders reads without keys: metadata is checked, and reconcile.Placeholder, or
	// a value of the same type, stands in place of every encrypted one.
	Placeholders bool
}

// Tree is a read-only tree that decrypts itself when read. It is safe for
// concurrent use if the tree below it is. It remembers what it decrypted for
// as long as it lives, which should be one rendering.
type Tree struct {
	below   fs.FS
	keys    *Keys
	options Options

	mu     sync.Mutex
	values map[string]struct{}
}

var (
	_ fs.ReadFileFS = (*Tree)(nil)
	_ fs.ReadDirFS  = (*Tree)(nil)
	_ fs.StatFS     = (*Tree)(nil)
)

// Decrypted makes a tree of the tree below. keys may be nil: then encrypted
// files are errors, unless placeholders are asked for.
func Decrypted(below fs.FS, keys *Keys, options Options) *Tree {
	silence()
	if keys == nil {
		keys = new(Keys)
	}
	return &Tree{below: below, keys: keys, options: options, values: make(map[string]struct{})}
}

// Format prints nothing of what was decrypted.
func (t *Tree) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "(tree, decrypted when read)") }

// ReadDir lists a directory as it is in Git.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(t.below, name) }

// Stat describes a file as it is in Git; the size of an encrypted one is that
// of its encrypted text.
func (t *Tree) Stat(name string) (fs.FileInfo, error) { return fs.Stat(t.below, name) }

// ReadFile returns a file's plaintext.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	data, err := fs.ReadFile(t.below, name)
	if err != nil {
		return nil, err
	}
	f := detect(name, data)
	if f == notEncrypted {
		return data, nil
	}
	plain, err := t.decrypt(name, f, data)
	if err != nil {
		return nil, &fs.PathError{Op: "decrypt", Path: name, Err: err}
	}
	return plain, nil
}

func (t *Tree) decrypt(name string, f format, data []byte) ([]byte, error) {
	info, err := fs.Stat(t.below, name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case len(data) > maxSize:
		return nil, fmt.Errorf("it is larger than %d MiB", maxSize>>20)
	}
	o := opener{keys: t.keys, seen: t.remember}
	if t.options.Placeholders {
		o.keys = nil
	}
	return o.plaintext(f, data)
}

// Open opens a file; what is read from it is its plaintext.
func (t *Tree) Open(name string) (fs.File, error) {
	info, err := fs.Stat(t.below, name)
	if err != nil || !info.Mode().IsRegular() {
		return t.below.Open(name)
	}
	data, err := t.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &file{Reader: bytes.NewReader(data), info: info, size: int64(len(data))}, nil
}

func (t *Tree) remember(value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.values[strings.TrimRight(value, "\n")] = struct{}{}
}

// WasEncrypted tells whether a value that this tree gave out was encrypted in
// Git, still is, or was empty. A value is a scalar, or the whole text of a
// file; a final newline makes no difference.
func (t *Tree) WasEncrypted(value string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	value = strings.TrimRight(value, "\n")
	_, ok := t.values[value]
	return ok || value == "" || IsEncrypted(value)
}

// file is a file in memory.
type file struct {
	*bytes.Reader
	info fs.FileInfo
	size int64
}

func (f *file) Stat() (fs.FileInfo, error) { return plainInfo{f.info, f.size}, nil }
func (f *file) Close() error               { return nil }

type plainInfo struct {
	fs.FileInfo
	size int64
}

func (i plainInfo) Size() int64 { return i.size }
