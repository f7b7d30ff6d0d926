package kafkatest

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gofrs/flock"
)

//go:embed pom.xml
var pomOfReference string

// VersionEnv names another Kafka than the one in pom.xml, such as 3.9.1.
const VersionEnv = "OTTLA_KAFKA_VERSION"

// Older tells that VersionEnv names a Kafka before the one of reference.
func Older() bool { return strings.HasPrefix(os.Getenv(VersionEnv), "3.") }

// pom names the Kafka to fetch.
func pom() []byte {
	version := os.Getenv(VersionEnv)
	if version == "" {
		return []byte(pomOfReference)
	}
	return []byte(kafkaVersion.ReplaceAllString(pomOfReference, "${1}"+version+"${2}"))
}

// toolsPom names Kafka's command line tools, of the Kafka of reference: they
// bring in Kafka Connect, which a broker has no use for.
func toolsPom() []byte {
	return []byte(kafkaArtifact.ReplaceAllString(pomOfReference, "<artifactId>kafka-tools</artifactId>"))
}

var (
	kafkaVersion  = regexp.MustCompile(`(<artifactId>kafka_2\.13</artifactId>\s*<version>)[^<]*(</version>)`)
	kafkaArtifact = regexp.MustCompile(`<artifactId>kafka_2\.13</artifactId>`)
)

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

// jars returns the folder with Kafka's jars.
func jars(ctx context.Context) (string, error) { return jarsOf(ctx, pom()) }

// jarsOf returns the folder with the jars that a pom names and fetches them
// where it is not there yet. The folder is keyed by the pom; two processes may
// ask at once.
func jarsOf(ctx context.Context, pom []byte) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	home := filepath.Join(cache, "ottla", fmt.Sprintf("kafka-%x", sha256.Sum256(pom))[:18])
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
	return done, fetch(ctx, home, done, pom)
}

// fetch lets Maven copy the jars beside the final folder and renames it into
// place, so that a fetch that was cut off is never taken for a whole one.
func fetch(ctx context.Context, home, done string, pom []byte) error {
	tmp, err := os.MkdirTemp(home, "fetch-")
	if err != nil {
		return fmt.Errorf("fetch the jars: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	file := filepath.Join(tmp, "pom.xml")
	if err := os.WriteFile(file, pom, 0o600); err != nil {
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
