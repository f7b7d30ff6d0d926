package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"github.com/ottla-io/ottla/agent"
)

func TestAnAddressAnswersUntilNobodyUsesIt(t *testing.T) {
	s, address := newServers(zap.NewNop()), unused(t)
	serve(t, s, serving{address: address, handler: agent.NewHandler(agent.HandlerOptions{})})
	fetch(t, http.DefaultClient, "http://"+address+"/healthz")
	s.Close()
	if _, err := http.Get("http://" + address + "/healthz"); err == nil {
		t.Error("it still answers")
	}
}

func TestARenewedCertificateIsTakenUp(t *testing.T) {
	// httptest has a certificate for 127.0.0.1 and its key.
	borrowed := httptest.NewTLSServer(nil)
	defer borrowed.Close()
	pair := borrowed.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := &agent.TLSServer{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	s, address := newServers(zap.NewNop()), unused(t)
	defer s.Close()
	serve(t, s, serving{address: address, tls: files, handler: agent.NewHandler(agent.HandlerOptions{})})

	roots := x509.NewCertPool()
	roots.AddCert(borrowed.Certificate())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	if _, err := client.Get("https://" + address + "/healthz"); err == nil {
		t.Error("served without a certificate")
	}
	writePEM(t, files.CertFile, "CERTIFICATE", pair.Certificate[0])
	writePEM(t, files.KeyFile, "PRIVATE KEY", key)
	fetch(t, client, "https://"+address+"/healthz")
}

// serve opens an address and puts its handler behind it.
func serve(t *testing.T, s *servers, one serving) {
	t.Helper()
	if err := s.listen(t.Context(), []serving{one}); err != nil {
		t.Fatal(err)
	}
	s.use([]serving{one})
}

// unused is an address that nobody listens on just now.
func unused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func writePEM(t *testing.T, file, kind string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func fetch(t *testing.T, client *http.Client, url string) {
	t.Helper()
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != 200 || string(body) != "ok\n" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
}
