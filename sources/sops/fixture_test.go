package sops

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	sopsage "github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/keys"
)

const canary = "canary-hunter2-ö-plaintext"

// identity is a fresh age key: the private half in a file, the public half.
func identity(t testing.TB) (file, recipient string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "id.agekey")
	if err := os.WriteFile(file, []byte("# a comment\n"+id.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, id.Recipient().String()
}

func loadKeys(t testing.TB, ageFiles ...string) *Keys {
	t.Helper()
	k, err := LoadKeys(ageFiles, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// seal encrypts a file as the sops program would; edit may change the metadata
// before.
func seal(t testing.TB, f format, plain string, recipients []keys.MasterKey, edit ...func(*sops.Metadata)) []byte {
	t.Helper()
	store := f.store()
	branches, err := store.LoadPlainFile([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	tree := sops.Tree{Branches: branches, Metadata: sops.Metadata{
		KeyGroups: []sops.KeyGroup{recipients}, UnencryptedSuffix: sops.DefaultUnencryptedSuffix,
		Version: "3.13.3", LastModified: time.Now().UTC(),
	}}
	for _, e := range edit {
		e(&tree.Metadata)
	}
	key, errs := tree.GenerateDataKey()
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	cipher := aes.NewCipher()
	mac, err := tree.Encrypt(key, cipher)
	if err != nil {
		t.Fatal(err)
	}
	tree.Metadata.MessageAuthenticationCode, err = cipher.Encrypt(mac, key, tree.Metadata.LastModified.Format(time.RFC3339))
	if err != nil {
		t.Fatal(err)
	}
	out, err := store.EmitEncryptedFile(tree)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func forAge(t testing.TB, recipients ...string) []keys.MasterKey {
	t.Helper()
	var group []keys.MasterKey
	for _, r := range recipients {
		k, err := sopsage.MasterKeyFromRecipient(r)
		if err != nil {
			t.Fatal(err)
		}
		group = append(group, k)
	}
	return group
}

// dataOnly is how Flux users encrypt Secrets.
func dataOnly(m *sops.Metadata) {
	m.UnencryptedSuffix, m.EncryptedRegex = "", "^(data|stringData)$"
}

func tree(files map[string][]byte) fstest.MapFS {
	m := fstest.MapFS{}
	for name, data := range files {
		m[name] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
	return m
}

// pgpKey is a fresh PGP key: its secret half in a file, and the entity.
func pgpKey(t testing.TB, armored bool) (string, *openpgp.Entity) {
	t.Helper()
	e, err := openpgp.NewEntity("test", "", "test@localhost", nil)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if armored {
		w, err := armor.Encode(&buf, openpgp.PrivateKeyType, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.SerializePrivate(w, nil); err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
	} else if err := e.SerializePrivate(&buf, nil); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.asc")
	if err := os.WriteFile(file, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, e
}
