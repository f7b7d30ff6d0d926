package kafkatest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Plain are the addresses of the listeners without authentication.
func (c *Cluster) Plain() []string { return c.addresses((*Node).Plain) }

// SASL are the addresses of the SASL_PLAINTEXT listeners.
func (c *Cluster) SASL() []string { return c.addresses((*Node).SASL) }

// TLS are the addresses of the SSL listeners; CA signed their certificates.
func (c *Cluster) TLS() []string { return c.addresses((*Node).TLS) }

// CA is the certificate of the cluster's own authority, as PEM.
func (c *Cluster) CA() string { return c.ca.PEM }

// Certificate makes a client certificate for User:CN=<name>, as PEM.
func (c *Cluster) Certificate(t testing.TB, name string) (cert, key string) {
	t.Helper()
	cert, key, err := c.ca.issue(name)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func (c *Cluster) addresses(of func(*Node) string) []string {
	var out []string
	for _, n := range c.Nodes {
		out = append(out, of(n))
	}
	return out
}

// Client is a super user's client that is closed with the test.
func (c *Cluster) Client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.Plain()...)}, opts...)...)
	if err != nil {
		t.Fatalf("make a client: %v", err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// Wait waits until every node answers and knows all others.
func (c *Cluster) Wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for _, n := range c.Nodes {
		if err := poll(ctx, func() error { return c.answers(ctx, n) }); err != nil {
			return fmt.Errorf("wait for node %d: %w", n.id, err)
		}
	}
	return nil
}

// errEnded ends a wait early: the process is gone.
var errEnded = errors.New("the process has ended")

func (c *Cluster) answers(ctx context.Context, n *Node) error {
	if !n.running() {
		return errEnded
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(n.Plain()), kgo.DialTimeout(time.Second))
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	resp, err := cl.SeedBrokers()[0].Request(ctx, req)
	if err != nil {
		return err
	}
	if m := resp.(*kmsg.MetadataResponse); len(m.Brokers) < len(c.Nodes) || m.ControllerID < 0 {
		return fmt.Errorf("it knows %d of %d brokers, controller %d", len(m.Brokers), len(c.Nodes), m.ControllerID)
	}
	return nil
}

// poll asks every 50 ms until there is no error.
func poll(ctx context.Context, ask func() error) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := ask()
		if err == nil || errors.Is(err, errEnded) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; the last answer: %w", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

// Eventually waits until ask has no error, for as long as a real broker takes
// to show what it acknowledged, and fails the test where it never does.
func Eventually(t testing.TB, ask func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := poll(ctx, ask); err != nil {
		t.Fatal(err)
	}
}

// Prefix is a name of this test's own, fit for topics, users and groups, so
// that tests that share a cluster do not meet.
func Prefix(t testing.TB) string {
	id := make([]byte, 4)
	_, _ = rand.Read(id)
	name := strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9') {
			return r
		}
		return '-'
	}, t.Name())
	return fmt.Sprintf("%.60s-%s-", name, hex.EncodeToString(id))
}
