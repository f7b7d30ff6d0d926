package storetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/gofrs/flock"
)

// The versions that are run.
const (
	VersitygwVersion = "v1.8.0"
	FakeGCSVersion   = "v1.56.1"
	AzuriteVersion   = "3.37.0"
)

// installed returns a file in a folder of the cache; make puts it there where
// it is missing. Two processes may ask at once.
func installed(folder, file string, program string, make func(dir string) *exec.Cmd) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	home := filepath.Join(cache, "ottla", folder)
	if err := os.MkdirAll(home, 0o750); err != nil {
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	lock := flock.New(filepath.Join(home, "lock"))
	if err := lock.Lock(); err != nil {
		return "", fmt.Errorf("lock the cache folder: %w", err)
	}
	defer func() { _ = lock.Unlock() }()
	path := filepath.Join(home, file)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if _, err := exec.LookPath(program); err != nil {
		return "", &missingError{fmt.Sprintf("%s is not installed: it is needed to install %s", program, folder)}
	}
	if out, err := make(home).CombinedOutput(); err != nil {
		return "", fmt.Errorf("install %s: %w\n%s", folder, err, out)
	}
	return path, nil
}

// goProgram builds a program of a module as go install does.
func goProgram(ctx context.Context, name, module, version string) (string, error) {
	return installed(name+"-"+version, name, "go", func(dir string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "go", "install", module+"@"+version)
		cmd.Env = append(os.Environ(), "GOBIN="+dir)
		cmd.Dir = dir // outside of any module
		return cmd
	})
}

// azurite is the script that node runs. npm renames a package into place when
// all of it is there, and makes the script last.
func azurite(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("node"); err != nil {
		return "", &missingError{"node is not installed: it is needed to run Azurite, an Azure blob store"}
	}
	return installed("azurite-"+AzuriteVersion, filepath.Join("node_modules", ".bin", "azurite-blob"), "npm", func(dir string) *exec.Cmd {
		return exec.CommandContext(ctx, "npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", "azurite@"+AzuriteVersion)
	})
}
