package storetest

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/ottla-io/ottla/sinks/backup/store"
)

// The credentials of the servers: only for tests.
const (
	AccessKeyID     = "ottla-test"
	SecretAccessKey = "ottla-test-secret"
	AzureAccount    = "devstoreaccount1"
)

// AzureKey is the account key that Azurite is started with.
func AzureKey() string {
	return base64.StdEncoding.EncodeToString([]byte("only for a test of this house"))
}

// S3 is versitygw, an S3 server over a directory.
func S3(t testing.TB) *Server {
	t.Helper()
	return versity(t, func(t testing.TB, s *Server, bucket string) { mkdir(t, filepath.Join(s.Dir, bucket)) })
}

// GCS is fake-gcs-server over a directory. It wants no credentials.
func GCS(t testing.TB) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	binary, err := goProgram(ctx, "fake-gcs-server", "github.com/fsouza/fake-gcs-server", FakeGCSVersion)
	if err != nil {
		unavailable(t, err)
	}
	dir := t.TempDir()
	p := serve(t, func(address string) *exec.Cmd {
		_, port, _ := net.SplitHostPort(address)
		return exec.Command(binary, "-backend", "filesystem", "-filesystem-root", dir, "-scheme", "http",
			"-host", "127.0.0.1", "-port", port, "-public-host", address, "-external-url", "http://"+address, "-log-level", "error")
	})
	s := &Server{
		Name: "gcs", Dir: dir, process: p,
		Env:     map[string]string{"STORAGE_EMULATOR_HOST": p.address},
		make:    func(t testing.TB, bucket string) { makeGCS(t, p.address, bucket) },
		url:     func(bucket string) string { return "gs://" + bucket },
		options: func(o *store.Options) { o.Ambient = true },
	}
	return s.ready(t)
}

func makeGCS(t testing.TB, address, bucket string) {
	t.Helper()
	body := strings.NewReader(fmt.Sprintf(`{"name":%q}`, bucket))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/storage/v1/b?project=test", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("make bucket %s: %s", bucket, resp.Status)
	}
}

// Azure is Azurite's blob service.
func Azure(t testing.TB) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	script, err := azurite(ctx)
	if err != nil {
		unavailable(t, err)
	}
	dir := t.TempDir()
	p := serve(t, func(address string) *exec.Cmd {
		_, port, _ := net.SplitHostPort(address)
		cmd := exec.Command("node", script, "--location", dir, "--blobHost", "127.0.0.1", "--blobPort", port,
			"--silent", "--skipApiVersionCheck", "--disableTelemetry")
		cmd.Env = append(os.Environ(), "AZURITE_ACCOUNTS="+AzureAccount+":"+AzureKey())
		return cmd
	})
	s := &Server{
		Name: "azure", Dir: dir, process: p,
		Env:     map[string]string{"AZURE_STORAGE_ACCOUNT": AzureAccount, "AZURE_STORAGE_KEY": AzureKey()},
		make:    func(t testing.TB, bucket string) { makeAzure(t, p.address, bucket) },
		options: func(o *store.Options) { o.Azure = &store.Azure{Account: AzureAccount, AccountKey: said(AzureKey())} },
		url: func(bucket string) string {
			return fmt.Sprintf("azblob://%s?protocol=http&domain=%s", bucket, p.address)
		},
	}
	return s.ready(t)
}

func makeAzure(t testing.TB, address, bucket string) {
	t.Helper()
	key, err := container.NewSharedKeyCredential(AzureAccount, AzureKey())
	if err != nil {
		t.Fatal(err)
	}
	c, err := container.NewClientWithSharedKeyCredential(fmt.Sprintf("http://%s/%s/%s", address, AzureAccount, bucket), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatalf("make container %s: %v", bucket, err)
	}
}

// ready puts the server's environment into the test's own process.
func (s *Server) ready(t testing.TB) *Server {
	t.Helper()
	for key, value := range s.Env {
		t.Setenv(key, value)
	}
	return s
}

func mkdir(t testing.TB, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
}
