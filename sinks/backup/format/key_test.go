package format_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

func block(t *testing.T, kind string, der []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func private(t *testing.T, key crypto.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return block(t, "PRIVATE KEY", der, err)
}

func public(t *testing.T, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	return block(t, "PUBLIC KEY", der, err)
}

func TestAKeyPairIsReadAsOpenSSLWritesIt(t *testing.T) {
	known, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := format.PrivateKey([]byte(private(t, key)))
	if err != nil || !got.Equal(key) {
		t.Errorf("private: %v", err)
	}
	half, err := format.PublicKey([]byte("# our key\n" + public(t, known)))
	if err != nil || !half.Equal(known) {
		t.Errorf("public: %v", err)
	}
}

func TestAnythingElseIsNoKeyAndTheErrorHoldsNothingOfIt(t *testing.T) {
	known, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	const canary = "canary-7731"
	for name, one := range map[string]struct{ text, says string }{
		"nothing":         {"", "not PEM with a block PRIVATE KEY"},
		"text":            {canary, "openssl genpkey -algorithm ed25519"},
		"encrypted":       {block(t, "ENCRYPTED PRIVATE KEY", []byte(canary), nil), "not PEM with a block PRIVATE KEY"},
		"the public half": {public(t, known), "not PEM with a block PRIVATE KEY"},
		"another sort":    {private(t, other), "not an ed25519 key"},
		"broken":          {block(t, "PRIVATE KEY", []byte(canary), nil), "no PKCS 8 key"},
		"two":             {private(t, key) + private(t, key), "more than one PEM block"},
	} {
		_, err := format.PrivateKey([]byte(one.text))
		if err == nil || !strings.Contains(err.Error(), one.says) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{"a private key": private(t, key), "another sort": public(t, other.Public()), "broken": block(t, "PUBLIC KEY", []byte(canary), nil)} {
		if _, err := format.PublicKey([]byte(text)); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s as a public key: %v", name, err)
		}
	}
}
