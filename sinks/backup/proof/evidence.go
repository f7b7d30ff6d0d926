// Package proof shows that a backup can be restored: drills, validations, and
// the evidence they leave behind.
package proof

import (
	"crypto/ed25519"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// sealed is the kind of object that evidence is sealed as.
const sealed = "evidence"

// version is the newest evidence that is written.
const version = 1

// Evidence is what was looked at and found.
type Evidence struct {
	Version  int             `json:"version"`
	Kind     string          `json:"kind"` // drill | validation | restore
	Backup   format.Identity `json:"backup"`
	Point    int64           `json:"point"`
	Taken    time.Time       `json:"taken"`
	Target   string          `json:"target"` // id of the cluster restored into; "embedded"
	Proves   string          `json:"proves"` // in a sentence
	Passed   bool            `json:"passed"`
	Checks   []Check         `json:"checks"`
	Digests  []format.Digest `json:"digests,omitempty"`
	Began    time.Time       `json:"began"`
	Ended    time.Time       `json:"ended"`
	By       string          `json:"by"`
	Software string          `json:"software"`
}

// Check is one thing that was looked at.
type Check struct {
	Name   string   `json:"name"`
	Passed bool     `json:"passed"`
	Text   string   `json:"text"`
	Found  []string `json:"found,omitempty"`
}

// Sign makes the signed JSON: format.Seal's three lines, which Read checks.
// Without a key it is not signed, and proves as much as the paper it is on.
func (e Evidence) Sign(key ed25519.PrivateKey) ([]byte, error) {
	b, err := format.Seal(sealed, e, key)
	if err != nil {
		return nil, fmt.Errorf("sign evidence: %w", err)
	}
	return b, nil
}

// Read reads what Sign made, and says who signed it; nil if nobody did. It is
// for the caller to say whom they trust.
func Read(b []byte) (Evidence, ed25519.PublicKey, error) {
	var e Evidence
	signer, err := format.Open(b, sealed, &e)
	if err != nil {
		return Evidence{}, nil, fmt.Errorf("read evidence: %w", err)
	}
	if e.Version > version {
		return Evidence{}, nil, fmt.Errorf("read evidence: its version is %d, this program knows %d: use a newer one", e.Version, version)
	}
	return e, signer, nil
}

// check adds what was looked at; what was found against it makes it fail.
func (e *Evidence) check(name, text string, found []string) {
	e.Checks = append(e.Checks, Check{Name: name, Passed: len(found) == 0, Text: text, Found: found})
}

// conclude says whether all checks have passed: at least one there must be.
func (e *Evidence) conclude(now time.Time) {
	e.Ended = now
	e.Passed = len(e.Checks) > 0
	for _, c := range e.Checks {
		e.Passed = e.Passed && c.Passed
	}
}

// by is who looks: host and process.
func by() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

// software is what the Go tool wrote into the binary.
func software() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "ottla devel"
	}
	return "ottla " + info.Main.Version
}

// plural is a number with its noun.
func plural[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
