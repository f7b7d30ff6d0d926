package proof

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// webhookTimeout and webhookStatus are what a webhook has where it says nothing.
	webhookTimeout = 120 * time.Second
	webhookStatus  = http.StatusOK
	// drained is how much of an answer is read, so that its connection can be used again.
	drained = 64 << 10
)

// Webhook is a service that judges, too: the evidence so far is posted to it as
// JSON. Its URL is a secret and in no message.
type Webhook struct {
	Name    string
	URL     func() (string, error)
	Timeout time.Duration // 0 is two minutes
	Status  int           // that says yes; 0 is 200
}

// webhooks asks every service, whatever the others said.
func (v *validation) webhooks(ctx context.Context) {
	for _, w := range v.Webhooks {
		so := v.evidence
		so.conclude(v.Now())
		text, err := w.ask(ctx, so)
		v.evidence.check("webhook "+w.Name, text, words(err))
	}
}

// ask posts the evidence.
func (w Webhook) ask(ctx context.Context, e Evidence) (text string, err error) {
	timeout, wanted := w.Timeout, w.Status
	if timeout == 0 {
		timeout = webhookTimeout
	}
	if wanted == 0 {
		wanted = webhookStatus
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	status, err := w.post(ctx, e)
	switch {
	case err != nil:
		return "could not be asked", err
	case status != wanted:
		return fmt.Sprintf("answered %d", status), fmt.Errorf("it answered %d %s where %d says yes", status, http.StatusText(status), wanted)
	}
	return fmt.Sprintf("answered %d", status), nil
}

func (w Webhook) post(ctx context.Context, e Evidence) (status int, err error) {
	address, err := w.URL()
	if err != nil {
		return 0, fmt.Errorf("its URL could not be read: %w", err)
	}
	body, err := json.Marshal(e)
	if err != nil {
		return 0, fmt.Errorf("write the evidence: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("its URL is not one") // the error would show it
	}
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return 0, unreachable(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	_, _ = io.CopyN(io.Discard, resp.Body, drained)
	return resp.StatusCode, nil
}

// unreachable says why no answer came, without any part of the URL: errors of
// the network name the host, those of HTTP all of it.
func unreachable(ctx context.Context, err error) error {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errors.New("it did not answer in time")
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &dns):
		return errors.New("its host could not be found")
	case errors.As(err, &op):
		return fmt.Errorf("its host could not be reached (%s)", op.Op)
	}
	return errors.New("the request failed: look at its certificate and its address")
}
