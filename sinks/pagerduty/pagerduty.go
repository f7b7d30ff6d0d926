// Package pagerduty opens and ends incidents of a PagerDuty service, by the
// Events API v2 and the routing key of an integration. An incident of ours is
// one of theirs: what is told again is joined to it by its key.
//
// When to tell, and again after an error, is for the caller to say.
package pagerduty

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ottla-io/ottla/sinks"
)

const (
	// timeout is how long PagerDuty may take for one answer.
	timeout = 10 * time.Second
	// maxAnswer is how much of an answer is read.
	maxAnswer = 64 << 10
)

// Options say which service is told. The key is read at each use, so that a
// rotated one works without a restart.
type Options struct {
	Name       string
	RoutingKey func() (string, error)
	Severity   string // of what is opened: critical, error, warning or info; "" is as loud as each incident
	URL        string // "" is https://events.pagerduty.com
	HTTP       *http.Client
}

// Notifier is one service.
type Notifier struct{ o Options }

var _ sinks.Notifier = (*Notifier)(nil)

// New returns a notifier. Nothing is sent yet.
func New(o Options) (*Notifier, error) {
	if o.RoutingKey == nil {
		return nil, errors.New("pagerduty: give the routing key of an integration")
	}
	switch o.Severity {
	case "", "critical", "error", "warning", "info":
	default:
		return nil, fmt.Errorf("pagerduty: severity %q is none of critical, error, warning, info", o.Severity)
	}
	if o.URL == "" {
		o.URL = "https://events.pagerduty.com"
	}
	if o.HTTP == nil {
		// A redirect would carry the key elsewhere.
		o.HTTP = &http.Client{Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return &Notifier{o}, nil
}

// Name is how the configuration calls it.
func (n *Notifier) Name() string { return n.o.Name }

// Notify opens an incident, tells more of one that is open, or ends it. There
// is no thread: PagerDuty joins by the incident's key.
func (n *Notifier) Notify(ctx context.Context, e sinks.Event) (string, error) {
	key, err := n.o.RoutingKey()
	if err != nil {
		return "", fmt.Errorf("pagerduty routing key: %w", err)
	}
	key = strings.TrimSpace(key)
	body, err := json.Marshal(n.event(key, e.Incident))
	if err != nil {
		return "", fmt.Errorf("write the event for pagerduty: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(n.o.URL, "/")+"/v2/enqueue", bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("reach pagerduty: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := n.o.HTTP.Do(req)
	if err != nil {
		return "", fmt.Errorf("reach pagerduty: %w", inner(err))
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return "", refusal(resp, answer, key)
}

// inner leaves out the address of what could not be reached.
func inner(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		return outer.Err
	}
	return err
}

// refusal is an answer that is no yes, in words that never hold the key.
func refusal(resp *http.Response, answer []byte, key string) error {
	switch {
	case resp.StatusCode/100 == 2:
		return nil
	case resp.StatusCode == http.StatusTooManyRequests:
		return &sinks.RetryAfter{After: after(resp.Header), Err: errors.New("pagerduty asks to wait: the integration has had too many events")}
	case resp.StatusCode == http.StatusBadRequest:
		return fmt.Errorf("pagerduty answers 400 Bad Request: it does not take the event%s; is the routing key that of an integration for Events API v2?", reasons(answer, key))
	case resp.StatusCode == http.StatusForbidden, resp.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("pagerduty answers %d %s: the routing key is not one of this service region", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	return fmt.Errorf("pagerduty answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
}

// after is how long the answer asks to wait; a minute where it does not say.
func after(h http.Header) time.Duration {
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return time.Minute
}

// reasons are what the answer says is wrong with the event.
func reasons(answer []byte, key string) string {
	var said struct {
		Errors []string `json:"errors"`
	}
	if json.Unmarshal(answer, &said) != nil || len(said.Errors) == 0 {
		return ""
	}
	words := shorten(strings.Join(said.Errors, "; "), maxTitle)
	if key != "" && strings.Contains(words, key) {
		return ""
	}
	return " (" + words + ")"
}
