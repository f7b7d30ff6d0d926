package integration

import (
	"testing"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/integration/kafkatest/subjects"
	"github.com/ottla-io/ottla/reconcile/kindtest"
	"github.com/ottla-io/ottla/sinks/kafka"
)

func TestMain(m *testing.M) { kafkatest.Main(m) }

func TestLawsOfEveryKindOnARealKafka(t *testing.T) {
	c := connect(t, kafka.Options{Brokers: kafkatest.Shared(t).Plain()})
	for name, subject := range subjects.All(c, kafkatest.Prefix(t), true) {
		t.Run(name, func(t *testing.T) { kindtest.Run(t, subject) })
	}
}

func connect(t testing.TB, o kafka.Options) *kafka.Cluster {
	t.Helper()
	c, err := kafka.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
