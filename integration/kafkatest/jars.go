package kafkatest

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/gofrs/flock"
)

// DefaultVersion is the Kafka that pom.xml names.
const DefaultVersion = "4.3.1"

//go:embed pom.xml
var pom []byte

// missingError says what this machine lacks to start a broker.
type missingError struct{ what string }

func (e *missingError) Error() string { return e.what }

// needed fails with a missingError where a program is not installed.
func needed(programs ...string) error {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return &missingError{fmt.Sprintf("%s is not installed: it is needed to run a real Apache Kafka", p)}
		}
	}
	return nil
}

// pomFor names the jars of a version of Kafka, "" for the usual one.
func pomFor(version string) []byte {
	if version == "" {
		return pom
	}
	return bytes.Replace(pom, []byte("<version>"+DefaultVersion+"</version>"), []byte("<version>"+version+"</version>"), 1)
}

// jars returns the folder with Kafka's jars and fetches them where it is not
// there yet. The folder is keyed by the pom; two processes may ask at once.
func jars(ctx context.Context, version string) (string, error) {
	wanted := pomFor(version)
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	home := filepath.Join(cache, "ottla", fmt.Sprintf("kafka-%x", sha256.Sum256(wanted))[:18])
	if err := os.MkdirAll(home, 0o750); err != nil {
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	lock := flock.New(filepath.Join(home, "lock"))
	if err := lock.Lock(); err != nil {
		return "", fmt.Errorf("lock the cache folder: %w", err)
	}
	defer func() { _ = lock.Unlock() }()
	done := filepath.Join(home, "jars")
	if _, err := os.Stat(done); err == nil {
		return done, nil
	}
	if err := needed("mvn"); err != nil {
		return "", err
	}
	return done, fetch(ctx, wanted, home, done)
}

// fetch lets Maven copy the jars beside the final folder and renames it into
// place, so that a fetch that was cut off is never taken for a whole one.
func fetch(ctx context.Context, wanted []byte, home, done string) error {
	tmp, err := os.MkdirTemp(home, "fetch-")
	if err != nil {
		return fmt.Errorf("fetch the jars: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	file := filepath.Join(tmp, "pom.xml")
	if err := os.WriteFile(file, wanted, 0o600); err != nil {
		return fmt.Errorf("fetch the jars: %w", err)
	}
	out := filepath.Join(tmp, "jars")
	//nolint:gosec // the paths are our own
	cmd := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", file, "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+out)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("fetch the jars with mvn: %w\n%s", err, text)
	}
	if err := os.Rename(out, done); err != nil {
		return fmt.Errorf("fetch the jars: %w", err)
	}
	return nil
}
