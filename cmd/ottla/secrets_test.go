package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/docs/examples"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
	"github.com/ottla-io/ottla/sources/sops"
)

// canaries are the plaintexts of the example platform's secrets.
func canaries(dir string) ([]string, error) {
	key := filepath.Join(dir, "canary.agekey")
	if err := os.WriteFile(key, []byte(examples.DemoKey()), 0o600); err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(key) }()
	keys, err := sops.LoadKeys([]string{key}, nil)
	if err != nil {
		return nil, err
	}
	text, err := sops.Decrypted(examples.Platform(), keys, sops.Options{}).ReadFile("overlays/dev/secrets.yaml")
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && len(value) > 12 && name != "apiVersion" {
			all = append(all, strings.Trim(value, `"`))
		}
	}
	return all, nil
}

// secretless fails if a plaintext, or a password of ours, stands in anything
// that was printed so far or lies in a file of the script.
func secretless(ts *testscript.TestScript, _ bool, _ []string) {
	dir := ts.Getenv("WORK")
	secrets, err := canaries(dir)
	ts.Check(err)
	if len(secrets) != 4 {
		ts.Fatalf("%d canaries, want 4", len(secrets))
	}
	secrets = append(secrets, brokerPassword)
	ts.Check(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !d.Type().IsRegular() || d.Name() == "kafka-password" {
			return err
		}
		data, err := os.ReadFile(path)
		for _, secret := range secrets {
			if strings.Contains(string(data), secret) {
				ts.Fatalf("%s holds a secret", path)
			}
		}
		return err
	}))
}

// TestAForcedPanicShowsNoSecret panics with everything a round holds.
func TestAForcedPanicShowsNoSecret(t *testing.T) {
	dir := t.TempDir()
	secrets, err := canaries(dir)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "demo.agekey")
	if err := os.WriteFile(key, []byte(examples.DemoKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	read := reader{renderer: newRenderer(syncWithKey(key)), keys: keysOf(syncWithKey(key)), path: "overlays/dev"}
	rendered, err := read.render(t.Context(), sources.Snapshot{Tree: examples.Platform()})
	if err != nil {
		t.Fatal(err)
	}
	declared, err := read.declare(rendered)
	if err != nil {
		t.Fatal(err)
	}
	sealed := reconcile.Seal([]byte("key"), declared.Resources)
	for _, thing := range []any{rendered, declared, sealed, &declared, read} {
		for _, printed := range panics(thing) {
			for _, secret := range secrets {
				if strings.Contains(printed, secret) {
					t.Errorf("%T prints a secret", thing)
				}
			}
		}
	}
}

func syncWithKey(file string) agent.SyncConfig {
	return agent.SyncConfig{SOPS: agent.SOPSConfig{AgeKeyFiles: []string{file}}}
}

// panics is what a panic with the thing would print, by every verb.
func panics(thing any) (printed []string) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		func() {
			defer func() { printed = append(printed, fmt.Sprint(recover())) }()
			panic(fmt.Sprintf(verb, thing))
		}()
	}
	return printed
}
