package git

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// commonDir is where a linked work tree keeps its refs; see gitrepository-layout.
func commonDir(gitDir string) string {
	data, err := os.ReadFile(filepath.Join(gitDir, "commondir"))
	if err != nil {
		return gitDir
	}
	common := strings.TrimSpace(string(data))
	if filepath.IsAbs(common) {
		return common
	}
	return filepath.Join(gitDir, common)
}

// readRefs reads branches and tags of a repository that others write to.
// go-git's own listing takes a lock file that vanishes for a missing directory
// and drops all branches in it. The order matters: a ref that is packed while
// we read goes from the loose files to packed-refs, never back.
func readRefs(dir string) (map[string]plumbing.Hash, error) {
	loose := map[string]plumbing.Hash{}
	for _, kind := range []string{"refs/heads", "refs/tags"} {
		err := filepath.WalkDir(filepath.Join(dir, kind), func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // deleted, or packed
			}
			if err != nil || e.IsDir() || strings.HasSuffix(path, ".lock") {
				return err
			}
			return looseRef(dir, path, loose)
		})
		if err != nil {
			return nil, err
		}
	}
	refs, err := packedRefs(dir)
	if err != nil {
		return nil, err
	}
	for name, h := range loose {
		refs[name] = h
	}
	return refs, nil
}

func looseRef(dir, path string, into map[string]plumbing.Hash) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	text := strings.TrimSpace(string(data))
	if strings.HasPrefix(text, "ref: ") {
		return nil // a branch that is another's second name
	}
	if !plumbing.IsHash(text) {
		return fmt.Errorf("%s does not hold a hash", path)
	}
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	into[filepath.ToSlash(name)] = plumbing.NewHash(text)
	return nil
}

func packedRefs(dir string) (map[string]plumbing.Hash, error) {
	out := map[string]plumbing.Hash{}
	data, err := os.ReadFile(filepath.Join(dir, "packed-refs"))
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		hash, name, ok := strings.Cut(lines.Text(), " ")
		if ok && plumbing.IsHash(hash) && (strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/")) {
			out[name] = plumbing.NewHash(hash)
		}
	}
	return out, nil
}
