package git

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/ottla-io/ottla/sources"
)

// dialHTTP builds a client for one conversation, so that rotated secrets and
// certificates are the ones in use.
func (r *Repository) dialHTTP(received *atomic.Int64) (conn, error) {
	t, err := r.opts.httpTransport()
	if err != nil {
		return nil, err
	}
	auth, err := r.opts.httpAuth(r.addr)
	if err != nil {
		return nil, err
	}
	ep, err := transport.NewEndpoint(r.addr.String())
	if err != nil {
		return nil, err
	}
	client := githttp.NewClient(&http.Client{Transport: &statusTransport{next: t, received: received}})
	session, err := client.NewUploadPackSession(ep, auth)
	if err != nil {
		return nil, err
	}
	return &wire{session: session, close: func() error { t.CloseIdleConnections(); return nil }}, nil
}

func (o Options) httpAuth(a address) (transport.AuthMethod, error) {
	if o.Token != nil {
		token, err := secret(o.Token, "token")
		return &githttp.TokenAuth{Token: token}, err
	}
	if o.Password != nil {
		password, err := secret(o.Password, "password")
		return &githttp.BasicAuth{Username: o.User, Password: password}, err
	}
	if a.user != "" { // some forges take a token as the user name of a URL
		return &githttp.BasicAuth{Username: a.user}, nil
	}
	return nil, nil
}

// secret calls a SecretFunc; an empty answer is an error, not an anonymous try.
func secret(f SecretFunc, what string) (string, error) {
	s, err := f()
	if err != nil {
		return "", fmt.Errorf("read the %s: %w", what, err)
	}
	if s == "" {
		return "", fmt.Errorf("the %s is empty", what)
	}
	return s, nil
}

func (o Options) httpTransport() (*http.Transport, error) {
	conf, err := o.tlsConfig()
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 15 * time.Second, MaxIdleConns: 2, IdleConnTimeout: 30 * time.Second,
	}
	if o.Proxy == "" {
		return t, nil
	}
	proxy, err := url.Parse(o.Proxy)
	if err != nil {
		return nil, errors.New("the proxy is not a URL")
	}
	if o.ProxyPassword != nil {
		password, err := secret(o.ProxyPassword, "proxy password")
		if err != nil {
			return nil, err
		}
		proxy.User = url.UserPassword(o.ProxyUser, password)
	}
	t.Proxy = http.ProxyURL(proxy)
	return t, nil
}

func (o Options) tlsConfig() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the CA file: %w", err)
		}
		if conf.RootCAs, err = x509.SystemCertPool(); err != nil {
			conf.RootCAs = x509.NewCertPool()
		}
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("the CA file %s holds no PEM certificate", o.CAFile)
		}
	}
	if o.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("client certificate %s: %w", o.CertFile, err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// statusTransport counts bytes and turns refusals into errors before their
// bodies, whole HTML pages at times, can become part of one.
type statusTransport struct {
	next     http.RoundTripper
	received *atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (t *statusTransport) RoundTrip(q *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	if err := refusal(answer); err != nil {
		_ = answer.Body.Close()
		return nil, err
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{countingReader{answer.Body, func(n int) { t.received.Add(int64(n)) }}, answer.Body}
	return answer, nil
}

// refusal is the error of a status, without the body.
func refusal(a *http.Response) error {
	switch {
	case a.StatusCode < 400:
		return nil
	case a.StatusCode == http.StatusUnauthorized:
		return transport.ErrAuthenticationRequired
	case a.StatusCode == http.StatusForbidden:
		return transport.ErrAuthorizationFailed
	case a.StatusCode == http.StatusNotFound || a.StatusCode == http.StatusGone:
		return transport.ErrRepositoryNotFound
	case a.StatusCode == http.StatusProxyAuthRequired:
		return errProxyAuth
	}
	err := fmt.Errorf("the server answered %d %s", a.StatusCode, http.StatusText(a.StatusCode))
	after := retryAfter(a.Header.Get("Retry-After"), time.Now())
	if after == 0 && a.StatusCode == http.StatusTooManyRequests {
		after = time.Minute
	}
	if after > 0 {
		return &sources.RetryAfterError{After: after, Err: err}
	}
	return err
}

// maxRetryAfter keeps a broken or hostile server from putting us to sleep for
// good.
const maxRetryAfter = time.Hour

// retryAfter reads the header in both its forms, RFC 9110 section 10.2.3; 0
// where there is none.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
