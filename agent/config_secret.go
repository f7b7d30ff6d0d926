package agent

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Secret says where a secret is: in a file or in an environment variable. It
// never holds the secret itself.
type Secret struct{ File, Env string }

// IsZero tells that no secret was named.
func (s Secret) IsZero() bool { return s == Secret{} }

// Read returns the secret without the line end that editors add. It is read
// anew at each use, so that a rotated secret needs no restart. Errors name the
// file or variable, never what is in it.
func (s Secret) Read() (string, error) {
	switch {
	case s.File != "":
		return s.readFile()
	case s.Env != "":
		return s.readEnv()
	default:
		return "", errors.New("no file or environment variable is named for this secret")
	}
}

func (s Secret) readFile() (string, error) {
	path, err := expandCredentials(s.File)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	text := strings.TrimRight(string(data), "\r\n")
	if strings.TrimSpace(text) == "" {
		return "", fmt.Errorf("secret file %s is empty", path)
	}
	return text, nil
}

func (s Secret) readEnv() (string, error) {
	text := strings.TrimRight(os.Getenv(s.Env), "\r\n")
	if strings.TrimSpace(text) == "" {
		return "", fmt.Errorf("environment variable %s is empty or not set", s.Env)
	}
	return text, nil
}

// empty tells a secret that is there and says nothing. One that is not there
// yet is told at its use: a configuration may be checked on another machine.
func (s Secret) empty() bool {
	if s.Env != "" {
		text, set := os.LookupEnv(s.Env)
		return set && strings.TrimSpace(text) == ""
	}
	data, err := os.ReadFile(s.File)
	return err == nil && strings.TrimSpace(string(data)) == ""
}

// unitCredentials is where systemd shows our unit's credentials to root while
// it runs, so that a command of root's reads the unit's configuration as it is.
const unitCredentials = "/run/credentials/ottla.service"

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// expandCredentials replaces a leading $CREDENTIALS_DIRECTORY, where systemd
// puts what a unit's LoadCredential names. No other variable is looked at.
func expandCredentials(path string) (string, error) {
	for _, prefix := range []string{"$CREDENTIALS_DIRECTORY/", "${CREDENTIALS_DIRECTORY}/"} {
		rest, ok := strings.CutPrefix(path, prefix)
		if !ok {
			continue
		}
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" && !exists(unitCredentials) {
			return "", fmt.Errorf("%s: CREDENTIALS_DIRECTORY is not set: systemd sets it for a unit that has LoadCredential", path)
		}
		dir = cmp.Or(dir, unitCredentials)
		return filepath.Join(dir, rest), nil
	}
	return path, nil
}
