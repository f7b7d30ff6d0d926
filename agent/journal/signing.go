package journal

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ottla-io/ottla/sources"
)

// signingBlock is what the file of a signing key holds, as openssl genpkey
// -algorithm ed25519 writes it.
const signingBlock = "PRIVATE KEY"

// SigningKey returns the ed25519 key that signs manifests and evidence, from a
// PEM file (PKCS 8). Where file is "" it is backup.key in the state directory,
// made at the first use, readable by its owner only.
func SigningKey(dir, file string) (ed25519.PrivateKey, error) {
	own := file == ""
	if own {
		file = filepath.Join(dir, "backup.key")
	}
	data, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	switch {
	case own && errors.Is(err, os.ErrNotExist):
		return newSigningKey(dir, file)
	case err != nil:
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	key, err := parseSigningKey(data)
	if err != nil {
		return nil, &sources.HintError{
			Err:  fmt.Errorf("signing key %s: %w", file, err),
			Hint: "write one with: openssl genpkey -algorithm ed25519",
		}
	}
	return key, nil
}

func parseSigningKey(data []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != signingBlock {
		return nil, errors.New("no PEM block PRIVATE KEY in it")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it is not a PKCS 8 key") // the parser's words may quote it
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("it is not an ed25519 key")
	}
	return key, nil
}

func newSigningKey(dir, file string) (ed25519.PrivateKey, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the signing key: %w", err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("create the signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("create the signing key: %w", err)
	}
	if err := Replace(file, pem.EncodeToMemory(&pem.Block{Type: signingBlock, Bytes: der})); err != nil {
		return nil, fmt.Errorf("create the signing key: %w", err)
	}
	return key, nil
}
