package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"github.com/ottla-io/ottla/sources"
)

// ErrLocked is wrapped where another process has the ledger or the directory.
var ErrLocked = errors.New("is in use by another agent")

// LockDir locks a whole state directory against a second agent until the
// returned function is called. A directory in use is ErrLocked.
func LockDir(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock state directory: %w", err)
	}
	lock, err := takeLock(filepath.Join(dir, "agent.lock"))
	if err != nil {
		return nil, fmt.Errorf("state directory %s: %w", dir, err)
	}
	return lock.Close, nil
}

// takeLock locks a file for as long as the process lives: the kernel lets go
// of it however the process ends. The pid in it is for people.
func takeLock(path string) (*flock.Flock, error) {
	lock := flock.New(path, flock.SetPermissions(0o600))
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if !got {
		return nil, held(path)
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("lock: %w", err)
	}
	return lock, nil
}

func held(path string) error {
	err := error(ErrLocked)
	if pid := holder(path); pid != "" {
		err = fmt.Errorf("%w (pid %s)", ErrLocked, pid)
	}
	return &sources.HintError{Err: err, Hint: "ask it over its socket, or stop it first; a second agent needs a state directory of its own"}
}

func holder(path string) string {
	data, err := os.ReadFile(path)
	pid := strings.TrimSpace(string(data))
	if _, bad := strconv.Atoi(pid); err != nil || bad != nil {
		return ""
	}
	return pid
}
