package journal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ottla-io/ottla/sources"
)

// keyLength is that of the seal key, in bytes.
const keyLength = 32

// Key returns the key by which secrets are sealed before they are written to
// the ledger (reconcile.Seal). It is made once, readable by its owner only. A
// lost key costs no safety: every declared password is sent again, once.
func Key(dir string) ([]byte, error) {
	path := filepath.Join(dir, "seal.key")
	key, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return newKey(dir, path)
	case err != nil:
		return nil, fmt.Errorf("read seal key: %w", err)
	case len(key) != keyLength:
		return nil, &sources.HintError{
			Err:  fmt.Errorf("seal key %s is damaged: it has %d bytes, not %d", path, len(key), keyLength),
			Hint: "restore a copy of the file; or move it away: every declared password is then sent again, once",
		}
	}
	return key, nil
}

func newKey(dir, path string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create seal key: %w", err)
	}
	key := make([]byte, keyLength)
	_, _ = rand.Read(key) // it never fails: crypto/rand ends the process instead
	if err := Replace(path, key); err != nil {
		return nil, fmt.Errorf("create seal key: %w", err)
	}
	return key, nil
}
