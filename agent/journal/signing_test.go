package journal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/journal"
)

func TestTheSigningKeyIsMadeOnceForItsOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	first, err := journal.SigningKey(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "backup.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	again, err := journal.SigningKey(dir, "")
	if err != nil || !again.Equal(first) {
		t.Errorf("it is another one: %v", err)
	}
	named, err := journal.SigningKey("", filepath.Join(dir, "backup.key"))
	if err != nil || !named.Equal(first) {
		t.Errorf("by its name: %v", err)
	}
}

func TestASigningKeyThatIsNoneIsSaidWithoutIt(t *testing.T) {
	dir := t.TempDir()
	if _, err := journal.SigningKey(dir, filepath.Join(dir, "mine.pem")); err == nil {
		t.Error("a named key that is not there was made")
	}
	for name, text := range map[string]string{"no PEM": "canary-7731", "no PKCS 8": "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5LTc3MzE=\n-----END PRIVATE KEY-----\n"} {
		file := filepath.Join(dir, "backup.key")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := journal.SigningKey(dir, "")
		if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(agent.ProblemOf(err).Hint, "openssl genpkey") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
