package sops_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
	"github.com/ottla-io/ottla/sources/kustomize"
	"github.com/ottla-io/ottla/sources/sops"
)

// real is a folder of files that the sops program encrypts.
type real struct {
	t   *testing.T
	dir string
	env []string
}

func newReal(t *testing.T, programs ...string) *real {
	t.Helper()
	for _, program := range append(programs, "sops") {
		if _, err := exec.LookPath(program); err == nil {
			continue
		}
		words := program + " is not installed: go install github.com/getsops/sops/v3/cmd/sops@v3.13.3 filippo.io/age/cmd/...@v1.3.2 (one by one), gpg by the system's packages"
		if os.Getenv("OTTLA_REQUIRE_REAL") == "1" {
			t.Fatal(words)
		}
		t.Skip(words)
	}
	return &real{t: t, dir: t.TempDir(), env: append(os.Environ(), "HOME="+t.TempDir())}
}

func (r *real) run(program string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), program, args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, stderr.Bytes())
	}
	return string(out)
}

// file writes a plain file.
func (r *real) file(name, text string) {
	r.t.Helper()
	full := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// encrypted writes a file and lets sops encrypt it for a recipient; args come
// before.
func (r *real) encrypted(name, text string, args ...string) {
	r.t.Helper()
	r.file(name, text)
	r.run("sops", append(append([]string{"encrypt", "--in-place"}, args...), name)...)
	if data, err := os.ReadFile(filepath.Join(r.dir, name)); err != nil || strings.Contains(string(data), canary) {
		r.t.Fatalf("%s is not encrypted: %v", name, err)
	}
}

// age is a recipient, as arguments of sops, and the keys that open its files.
func (r *real) age() ([]string, *sops.Keys) {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "id.agekey")
	r.run("age-keygen", "-o", file)
	recipient := strings.TrimSpace(r.run("age-keygen", "-y", file))
	return []string{"--age", recipient}, r.keys([]string{file}, nil)
}

// pgp is the same by gpg. Its folder has a short name: gpg's agent makes a
// socket in it.
func (r *real) pgp() ([]string, *sops.Keys) {
	r.t.Helper()
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		r.t.Fatal(err)
	}
	r.env = append(r.env, "GNUPGHOME="+home)
	r.t.Cleanup(func() {
		cmd := exec.Command("gpgconf", "--kill", "gpg-agent")
		cmd.Env = r.env
		_ = cmd.Run()
		_ = os.RemoveAll(home)
	})
	r.run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "x <x@localhost>", "default", "default", "30d")
	fingerprint := ""
	for _, line := range strings.Split(r.run("gpg", "--batch", "--list-keys", "--with-colons"), "\n") {
		if id, ok := strings.CutPrefix(line, "fpr:::::::::"); ok && fingerprint == "" {
			fingerprint = strings.TrimSuffix(id, ":")
		}
	}
	file := filepath.Join(home, "secret.asc")
	r.run("gpg", "--batch", "--armor", "--output", file, "--export-secret-keys", fingerprint)
	return []string{"--pgp", fingerprint}, r.keys(nil, []string{file})
}

func (r *real) keys(age, pgp []string) *sops.Keys {
	r.t.Helper()
	keys, err := sops.LoadKeys(age, pgp)
	if err != nil {
		r.t.Fatal(err)
	}
	return keys
}

const canary = "canary-hunter2-plaintext"

const inPlace = "apiVersion: v1\nkind: Secret\nmetadata:\n    name: bob\nstringData:\n    password: " + canary + "\n"

// onlyData is how people encrypt Secrets in place.
func onlyData(args []string) []string {
	return append([]string{"--encrypted-regex", "^(data|stringData)$"}, args...)
}

func TestFilesOfTheRealSopsAreOpenedAndTamperedOnesAreNot(t *testing.T) {
	for name, recipient := range map[string]func(*real) ([]string, *sops.Keys){"age": (*real).age, "pgp": (*real).pgp} {
		t.Run(name, func(t *testing.T) {
			r := newReal(t, map[string]string{"age": "age-keygen", "pgp": "gpg"}[name])
			args, keys := recipient(r)
			for file, plain := range map[string]string{
				"bob.yaml": inPlace,
				"p.txt":    canary + "\n",
				"all.yaml": "user_unencrypted: bob\npassword: " + canary + "\n",
				"a.env":    "user_unencrypted=bob\npassword=" + canary + "\n",
				"a.json":   "{\n  \"user_unencrypted\": \"bob\",\n  \"password\": \"" + canary + "\"\n}\n",
				"a.ini":    "[login]\nuser_unencrypted = bob\npassword         = " + canary + "\n",
			} {
				how := args
				if file == "bob.yaml" {
					how = onlyData(args)
				}
				r.encrypted(file, plain, how...)
				r.opens(keys, file, plain)
				if file != "p.txt" {
					r.refusesEdited(keys, file)
				}
			}
		})
	}
}

func (r *real) opens(keys *sops.Keys, file, plain string) {
	r.t.Helper()
	tree := sops.Decrypted(os.DirFS(r.dir), keys, sops.Options{})
	got, err := fs.ReadFile(tree, file)
	if err != nil {
		r.t.Errorf("%s: %v", file, err)
		return
	}
	text := strings.ReplaceAll(string(got), `"`+canary+`"`, canary) // in place it stands in quotes
	if strings.TrimSpace(text) != strings.TrimSpace(strings.ReplaceAll(plain, `"`+canary+`"`, canary)) {
		r.t.Errorf("%s reads\n%s\nwant\n%s", file, got, plain)
	}
	if !tree.WasEncrypted(canary) && !tree.WasEncrypted(plain) || tree.WasEncrypted("bob") {
		r.t.Errorf("%s: what was encrypted and what was not is mixed up", file)
	}
}

// refusesEdited changes a value that is not encrypted.
func (r *real) refusesEdited(keys *sops.Keys, file string) {
	r.t.Helper()
	data, err := fs.ReadFile(os.DirFS(r.dir), file)
	if err != nil {
		r.t.Fatal(err)
	}
	r.file("edited-"+file, strings.Replace(string(data), "bob", "eve", 1))
	_, err = fs.ReadFile(sops.Decrypted(os.DirFS(r.dir), keys, sops.Options{}), "edited-"+file)
	if err == nil || !strings.Contains(err.Error(), "MAC does not match") || strings.Contains(fmt.Sprintf("%+v", err), canary) {
		r.t.Errorf("%s: edited, it gave %v", file, err)
	}
}

// platform is a base with secrets of every shape below an overlay.
func platform(t *testing.T) (*real, sources.Rendered, *sops.Tree) {
	t.Helper()
	r := newReal(t, "age-keygen")
	recipient, keys := r.age()
	r.file("over/kustomization.yaml", "resources: [../base]\nnamespace: kafka\nnamePrefix: eu-\n")
	r.file("base/kustomization.yaml", `resources: [bob.yaml, user.yaml]
secretGenerator:
- {name: files, files: [password.txt, settings.json]}
- {name: login, envs: [login.env]}
- {name: open, literals: [password=in-the-open]}
`)
	r.file("base/user.yaml", `apiVersion: kafka.strimzi.io/v1
kind: KafkaUser
metadata: {name: carol}
spec: {authentication: {type: scram-sha-512, password: {valueFrom: {secretKeyRef: {name: files, key: password.txt}}}}}
`)
	r.encrypted("base/bob.yaml", inPlace, onlyData(recipient)...)
	r.encrypted("base/password.txt", canary+"-file", recipient...)
	r.encrypted("base/settings.json", `{"p": "`+canary+`-json"}`, recipient...)
	r.encrypted("base/login.env", "PASSWORD="+canary+"-env\n", recipient...)
	tree := sops.Decrypted(os.DirFS(r.dir), keys, sops.Options{})
	refs := []kustomize.NameRef{{Kind: "KafkaUser", APIGroup: "kafka.strimzi.io", Path: "spec/authentication/password/valueFrom/secretKeyRef/name", Refers: "Secret"}}
	out, err := kustomize.New(kustomize.Options{NameRefs: refs}).Render(t.Context(), tree, "over")
	if err != nil {
		t.Fatal(err)
	}
	return r, out, tree
}

func TestSecretsOfEveryShapeArriveDecryptedThroughAnOverlay(t *testing.T) {
	_, out, tree := platform(t)
	for _, want := range []struct{ name, section, key, value, origin string }{
		{"eu-bob", "stringData", "password", canary, "base/bob.yaml:1"},
		{"eu-files-", "data", "password.txt", canary + "-file", "base/kustomization.yaml"},
		{"eu-files-", "data", "settings.json", canary + "-json", "base/kustomization.yaml"},
		{"eu-login-", "data", "PASSWORD", canary + "-env", "base/kustomization.yaml"},
	} {
		doc := find(t, out, "Secret", want.name)
		section, _ := doc.Body.Get(want.section)
		node, _ := section.Get(want.key)
		value := node.Text()
		if want.section == "data" {
			decoded, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				t.Fatal(err)
			}
			value = string(decoded)
		}
		if !strings.Contains(value, want.value) || doc.Origin.String() != want.origin || doc.Namespace != "kafka" {
			t.Errorf("%s %s: %q from %s, want %+v", doc.Name, want.key, value, doc.Origin, want)
		}
		if !tree.WasEncrypted(value) {
			t.Errorf("%s %s is taken for plain text", doc.Name, want.key)
		}
	}
	user := find(t, out, "KafkaUser", "eu-carol")
	name := user.Body
	for _, key := range []string{"spec", "authentication", "password", "valueFrom", "secretKeyRef", "name"} {
		name, _ = name.Get(key)
	}
	if name.Text() != find(t, out, "Secret", "eu-files-").Name {
		t.Errorf("the user's password is in %q", name.Text())
	}
	if len(out.Plaintext) != 1 || !strings.HasPrefix(out.Plaintext[0].Name, "eu-open-") {
		t.Errorf("in plain text: %v", out.Plaintext)
	}
	if tree.WasEncrypted("in-the-open") || strings.Contains(fmt.Sprintf("%v %+v %#v", out, out, out), canary) {
		t.Error("a printed form shows a secret, or an open one passes for encrypted")
	}
}

func find(t *testing.T, r sources.Rendered, kind, name string) reconcile.Document {
	t.Helper()
	for _, d := range r.Documents {
		if d.Kind == kind && strings.HasPrefix(d.Name, name) {
			return d
		}
	}
	t.Fatalf("no %s %s in %v", kind, name, r.Documents)
	return reconcile.Document{}
}
