package agent_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sinks"
)

func get(t *testing.T, h http.Handler, method, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Code, w.Body.String()
}

func TestTheListenerAnswersAndChangesNothing(t *testing.T) {
	woken := 0
	notReady := errors.New("the first round on cluster production is not over")
	h := agent.NewHandler(agent.HandlerOptions{
		Ready: func() error { return notReady }, Status: func() agent.Status { return agent.Status{Version: "v1"} },
		Metrics: newMetrics().Handler(),
		Hooks:   map[string]http.Handler{"gitea": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { woken++; w.WriteHeader(http.StatusAccepted) })},
	})
	for path, want := range map[string]struct {
		method string
		code   int
		body   string
	}{
		"/healthz":       {"GET", 200, "ok"},
		"/readyz":        {"GET", 503, "the first round on cluster production is not over"},
		"/metrics":       {"GET", 200, "ottla_info"},
		"/api/v1/status": {"GET", 200, `"version": "v1"`},
		"/webhook/gitea": {"POST", 202, ""},
		"/webhook/other": {"POST", 404, ""},
		"/debug/pprof/":  {"GET", 404, ""},
		"/":              {"GET", 404, ""},
	} {
		if code, body := get(t, h, want.method, path); code != want.code || !strings.Contains(body, want.body) {
			t.Errorf("%s %s: %d %s", want.method, path, code, body)
		}
	}
	if code, _ := get(t, h, "POST", "/api/v1/status"); code != http.StatusMethodNotAllowed {
		t.Errorf("POST to the status: %d", code)
	}
	notReady = nil
	if code, _ := get(t, h, "GET", "/readyz"); code != 200 || woken != 1 {
		t.Errorf("ready: %d, woken %d times", code, woken)
	}
	if code, _ := get(t, agent.NewHandler(agent.HandlerOptions{Pprof: true}), "GET", "/debug/pprof/"); code != 200 {
		t.Errorf("profiles that were asked for: %d", code)
	}
}

func TestTheBoardShowsHowThingsStand(t *testing.T) {
	c, err := parse(t, strings.Replace(smallConfig, "https://git", "https://user@git", 1))
	if err != nil {
		t.Fatal(err)
	}
	b := agent.NewBoard("v1", c, func() []sinks.Incident { return []sinks.Incident{incident("x")} })
	if b.Ready() == nil {
		t.Error("ready before the first round")
	}
	s := b.Status()
	if s.Repositories[0].URL != "https://git.example.com/platform.git" || s.Syncs[0].State != agent.NoGood || s.Incidents[0].Key != "x" {
		t.Errorf("at the start: %+v", s)
	}
	r := driftReport()
	r.Syncs[0].Sync = "production"
	b.Round(r)
	s = b.Status()
	sync := s.Syncs[0]
	if b.Ready() != nil || !s.Clusters[0].Reachable || s.Clusters[0].ID != "id-1" || sync.State != agent.Failing || sync.Author != "Ada" || sync.Counts["Topic"].Owned != 4 || s.Repositories[0].LastSuccess.IsZero() {
		t.Errorf("after a round: %+v", s)
	}
	r.Syncs[0].Plan.Changes, r.Syncs[0].Outcomes, r.Syncs[0].Plan.Unknown = nil, nil, nil
	b.Round(r)
	since := b.Status().Syncs[0].InSyncSince
	r.Began = r.Began.Add(time.Minute)
	b.Round(r)
	if got := b.Status().Syncs[0]; since.IsZero() || !got.InSyncSince.Equal(since) || !got.LastRound.After(since) {
		t.Errorf("in sync since %v, then %v", since, got.InSyncSince)
	}
	r.Err = errors.New("no broker answers")
	r.Syncs[0].SourceErr = errors.New("no route to host")
	b.Round(r)
	s = b.Status()
	if s.Clusters[0].Reachable || s.Clusters[0].Error.Text != "no broker answers" || s.Repositories[0].Error.Text != "no route to host" || !s.Syncs[0].InSyncSince.IsZero() {
		t.Errorf("when all is down: %+v", s)
	}
	if _, err := json.Marshal(s); err != nil {
		t.Error(err)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- agent.Serve(ctx, l, agent.NewHandler(agent.HandlerOptions{}), nil, zap.NewNop()) }()
	fetch(t, http.DefaultClient, "http://"+l.Addr().String()+"/healthz")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestServeSpeaksTLSAndTakesUpARenewedCertificate(t *testing.T) {
	// httptest has a certificate for 127.0.0.1 and its key.
	borrowed := httptest.NewTLSServer(nil)
	defer borrowed.Close()
	pair := borrowed.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	server := &agent.TLSServer{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- agent.Serve(ctx, l, agent.NewHandler(agent.HandlerOptions{}), server, zap.NewNop()) }()
	defer func() { cancel(); <-done }()

	roots := x509.NewCertPool()
	roots.AddCert(borrowed.Certificate())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	if _, err := client.Get("https://" + l.Addr().String() + "/healthz"); err == nil {
		t.Error("served without a certificate")
	}
	writePEM(t, server.CertFile, "CERTIFICATE", pair.Certificate[0])
	writePEM(t, server.KeyFile, "PRIVATE KEY", key)
	fetch(t, client, "https://"+l.Addr().String()+"/healthz")
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
