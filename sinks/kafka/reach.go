package kafka

import (
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// reachError says in one sentence why no broker could be talked to. What the
// client said stays behind it, for whoever asks errors.Is.
type reachError struct {
	text string
	err  error
}

// Error is the sentence.
func (e *reachError) Error() string { return e.text }

// Unwrap is what the client said.
func (e *reachError) Unwrap() error { return e.err }

// unreached puts into words what stands between us and the brokers.
func (c *Cluster) unreached(err error) error {
	say := func(format string, args ...any) error {
		return &reachError{text: fmt.Sprintf(format, args...), err: err}
	}
	var hangup *kgo.ErrFirstReadEOF
	var dns *net.DNSError
	var dial *net.OpError
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return say("the brokers refuse %s: wrong user, password or SASL mechanism", c.whom())
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return say("the brokers do not offer the configured SASL mechanism on this listener")
	case errors.As(err, &hangup), errors.Is(err, io.EOF):
		return say("the brokers hang up on the first request: this listener wants TLS or SASL, or another one than is configured")
	case errors.As(err, &dns):
		return say("no broker can be found: the name %s is not known (%s)", dns.Name, dns.Err)
	case errors.As(err, &dial) && dial.Op == "dial":
		return say("no broker answers at %v: %v", dial.Addr, root(dial.Err))
	default:
		return fmt.Errorf("ask the brokers for the cluster id: %w", err)
	}
}

func (c *Cluster) whom() string {
	if c.user == "" {
		return "our login"
	}
	return "user " + c.user
}

// root is the last of a chain of errors: "connection refused".
func root(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
