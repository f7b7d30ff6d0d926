package layout

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ottla-io/ottla/sources"
)

// Write writes files below a directory. Unless force, none of them is written
// where one is there.
func Write(dir string, files []File, force bool) error {
	for _, f := range files {
		if _, err := os.Lstat(at(dir, f)); err == nil && !force {
			return &sources.HintError{Err: fmt.Errorf("%s is there already: nothing is written", at(dir, f)), Hint: "name another directory, or overwrite it with --force"}
		}
	}
	for _, f := range files {
		if err := writeOne(at(dir, f), f.Text, force); err != nil {
			return fmt.Errorf("write %s: %w", at(dir, f), err)
		}
	}
	return nil
}

func at(dir string, f File) string { return filepath.Join(dir, filepath.FromSlash(f.Path)) }

// writeOne never follows a link: what stands in its place is replaced.
func writeOne(name string, text []byte, force bool) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // a repository is no secret
		return err
	}
	if force {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // the caller names the directory
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}
