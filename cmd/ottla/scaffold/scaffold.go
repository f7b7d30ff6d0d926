// Package scaffold writes a new repository: base, overlays, encrypted secrets,
// jobs that validate pull requests, and a configuration of the agent to begin
// with. What it writes passes `ottla validate` as it is.
package scaffold

import (
	"bytes"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"text/template"

	"filippo.io/age"

	"github.com/ottla-io/ottla/sources"
)

//go:embed files
var files embed.FS

// KeyFile is where the key that opens the secrets is written, below the
// repository and left out of Git.
const KeyFile = ".ottla/ottla.agekey"

// ConfigFile is where the agent's configuration is written.
const ConfigFile = "agent/ottla.yaml"

// target is one file that is written.
type target struct {
	path, from string
	mode       os.FileMode
}

// targets lists all that is copied; secrets are made.
func targets() []target {
	list := []target{
		{"README.md", "README.md", 0o644},
		{".gitignore", "gitignore", 0o644},
		{".sops.yaml", "sops.yaml", 0o644},
		{"base/kustomization.yaml", "base/kustomization.yaml", 0o644},
		{"base/topics.yaml", "base/topics.yaml", 0o644},
		{"base/users.yaml", "base/users.yaml", 0o644},
		{".github/pull_request_template.md", "request.md", 0o644},
		{".github/workflows/validate.yaml", "github/workflows/validate.yaml", 0o644},
		{".gitlab-ci.yml", "gitlab-ci.yml", 0o644},
		{".gitlab/merge_request_templates/Default.md", "request.md", 0o644},
		{".gitea/pull_request_template.md", "request.md", 0o644},
		{".gitea/workflows/validate.yaml", "gitea/workflows/validate.yaml", 0o644},
		{ConfigFile, "agent/ottla.yaml", 0o644},
	}
	for _, o := range overlays() {
		for _, name := range []string{"kustomization.yaml", "topics.yaml"} {
			list = append(list, target{"overlays/" + o + "/" + name, "overlays/" + o + "/" + name, 0o644})
		}
	}
	return list
}

func overlays() []string { return []string{"dev", "staging", "production"} }

// Write writes a new repository into a directory, made if it is not there, and
// returns the files it wrote. It overwrites nothing.
func Write(dir string) ([]string, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", dir, err)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("make a key for the secrets: %w", err)
	}
	made, err := contents(full, key)
	if err != nil {
		return nil, err
	}
	var written []string
	for path := range made {
		if _, err := os.Stat(filepath.Join(full, path)); !errors.Is(err, fs.ErrNotExist) {
			return nil, &sources.HintError{Err: fmt.Errorf("%s is there already", filepath.Join(dir, path)), Hint: "name a new directory: nothing is overwritten"}
		}
		written = append(written, path)
	}
	slices.Sort(written)
	for _, path := range written {
		if err := put(filepath.Join(full, path), made[path]); err != nil {
			return nil, err
		}
	}
	return written, nil
}

// content is a file's text and mode.
type content struct {
	text []byte
	mode os.FileMode
}

func put(file string, c content) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // a repository is no secret
		return fmt.Errorf("write the repository: %w", err)
	}
	if err := os.WriteFile(file, c.text, c.mode); err != nil {
		return fmt.Errorf("write the repository: %w", err)
	}
	return nil
}

func contents(dir string, key *age.X25519Identity) (map[string]content, error) {
	recipient := key.Recipient().String()
	made := map[string]content{
		KeyFile: {[]byte("# public key: " + recipient + "\n" + key.String() + "\n"), 0o600},
	}
	for _, t := range targets() {
		text, err := fill(t.from, map[string]string{"Dir": dir, "Recipient": recipient})
		if err != nil {
			return nil, err
		}
		made[t.path] = content{text, t.mode}
	}
	for _, o := range overlays() {
		plain, err := fill("secret.yaml", map[string]string{"Password": rand.Text()})
		if err != nil {
			return nil, err
		}
		sealed, err := Seal(plain, recipient)
		if err != nil {
			return nil, err
		}
		made["overlays/"+o+"/secrets.yaml"] = content{sealed, 0o644}
	}
	return made, nil
}

func fill(name string, values map[string]string) ([]byte, error) {
	text, err := files.ReadFile("files/" + name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	parsed, err := template.New(name).Delims("<<", ">>").Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, values); err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return out.Bytes(), nil
}
