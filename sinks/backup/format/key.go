package format

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
)

// PrivateKey reads an ed25519 key as openssl genpkey -algorithm ed25519 writes
// it: PEM, PKCS 8, not encrypted. No error holds any of it.
func PrivateKey(text []byte) (ed25519.PrivateKey, error) {
	block, err := one(text, "PRIVATE KEY", "openssl genpkey -algorithm ed25519")
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block)
	if err != nil {
		return nil, errors.New("its PEM block is no PKCS 8 key") // the parser's words may quote it
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("its key is not an ed25519 key: openssl genpkey -algorithm ed25519 writes one")
	}
	return key, nil
}

// PublicKey reads an ed25519 key as openssl pkey -pubout writes it.
func PublicKey(text []byte) (ed25519.PublicKey, error) {
	block, err := one(text, "PUBLIC KEY", "openssl pkey -pubout")
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKIXPublicKey(block)
	if err != nil {
		return nil, errors.New("its PEM block is no public key")
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("its key is not an ed25519 key")
	}
	return key, nil
}

// one returns the only PEM block of a text, which is of that type.
func one(text []byte, kind, writer string) ([]byte, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, errors.New("it is not PEM with a block " + kind + ", as " + writer + " writes it")
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, errors.New("it holds more than one PEM block")
	}
	return block.Bytes, nil
}

// Public is the public half of a key.
func Public(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}
