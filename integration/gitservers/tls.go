package gitservers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// tls makes an authority, a server and a client certificate and returns
// nginx's directives for them.
func (s *HTTPServer) tls(t testing.TB, dir, address string, ask bool) string {
	t.Helper()
	ca := newAuthority(t)
	s.CAFile = write(t, filepath.Join(dir, "ca.pem"), ca.pem, 0o644)
	cert, key := ca.issue(t, dir, "server", x509.ExtKeyUsageServerAuth)
	s.CertFile, s.KeyFile = ca.issue(t, dir, "client", x509.ExtKeyUsageClientAuth)
	out := fmt.Sprintf("listen %s ssl; ssl_certificate %s; ssl_certificate_key %s;", address, cert, key)
	if ask {
		out += fmt.Sprintf(" ssl_client_certificate %s; ssl_verify_client on;", s.CAFile)
	}
	return out
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key := newKey(t)
	model := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, model, model, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: cert, key: key, pem: block("CERTIFICATE", der)}
}

func (a *authority) issue(t testing.TB, dir, name string, use x509.ExtKeyUsage) (certFile, keyFile string) {
	t.Helper()
	key := newKey(t)
	model := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{use},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, model, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(dir, name+".pem"), block("CERTIFICATE", der), 0o644),
		write(t, filepath.Join(dir, name+".key"), block("PRIVATE KEY", private), 0o600)
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
