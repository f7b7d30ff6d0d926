package kafka_test

import (
	"testing"

	"github.com/ottla-io/ottla/integration/kafkatest/subjects"
	"github.com/ottla-io/ottla/reconcile/kindtest"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestLawsOfEveryKindOnAFake(t *testing.T) {
	c := fake(t)
	for name, subject := range subjects.All(c, "laws-", false) {
		t.Run(name, func(t *testing.T) { kindtest.Run(t, subject) })
	}
}

const fakePassword = "admin-secret"

// fake is a fake cluster with ACLs on, and us as its super user.
func fake(t *testing.T, opts ...kfake.Opt) *kafka.Cluster {
	t.Helper()
	return connect(t, options(fakeBrokers(t, opts...)))
}

func fakeBrokers(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	f, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(1), kfake.EnableACLs(), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "admin", fakePassword),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func options(f *kfake.Cluster) kafka.Options {
	return kafka.Options{Brokers: f.ListenAddrs(), SASL: &kafka.SASL{
		Mechanism: kafka.ScramSHA512, Username: "admin", Password: func() (string, error) { return fakePassword, nil },
	}}
}

func connect(t *testing.T, o kafka.Options) *kafka.Cluster {
	t.Helper()
	c, err := kafka.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
