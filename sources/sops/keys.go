package sops

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// Keys are the private keys that were configured. No printed form shows more
// than their public ids. Keys are safe for concurrent use.
type Keys struct {
	age []age.Identity
	pgp openpgp.EntityList
	ids []string
}

// LoadKeys reads age identities (*.agekey) and PGP secret keys (*.asc, armored
// or binary, without a passphrase). Every file must hold at least one.
func LoadKeys(ageKeyFiles, pgpKeyFiles []string) (*Keys, error) {
	k := new(Keys)
	for _, file := range ageKeyFiles {
		if err := load(file, "age key", k.addAge); err != nil {
			return nil, err
		}
	}
	for _, file := range pgpKeyFiles {
		if err := load(file, "PGP key", k.addPGP); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func load(file, what string, add func([]byte) error) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	if err := add(data); err != nil {
		return fmt.Errorf("read %s %s: %w", what, file, err)
	}
	return nil
}

// addAge leaves the library's error out: it may quote the line of the key.
func (k *Keys) addAge(data []byte) error {
	identities, err := age.ParseIdentities(bytes.NewReader(data))
	if err != nil || len(identities) == 0 {
		return errors.New("no age identity in it (lines that begin with AGE-SECRET-KEY-)")
	}
	for _, id := range identities {
		k.age = append(k.age, id)
		k.ids = append(k.ids, "age "+agePublic(id))
	}
	return nil
}

func agePublic(id age.Identity) string {
	switch id := id.(type) {
	case *age.X25519Identity:
		return id.Recipient().String()
	case *age.HybridIdentity:
		return id.Recipient().String()
	default:
		return "identity of another kind"
	}
}

func (k *Keys) addPGP(data []byte) error {
	entities, err := readPGP(data)
	if err != nil {
		return err
	}
	for _, e := range entities {
		if err := usablePGP(e); err != nil {
			return err
		}
		k.pgp = append(k.pgp, e)
		k.ids = append(k.ids, "pgp "+strings.ToUpper(hex.EncodeToString(e.PrimaryKey.Fingerprint)))
	}
	return nil
}

func readPGP(data []byte) (openpgp.EntityList, error) {
	if !bytes.Contains(data, []byte("-----BEGIN PGP")) {
		list, err := openpgp.ReadKeyRing(bytes.NewReader(data))
		if err != nil || len(list) == 0 {
			return nil, errors.New("no PGP secret key in it")
		}
		return list, nil
	}
	var list openpgp.EntityList
	r := bufio.NewReader(bytes.NewReader(data))
	for {
		block, err := armor.Decode(r)
		if errors.Is(err, io.EOF) && len(list) > 0 {
			return list, nil
		}
		if err != nil {
			return nil, errors.New("no PGP secret key in it, or its armor is damaged")
		}
		one, err := openpgp.ReadKeyRing(block.Body)
		if err != nil {
			return nil, errors.New("its PGP packets cannot be read")
		}
		list = append(list, one...)
	}
}

func usablePGP(e *openpgp.Entity) error {
	if e.PrivateKey == nil {
		return errors.New("it holds a public key only: export the secret key (gpg --export-secret-keys --armor)")
	}
	locked := e.PrivateKey.Encrypted
	for _, sub := range e.Subkeys {
		locked = locked || sub.PrivateKey != nil && sub.PrivateKey.Encrypted
	}
	if locked {
		return errors.New("its secret key is protected by a passphrase: export one without")
	}
	return nil
}

// IDs are the public ids of the keys held: "age age1…", "pgp FINGERPRINT".
func (k *Keys) IDs() []string {
	if k == nil {
		return nil
	}
	return append([]string(nil), k.ids...)
}

// String lists public ids.
func (k *Keys) String() string {
	if ids := k.IDs(); len(ids) > 0 {
		return strings.Join(ids, ", ")
	}
	return "none"
}

// Format prints public ids for every verb.
func (k *Keys) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.String()) }
