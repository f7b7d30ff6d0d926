package sops

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	sopskeys "github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/pgp"
)

// pgpRecipient encrypts a data key for an entity without a gpg program.
type pgpRecipient struct {
	*pgp.MasterKey
	entity *openpgp.Entity
}

func (r pgpRecipient) EncryptContext(_ context.Context, key []byte) error { return r.Encrypt(key) }

func (r pgpRecipient) Encrypt(key []byte) error {
	var buf bytes.Buffer
	a, err := armor.Encode(&buf, "PGP MESSAGE", nil)
	if err != nil {
		return err
	}
	w, err := openpgp.Encrypt(a, []*openpgp.Entity{r.entity}, nil, nil, nil)
	if err != nil {
		return err
	}
	if _, err := w.Write(key); err != nil {
		return err
	}
	_ = w.Close()
	_ = a.Close()
	r.SetEncryptedDataKey(buf.Bytes())
	return nil
}

func TestPGPKeysOpenFilesArmoredOrBinary(t *testing.T) {
	for _, armored := range []bool{true, false} {
		t.Run(fmt.Sprintf("armored %v", armored), func(t *testing.T) {
			file, entity := pgpKey(t, armored)
			keys, err := LoadKeys(nil, []string{file})
			if err != nil {
				t.Fatal(err)
			}
			fingerprint := strings.ToUpper(hex.EncodeToString(entity.PrimaryKey.Fingerprint))
			if keys.String() != "pgp "+fingerprint {
				t.Errorf("holds %s", keys)
			}
			wrapped := []byte(strings.Repeat("k", 32))
			r := pgpRecipient{pgp.NewMasterKeyFromFingerprint(fingerprint), entity}
			if err := r.Encrypt(wrapped); err != nil {
				t.Fatal(err)
			}
			got, err := service{keys}.pgp(r.EncryptedDataKey())
			if err != nil || !bytes.Equal(got, wrapped) {
				t.Errorf("got %v, %v", len(got), err)
			}
		})
	}
}

func TestAPGPKeyWithAPassphraseIsRefused(t *testing.T) {
	_, entity := pgpKey(t, true)
	if err := entity.EncryptPrivateKeys([]byte("canary"), nil); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := entity.SerializePrivateWithoutSigning(&buf, nil); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "locked.asc")
	if err := os.WriteFile(file, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := LoadKeys(nil, []string{file})
	if err == nil || !strings.Contains(err.Error(), "passphrase") || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

func TestKeysPrintPublicIDsOnly(t *testing.T) {
	file, recipient := identity(t)
	pgpFile, _ := pgpKey(t, true)
	keys, err := LoadKeys([]string{file}, []string{pgpFile})
	if err != nil {
		t.Fatal(err)
	}
	outer := struct{ K *Keys }{keys}
	text := fmt.Sprintf("%v %+v %#v %+v", keys, keys, keys, outer)
	if strings.Contains(text, "SECRET") || !strings.Contains(text, recipient) {
		t.Error(text)
	}
}

var _ sopskeys.MasterKey = pgpRecipient{}
