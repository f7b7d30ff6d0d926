package integration

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/integration/kafkatest"
)

// freeAddress is one that nobody listens on just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// listening makes the daemon listen, and returns where.
func (w *world) listening() string {
	w.t.Helper()
	address := freeAddress(w.t)
	w.more["http"] = map[string]any{"listen": address}
	return "http://" + address
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url) //nolint:gosec // the test's own daemon
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

func TestASignedWebhookAppliesAPushAtOnce(t *testing.T) {
	w := newWorld(t)
	base := w.listening()
	secret := filepath.Join(w.dir, "hook-secret")
	w.must(os.WriteFile(secret, []byte("hook-secret-1\n"), 0o600))
	w.more["repositories"] = []any{map[string]any{"name": "platform", "url": "file://" + w.repo, "interval": "1h"}}
	w.sync["interval"] = "1h"
	w.more["webhooks"] = map[string]any{"hooks": []any{map[string]any{
		"name": "forge", "dialect": "generic", "repository": "platform", "secretFile": secret,
	}}}
	w.push(several("a"))
	w.daemon()
	kafkatest.Eventually(t, func() error {
		if w.partitions(w.pre+"a") != 1 {
			return fmt.Errorf("the first revision is not applied")
		}
		return nil
	})
	w.push(several("b"))
	body := []byte(fmt.Sprintf(`{"repository":%q,"ref":"refs/heads/main"}`, "file://"+w.repo))
	if code := w.deliver(base, body, "a wrong secret"); code == http.StatusAccepted {
		t.Error("a forged delivery was accepted")
	}
	began := time.Now()
	if code := w.deliver(base, body, "hook-secret-1"); code != http.StatusAccepted {
		t.Fatalf("a signed delivery got %d", code)
	}
	kafkatest.Eventually(t, func() error {
		if w.partitions(w.pre+"b") != 1 {
			return fmt.Errorf("not applied")
		}
		return nil
	})
	t.Logf("applied %s after the delivery", time.Since(began).Round(time.Millisecond))
	code, metrics := get(t, base+"/metrics")
	if code != http.StatusOK || !strings.Contains(metrics, "webhook") {
		t.Errorf("metrics: %d", code)
	}
}

func (w *world) deliver(base string, body []byte, secret string) int {
	w.t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, base+"/webhook/forge", bytes.NewReader(body))
	w.must(err)
	req.Header.Set("X-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

func TestTheListenerTellsHowItGoes(t *testing.T) {
	w := newWorld(t)
	base := w.listening()
	w.push(several("a"))
	w.daemon()
	kafkatest.Eventually(t, func() error {
		if code, body := get(t, base+"/readyz"); code != http.StatusOK {
			return fmt.Errorf("readyz: %d %s", code, body)
		}
		return nil
	})
	kafkatest.Eventually(t, func() error {
		if _, body := get(t, base+"/api/v1/status"); !strings.Contains(body, "in-sync") {
			return fmt.Errorf("status: %s", body)
		}
		return nil
	})
	if code, _ := get(t, base+"/healthz"); code != http.StatusOK {
		t.Errorf("healthz: %d", code)
	}
	if code, _ := get(t, base+"/debug/pprof/"); code == http.StatusOK {
		t.Error("pprof is open without being asked for")
	}
}
