package slack_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/slack"
)

const (
	canaryToken = "xoxb-canary-4711"
	canaryPath  = "/services/T0/B0/canary4711"
)

// server speaks Slack's replies and keeps what it was sent.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	calls []call
	reply func(method string, w http.ResponseWriter) bool // true: it answered
}

type call struct {
	method string
	form   url.Values
	text   string
	body   string
}

func newServer(t *testing.T) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body)
	c := call{method: strings.TrimPrefix(r.URL.Path, "/api/"), body: string(data)}
	if c.form, _ = url.ParseQuery(string(data)); r.URL.Path == canaryPath {
		c.method = "webhook"
		var m struct{ Text string }
		_ = json.Unmarshal(data, &m)
		c.text = m.Text
	} else {
		c.text = c.form.Get("text")
	}
	s.mu.Lock()
	s.calls = append(s.calls, c)
	s.mu.Unlock()
	if s.reply != nil && s.reply(c.method, w) {
		return
	}
	if c.method == "webhook" {
		_, _ = io.WriteString(w, "ok")
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+canaryToken && c.form.Get("token") != canaryToken {
		_, _ = io.WriteString(w, `{"ok":false,"error":"invalid_auth"}`)
		return
	}
	_, _ = io.WriteString(w, `{"ok":true,"channel":"C024BE91L","ts":"1503435956.000247"}`)
}

func (s *server) methods() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, c := range s.calls {
		m := c.method
		if c.form.Get("thread_ts") != "" {
			m += "+thread"
		}
		all = append(all, m)
	}
	return strings.Join(all, " ")
}

func (s *server) last() call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[len(s.calls)-1]
}

func is(text string) func() (string, error) { return func() (string, error) { return text, nil } }

func bot(t *testing.T, s *server) *slack.Notifier {
	t.Helper()
	n, err := slack.New(slack.Options{Name: "team", Token: is(canaryToken), Channel: "#kafka", APIURL: s.URL + "/api"})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func webhook(t *testing.T, s *server) *slack.Notifier {
	t.Helper()
	n, err := slack.New(slack.Options{Name: "team", WebhookURL: is(s.URL + canaryPath)})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func drift() sinks.Incident {
	return sinks.Incident{
		Key: "drift/orders", Severity: sinks.Warning, Cluster: "production", Sync: "main",
		Title: "Topic/orders was changed by hand", Lines: []string{"config.retention.ms: 604800000 → 1 (drift)"},
		Revision: "0123456789abcdef0123", Author: "Ada <ada@example.com>", Subject: "Keep a week",
		Since: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC),
	}
}

func notify(t *testing.T, n *slack.Notifier, i sinks.Incident, thread string) string {
	t.Helper()
	thread, err := n.Notify(t.Context(), sinks.Event{Incident: i, Thread: thread})
	if err != nil {
		t.Fatal(err)
	}
	return thread
}

func TestAWebhookPostsEachMessageAnew(t *testing.T) {
	s := newServer(t)
	n := webhook(t, s)
	i := drift()
	if thread := notify(t, n, i, ""); thread != "" {
		t.Errorf("a webhook has no thread, got %q", thread)
	}
	if c := s.last(); !strings.Contains(c.text, ":warning: Topic/orders was changed by hand") || !strings.Contains(c.body, "604800000 → 1 (drift)") || !strings.Contains(c.body, "0123456789ab…") {
		t.Errorf("the message says %s", c.body)
	}
	i.Resolved = i.Since.Add(90 * time.Second)
	notify(t, n, i, "")
	if c := s.last(); !strings.Contains(c.text, "Resolved: Topic/orders was changed by hand (after 1m30s)") {
		t.Errorf("the message says %s", c.text)
	}
}

func TestATokenKeepsOneMessageAndItsThread(t *testing.T) {
	s := newServer(t)
	n := bot(t, s)
	i := drift()
	thread := notify(t, n, i, "")
	if thread != "C024BE91L/1503435956.000247" {
		t.Fatalf("thread is %q", thread)
	}
	i.Lines = append(i.Lines, "partitions: 3 → 6")
	notify(t, n, i, thread)
	i.Reminder = true
	notify(t, n, i, thread)
	i.Reminder, i.Resolved = false, i.Since.Add(time.Hour)
	notify(t, n, i, thread)
	want := "chat.postMessage chat.update chat.update chat.postMessage+thread chat.update chat.postMessage+thread"
	if got := s.methods(); got != want {
		t.Errorf("called %s\nwant   %s", got, want)
	}
	if c := s.last(); c.form.Get("channel") != "C024BE91L" || !strings.Contains(c.text, "Resolved") {
		t.Errorf("the last message is %v", c.form)
	}
}

func TestADeletedMessageBeginsAnew(t *testing.T) {
	s := newServer(t)
	s.reply = func(method string, w http.ResponseWriter) bool {
		if method == "chat.update" {
			_, _ = io.WriteString(w, `{"ok":false,"error":"message_not_found"}`)
		}
		return method == "chat.update"
	}
	if thread := notify(t, bot(t, s), drift(), "C1/1.2"); thread != "C024BE91L/1503435956.000247" {
		t.Errorf("thread is %q", thread)
	}
}

func TestRateLimitsSayWhenToTryAgain(t *testing.T) {
	for name, n := range map[string]func(*testing.T, *server) *slack.Notifier{"webhook": webhook, "token": bot} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.reply = func(_ string, w http.ResponseWriter) bool {
				w.Header().Set("Retry-After", "30")
				w.WriteHeader(http.StatusTooManyRequests)
				return true
			}
			_, err := n(t, s).Notify(t.Context(), sinks.Event{Incident: drift()})
			var later *sinks.RetryAfter
			if !errors.As(err, &later) || later.After != 30*time.Second {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRefusalsAreExplainedAndHoldNoSecret(t *testing.T) {
	for name, tc := range map[string]struct {
		notifier func(*testing.T, *server) *slack.Notifier
		reply    func(http.ResponseWriter)
		want     string
	}{
		"invalid_auth":   {bot, body(`{"ok":false,"error":"invalid_auth"}`), "the bot token is not valid"},
		"not_in_channel": {bot, body(`{"ok":false,"error":"not_in_channel"}`), "invite the bot"},
		"no such code":   {bot, body(`{"ok":false,"error":"fatal_error"}`), "slack answers fatal_error"},
		"not JSON":       {bot, body(`<html>`), "reach slack"},
		"webhook gone":   {webhook, status(http.StatusNotFound), "make a new one"},
		"webhook 403":    {webhook, status(http.StatusForbidden), "revoked"},
		"webhook 500":    {webhook, status(http.StatusInternalServerError), "slack answers 500 Internal Server Error"},
		"redirect":       {webhook, status(http.StatusFound), "slack answers 302"},
		"bot 503":        {bot, status(http.StatusServiceUnavailable), "slack answers 503"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.reply = func(_ string, w http.ResponseWriter) bool { tc.reply(w); return true }
			_, err := tc.notifier(t, s).Notify(t.Context(), sinks.Event{Incident: drift()})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			noCanary(t, err)
		})
	}
}

func body(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = io.WriteString(w, text) }
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Location", "https://elsewhere.example")
		w.WriteHeader(code)
	}
}

func noCanary(t *testing.T, err error) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "4711")) {
		t.Errorf("the error holds the secret: %v", err)
	}
}

func TestAServerThatIsDownOrSlowIsAnErrorWithoutItsAddress(t *testing.T) {
	s := newServer(t)
	release := make(chan struct{})
	s.reply = func(string, http.ResponseWriter) bool { <-release; return false }
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := webhook(t, s).Notify(ctx, sinks.Event{Incident: drift()})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	noCanary(t, err)

	for _, address := range []string{"http://127.0.0.1:1" + canaryPath, "http://canary-4711\x7f/", "canary-4711"} {
		n, _ := slack.New(slack.Options{Name: "x", WebhookURL: is(address)})
		_, err = n.Notify(t.Context(), sinks.Event{Incident: drift()})
		if err == nil {
			t.Errorf("%q was reached", address)
		}
		noCanary(t, err)
	}
}

func TestASecretThatCannotBeReadIsAnError(t *testing.T) {
	n, _ := slack.New(slack.Options{Token: func() (string, error) { return "", errors.New("file is empty") }, Channel: "c"})
	if _, err := n.Notify(t.Context(), sinks.Event{}); err == nil || !strings.Contains(err.Error(), "file is empty") {
		t.Errorf("got %v", err)
	}
}

func TestNamesAreNeitherLinksNorMentions(t *testing.T) {
	s := newServer(t)
	i := drift()
	i.Title, i.Lines = "<!channel> & co", []string{"<@U1> ```x```"}
	notify(t, bot(t, s), i, "")
	c := s.last()
	if sent := c.text + c.form.Get("attachments"); strings.Contains(sent, "<!channel>") || strings.Contains(sent, "<@U1>") || !strings.Contains(c.text, "&lt;!channel&gt; &amp; co") {
		t.Errorf("sent %s", sent)
	}
}

func TestLongMessagesAreCutAndSaySo(t *testing.T) {
	s := newServer(t)
	i := drift()
	i.Title = strings.Repeat("ü", 1000)
	i.Lines = nil
	for range 1000 {
		i.Lines = append(i.Lines, strings.Repeat("x", 50))
	}
	notify(t, webhook(t, s), i, "")
	c := s.last()
	if len(c.body) > 8000 || !strings.Contains(c.body, "more lines") || strings.Contains(c.body, "\ufffd") {
		t.Errorf("%d bytes were sent", len(c.body))
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	for _, o := range []slack.Options{{}, {WebhookURL: is("x"), Token: is("y")}, {Token: is("y")}} {
		if _, err := slack.New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
