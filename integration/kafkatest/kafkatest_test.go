package kafkatest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

func TestMain(m *testing.M) { Main(m) }

func TestEveryWayToLogInWorks(t *testing.T) {
	c := Shared(t)
	s := scram.Auth{User: AdminUser, Pass: AdminPassword}
	for name, m := range map[string]sasl.Mechanism{
		"SCRAM-SHA-256": s.AsSha256Mechanism(),
		"SCRAM-SHA-512": s.AsSha512Mechanism(),
		"PLAIN":         plain.Auth{User: PlainUser, Pass: PlainPassword}.AsMechanism(),
	} {
		t.Run(name, func(t *testing.T) {
			ping(t, c.Client(t, kgo.SeedBrokers(c.SASL()...), kgo.SASL(m)))
		})
	}
	t.Run("TLS", func(t *testing.T) {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(c.CA()))
		ping(t, c.Client(t, kgo.SeedBrokers(c.TLS()...), kgo.DialTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})))
	})
}

func TestABrokerComesBackAfterKill9(t *testing.T) {
	c := Start(t, Options{})
	if err := c.Kill9(); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	ping(t, c.Client(t))
}

func TestThreeNodesKnowEachOther(t *testing.T) {
	if testing.Short() {
		t.Skip("three brokers take a gigabyte and some seconds: not with -short")
	}
	c := Start(t, Options{Nodes: 3})
	ping(t, c.Client(t))
}

func ping(t *testing.T, cl *kgo.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	if err := cl.Ping(ctx); err != nil {
		t.Fatal(err)
	}
}
