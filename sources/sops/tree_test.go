package sops

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/getsops/sops/v3"

	"github.com/ottla-io/ottla/reconcile"
)

const secretText = `# credentials
apiVersion: v1
kind: Secret
metadata:
    name: bob # the user
stringData:
    # how bob logs in
    password: "canary-hunter2-ö-plaintext"
    cert: |
        line one
        line two
    number: 42
    yes: true
type: Opaque
`

func read(t *testing.T, keys *Keys, name string, data []byte) string {
	t.Helper()
	got, err := fs.ReadFile(Decrypted(tree(map[string][]byte{name: data}), keys, Options{}), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestASecretIsDecryptedInPlaceAndKeepsItsLines(t *testing.T) {
	file, recipient := identity(t)
	sealed := seal(t, yamlFormat, secretText, forAge(t, recipient), dataOnly)
	if bytes.Contains(sealed, []byte("canary")) {
		t.Fatal("the fixture is not encrypted")
	}
	got := read(t, loadKeys(t, file), "secret.yaml", sealed)
	if !strings.Contains(got, `password: "canary-hunter2-\u00f6-plaintext"`) || !strings.Contains(got, `cert: "line one\nline two\n"`) ||
		!strings.Contains(got, "number: 42\n") || !strings.Contains(got, "\"yes\": true\n") {
		t.Errorf("got\n%s", got)
	}
	if strings.Contains(got, "sops") || strings.Contains(got, "ENC[") {
		t.Errorf("something of SOPS is left:\n%s", got)
	}
	sealedLines, lines := strings.Split(string(sealed), "\n"), strings.Split(got, "\n")
	if len(lines) != len(sealedLines) {
		t.Fatalf("%d lines became %d", len(sealedLines), len(lines))
	}
	for i, line := range sealedLines {
		if strings.HasPrefix(line, "sops:") {
			break
		}
		key, _, _ := strings.Cut(line, "ENC[")
		key, _, _ = strings.Cut(key, ":")
		if !strings.HasPrefix(lines[i], key) {
			t.Errorf("line %d was %q and is %q", i+1, line, lines[i])
		}
	}
}

func TestEveryFormatReadsAsSopsWouldPrintIt(t *testing.T) {
	file, recipient := identity(t)
	keys := loadKeys(t, file)
	for name, tc := range map[string]struct {
		format format
		plain  string
	}{
		"password.txt":  {binaryFormat, canary + "\n"},
		"noextension":   {binaryFormat, "a\x00b"},
		"settings.env":  {dotenvFormat, "USER=bob\nPASSWORD=" + canary + "\n"},
		"settings.ini":  {iniFormat, "[login]\npassword = " + canary + "\n"},
		"settings.json": {jsonFormat, "{\n  \"password\": \"" + canary + "\",\n  \"n\": 1\n}\n"},
		"values.yaml":   {yamlFormat, "password: " + canary + "\nlist:\n  - a\n  - 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			sealed := seal(t, tc.format, tc.plain, forAge(t, recipient))
			got := read(t, keys, name, sealed)
			if strings.TrimSpace(got) != strings.TrimSpace(tc.plain) {
				t.Errorf("got\n%q\nwant\n%q", got, tc.plain)
			}
		})
	}
}

func TestDocumentsOfOneFileAreDecryptedEachByItself(t *testing.T) {
	file, recipient := identity(t)
	other, otherRecipient := identity(t)
	one := seal(t, yamlFormat, secretText, forAge(t, recipient), dataOnly)
	two := seal(t, yamlFormat, strings.ReplaceAll(secretText, "bob", "eve"), forAge(t, otherRecipient))
	plain := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
	whole := strings.Join([]string{string(one), string(two), plain}, "---\n")
	got := read(t, loadKeys(t, file, other), "all.yaml", []byte(whole))
	if strings.Count(got, "canary-hunter2") != 2 || !strings.HasSuffix(got, "---\n"+plain) || strings.Contains(got, "ENC[") {
		t.Errorf("got\n%s", got)
	}
	if strings.Count(got, "\n") != strings.Count(whole, "\n") {
		t.Error("lines moved")
	}
}

func TestAFileEncryptedAsAWholeIsCheckedAsAWhole(t *testing.T) {
	file, recipient := identity(t)
	keys := loadKeys(t, file)
	sealed := seal(t, yamlFormat, secretText+"---\n"+strings.ReplaceAll(secretText, "bob", "eve"), forAge(t, recipient), dataOnly)
	got := read(t, keys, "both.yaml", sealed)
	if strings.Count(got, "canary-hunter2") != 2 {
		t.Errorf("got\n%s", got)
	}
	_, second, _ := bytes.Cut(sealed, []byte("---\n"))
	_, err := fs.ReadFile(Decrypted(tree(map[string][]byte{"one.yaml": second}), keys, Options{}), "one.yaml")
	if err == nil || !strings.Contains(err.Error(), "MAC does not match") {
		t.Errorf("a document was cut out and nobody noticed: %v", err)
	}
}

func TestFlowStyleDocumentsKeepTheirFirstLine(t *testing.T) {
	file, recipient := identity(t)
	sealed := seal(t, jsonFormat, `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bob"}, "stringData": {"p": "x"}}`, forAge(t, recipient), dataOnly)
	got := read(t, loadKeys(t, file), "secret.yaml", append([]byte("\n# first\n---\n# second\n"), sealed...))
	before, _, _ := strings.Cut(got, "apiVersion")
	if strings.Count(before, "\n") != 4 || !strings.Contains(got, "\"x\"") && !strings.Contains(got, "p: x") {
		t.Errorf("got\n%s", got)
	}
}

func TestPlainFilesPassThroughUntouched(t *testing.T) {
	files := map[string][]byte{
		"a.yaml":     []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: b}\n"),
		"sops.yaml":  []byte("apiVersion: x/v1\nkind: X\nsops:\n  enabled: true\n# ENC[ is mentioned\n"),
		".sops.yaml": []byte("creation_rules:\n- age: x\n# sops: ENC[AES256_GCM,\n"),
		"doc.md":     []byte("Use sops; values look like ENC[AES256_GCM,…]."),
		"bad.yaml":   []byte("a: [\n"),
	}
	decrypted := Decrypted(tree(files), nil, Options{})
	for name, data := range files {
		got, err := fs.ReadFile(decrypted, name)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
	if err := fstest.TestFS(decrypted, "a.yaml", "doc.md"); err != nil {
		t.Error(err)
	}
}

func TestTheTreeRemembersWhatWasEncrypted(t *testing.T) {
	file, recipient := identity(t)
	sealed := seal(t, binaryFormat, canary+"\n", forAge(t, recipient))
	d := Decrypted(tree(map[string][]byte{"p.txt": sealed, "q.txt": []byte("open")}), loadKeys(t, file), Options{})
	for _, name := range []string{"p.txt", "q.txt"} {
		if _, err := fs.ReadFile(d, name); err != nil {
			t.Fatal(err)
		}
	}
	if !d.WasEncrypted(canary) || !d.WasEncrypted(canary+"\n") || d.WasEncrypted("open") {
		t.Error("what was encrypted and what was not is mixed up")
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", d, d, d), canary) {
		t.Error("the tree prints what it decrypted")
	}
}

func TestPlaceholdersNeedNoKeys(t *testing.T) {
	_, recipient := identity(t)
	sealed := seal(t, yamlFormat, secretText, forAge(t, recipient), dataOnly)
	env := seal(t, dotenvFormat, "A=b\n", forAge(t, recipient))
	d := Decrypted(tree(map[string][]byte{"s.yaml": sealed, "a.env": env}), nil, Options{Placeholders: true})
	got, err := fs.ReadFile(d, "s.yaml")
	if err != nil || strings.Count(string(got), reconcile.Placeholder) != 2 || !strings.Contains(string(got), "number: 1\n") {
		t.Errorf("%v\n%s", err, got)
	}
	got, err = fs.ReadFile(d, "a.env")
	if err != nil || string(got) != "A="+reconcile.Placeholder+"\n" || !d.WasEncrypted(reconcile.Placeholder) {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestPlaceholdersRefuseMetadataThatCannotBeRight(t *testing.T) {
	_, recipient := identity(t)
	good := string(seal(t, yamlFormat, secretText, forAge(t, recipient), dataOnly))
	from := strings.Index(good, "  age:")
	to := strings.Index(good, "  encrypted_regex")
	if from < 0 || to < from {
		t.Fatalf("unexpected layout:\n%s", good)
	}
	for name, tc := range map[string]struct{ text, want string }{
		"no recipient": {good[:from] + good[to:], "incomplete or damaged"},
		"no MAC":       {strings.Replace(good, "  mac: ENC[", "  mac: ([", 1), "has no MAC"},
		"no time":      {strings.Replace(good, "lastmodified:", "lastmodifie:", 1), "incomplete or damaged"},
		"example text": {"apiVersion: v1\nkind: Secret\nstringData:\n  a: ENC[AES256_GCM,data:...,type:str]\nsops:\n  kms:\n  - arn: x\n  version: 3.7.3\n", "incomplete or damaged"},
	} {
		d := Decrypted(tree(map[string][]byte{"s.yaml": []byte(tc.text)}), nil, Options{Placeholders: true})
		if _, err := fs.ReadFile(d, "s.yaml"); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "s.yaml") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIsEncryptedKnowsSopsValues(t *testing.T) {
	if !IsEncrypted("ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]") || IsEncrypted("ENC[") || IsEncrypted(canary) {
		t.Error("wrong")
	}
}

func ofKeys(m *sops.Metadata, n int) {
	for len(m.KeyGroups[0]) < n {
		m.KeyGroups[0] = append(m.KeyGroups[0], m.KeyGroups[0][0])
	}
}
