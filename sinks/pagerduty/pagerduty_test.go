package pagerduty_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/pagerduty"
)

const canary = "canary4711canary4711canary471100"

// server answers as PagerDuty does, and keeps what it was sent.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	sent  []map[string]any
	reply func(w http.ResponseWriter, r *http.Request) bool // true: it answered
}

func newServer(t *testing.T) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.reply != nil && s.reply(w, r) {
			return
		}
		var event map[string]any
		if r.Method != http.MethodPost || r.URL.Path != "/v2/enqueue" || json.NewDecoder(r.Body).Decode(&event) != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if event["routing_key"] != canary {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]}`)
			return
		}
		s.mu.Lock()
		s.sent = append(s.sent, event)
		s.mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"status":"success","message":"Event processed","dedup_key":"x"}`)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) last(t *testing.T) map[string]any {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sent) == 0 {
		t.Fatal("nothing was sent")
	}
	return s.sent[len(s.sent)-1]
}

func is(text string) func() (string, error) { return func() (string, error) { return text, nil } }

func service(t *testing.T, s *server, change ...func(*pagerduty.Options)) *pagerduty.Notifier {
	t.Helper()
	o := pagerduty.Options{Name: "oncall", RoutingKey: is(canary + "\n"), URL: s.URL}
	for _, c := range change {
		c(&o)
	}
	n, err := pagerduty.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func incident() sinks.Incident {
	return sinks.Incident{
		Key: "work/main/validation/default/books/result", Severity: sinks.Error, Cluster: "main", Title: "validation default/books failed",
		Lines: []string{"FAILED  counts: 9 of 10"}, Since: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC),
	}
}

func tell(t *testing.T, n *pagerduty.Notifier, i sinks.Incident) error {
	t.Helper()
	_, err := n.Notify(t.Context(), sinks.Event{Incident: i})
	return err
}

func TestAnIncidentIsTriggeredAndResolvedUnderOneKey(t *testing.T) {
	s := newServer(t)
	n := service(t, s)
	if err := tell(t, n, incident()); err != nil {
		t.Fatal(err)
	}
	began := s.last(t)
	over := incident()
	over.Resolved = over.Since.Add(time.Hour)
	if err := tell(t, n, over); err != nil {
		t.Fatal(err)
	}
	ended := s.last(t)
	if began["event_action"] != "trigger" || ended["event_action"] != "resolve" || began["dedup_key"] == "" || began["dedup_key"] != ended["dedup_key"] {
		t.Errorf("%v\n%v", began, ended)
	}
	p := began["payload"].(map[string]any)
	for field, want := range map[string]string{
		"summary": "validation default/books failed", "source": "Kafka cluster main", "severity": "error", "timestamp": "2026-11-21T09:00:00Z",
	} {
		if p[field] != want {
			t.Errorf("%s: %v", field, p[field])
		}
	}
	if text := p["custom_details"].(map[string]any)["text"]; text != "FAILED  counts: 9 of 10" {
		t.Errorf("details: %v", text)
	}
}

func TestTheSeverityOfTheOptionsHolds(t *testing.T) {
	s := newServer(t)
	if err := tell(t, service(t, s, func(o *pagerduty.Options) { o.Severity = "critical" }), incident()); err != nil {
		t.Fatal(err)
	}
	if got := s.last(t)["payload"].(map[string]any)["severity"]; got != "critical" {
		t.Errorf("severity %v", got)
	}
}

func TestLongIncidentsAreCutAndTheirKeysStayApart(t *testing.T) {
	s := newServer(t)
	n := service(t, s)
	keys := map[any]bool{}
	for _, end := range []string{"a", "b"} {
		i := incident()
		i.Key += strings.Repeat("x", 300) + end
		i.Title, i.Lines = strings.Repeat("ö", 2000), []string{strings.Repeat("ö", 9000)}
		if err := tell(t, n, i); err != nil {
			t.Fatal(err)
		}
		e := s.last(t)
		p := e["payload"].(map[string]any)
		if len(e["dedup_key"].(string)) > 255 || len([]rune(p["summary"].(string))) > 1024 || !strings.HasSuffix(p["summary"].(string), "ö…") {
			t.Errorf("%v", e)
		}
		keys[e["dedup_key"]] = true
	}
	if len(keys) != 2 {
		t.Errorf("two incidents have one key: %v", keys)
	}
}

func TestRefusalsAreExplainedAndHoldNoKey(t *testing.T) {
	s := newServer(t)
	answer := func(code int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	for name, one := range map[string]struct {
		reply func(http.ResponseWriter, *http.Request) bool
		key   string
		says  string
	}{
		"a wrong key":          {nil, "short", "(Length of 'routing_key' is incorrect (should be 32 characters)); is the routing key"},
		"an answer with a key": {answer(400, `{"errors":["no `+canary+`"]}`), canary, "400 Bad Request: it does not take the event; is"},
		"another region":       {answer(403, ""), canary, "not one of this service region"},
		"an outage":            {answer(503, canary), canary, "pagerduty answers 503 Service Unavailable"},
		"a redirect":           {answer(302, ""), canary, "pagerduty answers 302"},
	} {
		s.reply = one.reply
		err := tell(t, service(t, s, func(o *pagerduty.Options) { o.RoutingKey = is(one.key) }), incident())
		if err == nil || !strings.Contains(err.Error(), one.says) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.reply = answer(429, "")
	var later *sinks.RetryAfter
	if err := tell(t, service(t, s), incident()); !errors.As(err, &later) || later.After != 7*time.Second {
		t.Errorf("too many: %v", err)
	}
}

func TestAServerThatIsDownOrSlowIsAnErrorWithoutItsAddress(t *testing.T) {
	down := newServer(t)
	down.Close()
	slow := newServer(t)
	slow.reply = func(_ http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body) // only then is it seen that the other side left
		<-r.Context().Done()
		return true
	}
	hurried, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for name, s := range map[string]*server{"down": down, "slow": slow} {
		_, err := service(t, s).Notify(hurried, sinks.Event{Incident: incident()})
		if err == nil || !strings.HasPrefix(err.Error(), "reach pagerduty: ") || strings.Contains(err.Error(), "enqueue") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	for name, o := range map[string]pagerduty.Options{"no key": {}, "a severity": {RoutingKey: is("k"), Severity: "loud"}} {
		if _, err := pagerduty.New(o); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	unread := errors.New("unread")
	n, err := pagerduty.New(pagerduty.Options{RoutingKey: func() (string, error) { return "", unread }})
	if err != nil {
		t.Fatal(err)
	}
	if err := tell(t, n, incident()); !errors.Is(err, unread) {
		t.Errorf("%v", err)
	}
}
