package scaffold

import (
	"fmt"
	"time"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	sopsage "github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/stores/yaml"
)

// sopsVersion is the version of the format that is written.
const sopsVersion = "3.13.3"

// Seal encrypts data and stringData of a YAML Secret to an age recipient, as
// `sops encrypt` would by the .sops.yaml of a new repository.
func Seal(plain []byte, recipient string) ([]byte, error) {
	key, err := sopsage.MasterKeyFromRecipient(recipient)
	if err != nil {
		return nil, fmt.Errorf("read age recipient: %w", err)
	}
	store := yaml.NewStore(&config.YAMLStoreConfig{Indent: 2})
	branches, err := store.LoadPlainFile(plain)
	if err != nil {
		return nil, fmt.Errorf("read the secret to encrypt: %w", err)
	}
	tree := sops.Tree{Branches: branches, Metadata: sops.Metadata{
		KeyGroups:      []sops.KeyGroup{{keys.MasterKey(key)}},
		EncryptedRegex: "^(data|stringData)$",
		Version:        sopsVersion,
		LastModified:   time.Now().UTC(),
	}}
	if err := encrypt(&tree); err != nil {
		return nil, err
	}
	return store.EmitEncryptedFile(tree)
}

func encrypt(tree *sops.Tree) error {
	dataKey, errs := tree.GenerateDataKey()
	if len(errs) > 0 {
		return fmt.Errorf("encrypt the data key: %w", errs[0])
	}
	cipher := aes.NewCipher()
	mac, err := tree.Encrypt(dataKey, cipher)
	if err != nil {
		return fmt.Errorf("encrypt the secret: %w", err)
	}
	tree.Metadata.MessageAuthenticationCode, err = cipher.Encrypt(mac, dataKey, tree.Metadata.LastModified.Format(time.RFC3339))
	if err != nil {
		return fmt.Errorf("encrypt the secret's sum: %w", err)
	}
	return nil
}
