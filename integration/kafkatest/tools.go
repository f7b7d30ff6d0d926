package kafkatest

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
)

// DumpLog is the class behind kafka-dump-log.sh.
const DumpLog = "org.apache.kafka.tools.DumpLogSegments"

// Tool runs one of Kafka's own command line tools by its class, as the script
// of its name does, and returns what it printed; it fails the test where the
// tool does.
func Tool(t testing.TB, class string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	if err := needed("java"); err != nil {
		unavailable(t, err)
	}
	dir, err := jarsOf(ctx, toolsPom())
	if err != nil {
		unavailable(t, err)
	}
	//nolint:gosec // the arguments are our own
	cmd := exec.CommandContext(ctx, "java", append([]string{"-XX:TieredStopAtLevel=1", "-cp", filepath.Join(dir, "*"), class}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("run %s: %v\n%s", class, err, out)
	}
	return string(out)
}
