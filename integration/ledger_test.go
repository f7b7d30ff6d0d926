package integration

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/reconcile/ledgertest"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sinks/kafka/ledger"
)

// ledgerIn is a ledger in a topic of its own, as a user with these options
// reaches it.
func ledgerIn(t *testing.T, o kafka.Options, topic string) *ledger.Ledger {
	t.Helper()
	l := ledger.New(t.Context(), ledger.Options{
		Topic: topic, Agent: "a", Host: "h",
		Dial: func(ctx context.Context, more ...kgo.Opt) (*kgo.Client, error) { return kafka.Dial(ctx, o, more...) },
	})
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestTheTopicKeepsTheLawsOfALedgerOnRealBrokers(t *testing.T) {
	r := kafkatest.Shared(t)
	ledgertest.Run(t, func(t *testing.T) ledgertest.Open {
		topic := "__ottla_" + kafkatest.Prefix(t)
		return func(t *testing.T) ledgertest.Ledger {
			t.Helper()
			l := ledgerIn(t, kafka.Options{Brokers: r.Plain()}, topic)
			if err := l.Claim(t.Context()); err != nil {
				t.Fatal(err)
			}
			return l
		}
	})
}

// TestTheLeastRightsOfALedgerAreEnoughAndTheirLackIsNamed keeps a ledger with
// the rights that docs/security.md lists, and asks what is missing with none.
func TestTheLeastRightsOfALedgerAreEnoughAndTheirLackIsNamed(t *testing.T) {
	r := kafkatest.Shared(t)
	topic := "__ottla_" + kafkatest.Prefix(t)
	rules := slices.Concat(
		allow("topic", topic, "create", "describe", "read", "write"), allow("group", topic, "describe", "read"), allow("transactional-id", topic, "describe", "write"))
	c, user := limited(t, r, rules...)
	l := ledgerIn(t, saslOptions(r, user, userPassword), topic)
	if err := l.Claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	ledgertest.Add(t, l, ledgertest.Accepted(1))
	features, err := c.LedgerRights(t.Context(), topic)
	if err != nil || len(features) != 3 {
		t.Fatalf("%v, %+v", err, features)
	}
	for _, f := range features {
		if len(f.Lacks)+len(f.Doubt) > 0 {
			t.Errorf("%s: %v %v", f.Does, f.Lacks, f.Doubt)
		}
	}
	ledgertest.Add(t, l, ledgertest.Accepted(2)) // asking has fenced nobody
	without, _ := limited(t, r, allow("topic", topic, "describe")...)
	features, err = without.LedgerRights(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var lacks []string
	for _, f := range features {
		lacks = append(lacks, f.Lacks...)
	}
	for _, want := range []string{"no Read on topic", "no Write on topic", "on group", "on transactional id"} {
		if !slices.ContainsFunc(lacks, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("%q is not named in %q", want, lacks)
		}
	}
	if err := ledgerIn(t, kafka.Options{Brokers: r.Plain()}, topic).Claim(t.Context()); err == nil {
		t.Error("two lead")
	}
}
