package sops

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/keyservice"
	"github.com/getsops/sops/v3/logging"

	"github.com/ottla-io/ottla/sources"
)

const (
	maxSize       = 5 << 20 // bytes of an encrypted file
	maxRecipients = 20      // of an encrypted file
)

// opener opens encrypted trees of one file.
type opener struct {
	keys *Keys // nil: placeholders instead of values
	seen func(value string)
}

// open replaces every encrypted value of the tree. The MAC covers all its
// branches.
func (o opener) open(tree *sops.Tree) error {
	if err := o.checkMetadata(tree.Metadata); err != nil {
		return err
	}
	if o.keys == nil {
		for _, branch := range tree.Branches {
			o.placehold(branch)
		}
		return nil
	}
	key, err := o.dataKey(tree.Metadata)
	if err != nil {
		return err
	}
	before := listLeaves(tree.Branches...)
	cipher := aes.NewCipher()
	mac, err := tree.Decrypt(key, cipher)
	if err != nil {
		return errors.New("a value cannot be decrypted: it was changed, moved, or written without encrypting it")
	}
	if err := checkMAC(tree.Metadata, cipher, key, mac); err != nil {
		return err
	}
	o.remember(before, listLeaves(tree.Branches...))
	return nil
}

// remember tells of the values that were encrypted: a file may hold others in
// plain text, and these are no secrets for being in it.
func (o opener) remember(before, after []any) {
	if len(before) != len(after) {
		return // none is taken for encrypted
	}
	for i, v := range after {
		if wasEncrypted(before[i]) {
			o.seen(text(v))
		}
	}
}

func wasEncrypted(before any) bool {
	s, ok := before.(string)
	return ok && IsEncrypted(s)
}

func (o opener) checkMetadata(m sops.Metadata) error {
	switch n := m.MasterKeyCount(); {
	case n == 0:
		return errors.New("its SOPS metadata names no recipient")
	case n > maxRecipients:
		return fmt.Errorf("it has %d recipients, more than %d", n, maxRecipients)
	case !IsEncrypted(m.MessageAuthenticationCode):
		return errors.New("its SOPS metadata has no MAC")
	}
	for _, group := range m.KeyGroups {
		for _, k := range group {
			if len(k.EncryptedDataKey()) == 0 {
				return fmt.Errorf("its SOPS metadata has no data key for %s %s", k.TypeToIdentifier(), k.ToString())
			}
		}
	}
	return nil
}

func (o opener) dataKey(m sops.Metadata) ([]byte, error) {
	services := []keyservice.KeyServiceClient{service{o.keys}}
	key, err := m.GetDataKeyWithKeyServices(services, []string{"age", "pgp"})
	if err == nil {
		return key, nil
	}
	var wants []string
	for _, group := range m.KeyGroups {
		for _, k := range group {
			wants = append(wants, k.TypeToIdentifier()+" "+k.ToString())
		}
	}
	return nil, &sources.HintError{
		Err:  fmt.Errorf("no configured key decrypts it: it is encrypted for %s; keys held: %s", strings.Join(wants, ", "), o.keys),
		Hint: "configure one of these age or PGP keys, or add the public key held here to .sops.yaml and run `sops updatekeys`; keys of other types are not used",
	}
}

// checkMAC proves that no value was removed, reordered or edited, encrypted or
// not.
func checkMAC(m sops.Metadata, cipher sops.Cipher, key []byte, mac string) error {
	want, err := cipher.Decrypt(m.MessageAuthenticationCode, key, m.LastModified.Format(time.RFC3339))
	if err != nil {
		return errors.New("its MAC cannot be decrypted: its SOPS metadata was changed")
	}
	text, _ := want.(string)
	if subtle.ConstantTimeCompare([]byte(text), []byte(mac)) != 1 {
		return errors.New("its MAC does not match: a value was added, removed, moved or edited without sops")
	}
	return nil
}

// guard runs f and turns a panic of the library into an error without its words.
func guard(f func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it is damaged: the SOPS library cannot read it")
		}
	}()
	return f()
}

// silence keeps the library from writing to standard error; what it would say
// there is in the errors.
func silence() {
	for _, logger := range logging.Loggers {
		logger.SetOutput(io.Discard)
	}
}
