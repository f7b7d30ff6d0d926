package git

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// maxLinks bounds the links followed for one name, as Linux does.
const maxLinks = 40

// find goes to a name and through every link on the way.
func (t *tree) find(op, name string) (node, error) { return t.resolve(op, name, true) }

// findLink is find, but shows a link at the end itself.
func (t *tree) findLink(op, name string) (node, error) { return t.resolve(op, name, false) }

func (t *tree) resolve(op, name string, follow bool) (node, error) {
	if !fs.ValidPath(name) {
		return node{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n, err := t.walkTo(name, follow)
	if err != nil {
		return node{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	n.entry.Name = path.Base(name)
	return n, nil
}

func (t *tree) rootNode() node {
	return node{entry: object.TreeEntry{Name: ".", Mode: filemode.Dir, Hash: t.root}}
}

// walkTo takes a clean path apart, one name at a time. A link is put in place
// of its name and the walk begins again, so a link may point through others.
func (t *tree) walkTo(name string, follow bool) (node, error) {
	for range maxLinks {
		at, n, rest, err := t.untilLink(name, follow)
		if err != nil || n.entry.Mode != filemode.Symlink || rest == "" && !follow {
			return n, err
		}
		to, err := t.target(at, n)
		if err != nil {
			return node{}, err
		}
		if name, err = within(at, to); err != nil {
			return node{}, err
		}
		name = path.Join(name, rest)
	}
	return node{}, errors.New("too many symbolic links: they go in a circle")
}

// untilLink walks until a link or the end, and says what is left of the path.
func (t *tree) untilLink(name string, follow bool) (at string, n node, rest string, err error) {
	n, rest = t.rootNode(), name
	if name == "." {
		return ".", n, "", nil
	}
	for rest != "" {
		var first string
		first, rest, _ = strings.Cut(rest, "/")
		if n, err = t.child(at, n, first); err != nil {
			return at, n, rest, err
		}
		at = path.Join(at, first)
		if n.entry.Mode == filemode.Symlink && (rest != "" || follow) {
			return at, n, rest, nil
		}
	}
	return at, n, "", nil
}

func (t *tree) child(dir string, n node, name string) (node, error) {
	switch n.entry.Mode {
	case filemode.Dir:
	case filemode.Submodule:
		return node{}, fmt.Errorf("%s %w", dir, ErrSubmodule)
	default:
		return node{}, fs.ErrNotExist
	}
	d, err := t.dir(n.entry.Hash)
	if err != nil {
		return node{}, err
	}
	if e, ok := d[name]; ok {
		return node{entry: e}, nil
	}
	return node{}, fs.ErrNotExist
}

// target reads where a link points.
func (t *tree) target(at string, n node) (string, error) {
	size, err := t.objects.size(n.entry.Hash)
	if err != nil {
		return "", err
	}
	if size > 4096 {
		return "", fmt.Errorf("%s: the symbolic link's target has %d bytes", at, size)
	}
	data, err := t.objects.blob(n.entry.Hash)
	return string(data), err
}

// within resolves a link's target against the place of the link; leaving the
// tree is an error, also on a way that would come back.
func within(at, to string) (string, error) {
	outside := fmt.Errorf("%s -> %s %w", at, printable(to, 200), ErrOutside)
	if path.IsAbs(to) {
		return "", outside
	}
	depth := strings.Count(at, "/")
	for part := range strings.SplitSeq(to, "/") {
		switch part {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return "", outside
		}
	}
	joined := path.Join(path.Dir(at), to)
	if !fs.ValidPath(joined) {
		return "", outside
	}
	return joined, nil
}
