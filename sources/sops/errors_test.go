package sops

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getsops/sops/v3"
	sopskeys "github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/kms"

	"github.com/ottla-io/ottla/sources"
)

func fails(t *testing.T, keys *Keys, name string, data []byte) error {
	t.Helper()
	got, err := fs.ReadFile(Decrypted(tree(map[string][]byte{name: data}), keys, Options{}), name)
	if err == nil {
		t.Fatalf("it was read:\n%s", got)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", err, err, err, errors.Unwrap(err)); strings.Contains(text, "canary") {
		t.Errorf("the error holds plaintext: %s", text)
	}
	if !strings.Contains(err.Error(), name) {
		t.Errorf("the error does not name %s: %v", name, err)
	}
	return err
}

func TestNoUsableKeyNamesWhatIsWantedAndWhatIsHeld(t *testing.T) {
	held, heldRecipient := identity(t)
	_, wanted := identity(t)
	cloud := kms.NewMasterKeyFromArn("arn:aws:kms:us-east-1:1:key/x", nil, "")
	cloud.EncryptedKey = "abc"
	sealed := seal(t, yamlFormat, secretText, forAge(t, wanted), dataOnly)
	err := fails(t, loadKeys(t, held), "secret.yaml", sealed)
	for _, want := range []string{"age " + wanted, "age " + heldRecipient} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	var hint *sources.HintError
	if !errors.As(err, &hint) || !strings.Contains(hint.Hint, "updatekeys") {
		t.Errorf("no hint: %v", err)
	}
	if err := fails(t, nil, "secret.yaml", sealed); !strings.Contains(err.Error(), "keys held: none") {
		t.Error(err)
	}
	o := opener{keys: loadKeys(t, held)}
	_, err = o.dataKey(sops.Metadata{KeyGroups: []sops.KeyGroup{{sopskeys.MasterKey(cloud)}}})
	if err == nil || !strings.Contains(err.Error(), "kms arn:aws:kms:us-east-1:1:key/x") {
		t.Errorf("a key of the cloud is not named: %v", err)
	}
}

func TestTheEnvironmentHoldsNoKeys(t *testing.T) {
	file, recipient := identity(t)
	secret, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOPS_AGE_KEY", string(secret))
	t.Setenv("SOPS_AGE_KEY_FILE", file)
	fails(t, nil, "secret.yaml", seal(t, yamlFormat, secretText, forAge(t, recipient), dataOnly))
}

func TestTheMACIsAlwaysChecked(t *testing.T) {
	file, recipient := identity(t)
	keys := loadKeys(t, file)
	sealed := string(seal(t, yamlFormat, secretText, forAge(t, recipient), dataOnly))
	lines := strings.Split(sealed, "\n")
	var password, number int
	for i, line := range lines {
		switch {
		case strings.Contains(line, "password:"):
			password = i
		case strings.Contains(line, "number:"):
			number = i
		}
	}
	drop := append(append([]string{}, lines[:password]...), lines[password+1:]...)
	swap := append([]string{}, lines...)
	swap[password], swap[number] = swap[number], swap[password]
	for name, text := range map[string]string{
		"an unencrypted value edited": strings.Replace(sealed, "name: bob", "name: eve", 1),
		"a value removed":             strings.Join(drop, "\n"),
		"values reordered":            strings.Join(swap, "\n"),
		"a value added":               strings.Replace(sealed, "type: Opaque", "type: Opaque\nimmutable: true", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if err := fails(t, keys, "secret.yaml", []byte(text)); !strings.Contains(err.Error(), "MAC does not match") {
				t.Error(err)
			}
		})
	}
	plain := strings.Replace(sealed, strings.TrimSpace(lines[password]), "password: canary", 1)
	if err := fails(t, keys, "secret.yaml", []byte(plain)); !strings.Contains(err.Error(), "cannot be decrypted") {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	file, recipient := identity(t)
	keys := loadKeys(t, file)
	many := seal(t, yamlFormat, secretText, forAge(t, recipient), dataOnly, func(m *sops.Metadata) { ofKeys(m, 21) })
	if err := fails(t, keys, "secret.yaml", many); !strings.Contains(err.Error(), "21 recipients") {
		t.Error(err)
	}
	sealed := seal(t, yamlFormat, secretText, forAge(t, recipient), dataOnly)
	big := append(sealed, []byte(strings.Repeat("# padding\n", maxSize/10+1))...)
	if err := fails(t, keys, "secret.yaml", big); !strings.Contains(err.Error(), "larger than 5 MiB") {
		t.Error(err)
	}
}

func TestDamagedFilesAreErrorsWithoutData(t *testing.T) {
	file, recipient := identity(t)
	keys := loadKeys(t, file)
	sealed := string(seal(t, yamlFormat, secretText, forAge(t, recipient), dataOnly))
	for name, text := range map[string]string{
		"truncated":    sealed[:len(sealed)/2],
		"bytes type":   strings.ReplaceAll(sealed, "type:str]", "type:bytes]"),
		"unknown type": strings.ReplaceAll(sealed, "type:str]", "type:canary]"),
		"no iv":        strings.ReplaceAll(sealed, "iv:", "vi:"),
		"a tab":        strings.Replace(sealed, "  name", "\tname", 1),
		"key twice":    strings.Replace(sealed, "kind: Secret", "kind: Secret\nkind: canary", 1),
	} {
		t.Run(name, func(t *testing.T) { _ = fails(t, keys, "secret.yaml", []byte(text)) })
	}
	_ = fails(t, keys, "x.json", []byte(`{"data": "ENC[canary", "sops": 1, "x":`))
	_ = fails(t, keys, "x.env", []byte("sops_mac=ENC[canary\nsops_x"))
}

func TestKeyFilesThatAreNoneAreErrorsWithoutData(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, load := range map[string]func() (*Keys, error){
		"missing":         func() (*Keys, error) { return LoadKeys([]string{filepath.Join(dir, "no.agekey")}, nil) },
		"not an identity": func() (*Keys, error) { return LoadKeys([]string{write("a", "AGE-SECRET-KEY-CANARY")}, nil) },
		"empty":           func() (*Keys, error) { return LoadKeys([]string{write("b", "# nothing\n")}, nil) },
		"no PGP key":      func() (*Keys, error) { return LoadKeys(nil, []string{write("c", "canary")}) },
		"damaged armor": func() (*Keys, error) {
			return LoadKeys(nil, []string{write("d", "-----BEGIN PGP PRIVATE KEY BLOCK-----\ncanary")})
		},
	} {
		_, err := load()
		if err == nil || strings.Contains(strings.ToLower(err.Error()), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
