package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/reconcile/ledgertest"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sinks/kafka/ledger"
)

// patience is more than anything here takes.
const patience = 20 * time.Second

func brokers(t *testing.T) *kfake.Cluster {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100*time.Millisecond),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "50"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// machine is where an agent runs: what it knows outlives a process.
type machine struct {
	k     *kfake.Cluster
	name  string
	known atomic.Value
	cut   atomic.Bool // the brokers cannot be reached
}

func newMachine(k *kfake.Cluster, name string) *machine { return &machine{k: k, name: name} }

func (m *machine) options() ledger.Options {
	return ledger.Options{
		Agent: m.name, Host: "host-of-" + m.name, Session: 600 * time.Millisecond, Hold: 300 * time.Millisecond,
		Request: 500 * time.Millisecond, Pause: 100 * time.Millisecond,
		Dial: func(ctx context.Context, more ...kgo.Opt) (*kgo.Client, error) {
			if m.cut.Load() {
				return nil, errors.New("no route to host")
			}
			return kafka.Dial(ctx, kafka.Options{Brokers: m.k.ListenAddrs(), RequestTimeout: 2 * time.Second}, more...)
		},
		Known: func() (string, error) { id, _ := m.known.Load().(string); return id, nil },
		Know:  func(id string) error { m.known.Store(id); return nil },
	}
}

// process is an agent's ledger that takes part in the election.
func (m *machine) process(t *testing.T) *ledger.Ledger {
	t.Helper()
	l := ledger.New(t.Context(), m.options())
	t.Cleanup(func() { _ = l.Close() })
	l.Elect()
	return l
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !so() {
		select {
		case <-ctx.Done():
			t.Fatalf("it never came about: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func leads(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	eventually(t, "it leads", func() bool { return l.Standing().Leading })
}

// leading is one that leads.
func leading(t *testing.T, m *machine) *ledger.Ledger {
	t.Helper()
	l := m.process(t)
	eventually(t, m.name+" leads", func() bool {
		if err := l.Standing().Fault; err != nil {
			t.Log(err)
		}
		return l.Standing().Leading
	})
	return l
}

func TestTheTopicKeepsTheLawsOfALedger(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) ledgertest.Open {
		m := newMachine(brokers(t), "a")
		return func(t *testing.T) ledgertest.Ledger { return leading(t, m) }
	})
}

// produce puts records beside the ledger's own, as nobody should.
func produce(t *testing.T, k *kfake.Cluster, records ...*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.DefaultProduceTopic(ledger.DefaultTopic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func record(key string, value string) *kgo.Record {
	r := &kgo.Record{Key: []byte(key)}
	if value != "" {
		r.Value = fmt.Appendf(nil, "%08x %s", ledger.Checksum([]byte(value)), value)
	}
	return r
}
