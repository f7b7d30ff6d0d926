package agent_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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

func TestWhatFailsForOneRefIsNotClearedByAnother(t *testing.T) {
	b := agent.NewBoard("v1", &agent.Config{
		Repositories: []agent.RepositoryConfig{{Name: "platform", URL: "https://git.example.com/platform"}},
		Syncs:        []agent.SyncConfig{{Name: "dev", Repository: "platform"}, {Name: "prod", Repository: "platform"}},
	}, nil)
	b.Round(agent.Report{Began: time.Now(), Syncs: []agent.SyncReport{{Sync: "dev", SourceErr: errors.New("branch dev is gone")}, {Sync: "prod"}}})
	if r := b.Status().Repositories[0]; r.Error == nil || r.LastSuccess.IsZero() {
		t.Errorf("%+v", r)
	}
	b.Round(agent.Report{Syncs: []agent.SyncReport{{Sync: "dev"}, {Sync: "prod"}}})
	if r := b.Status().Repositories[0]; r.Error != nil {
		t.Errorf("%+v", r.Error)
	}
}
