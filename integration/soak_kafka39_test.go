package integration

import (
	"os"
	"testing"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/integration/kafkatest/subjects"
	"github.com/ottla-io/ottla/reconcile/kindtest"
	"github.com/ottla-io/ottla/sinks/kafka"
)

// soak skips what takes minutes.
func soak(t *testing.T) {
	t.Helper()
	if os.Getenv("OTTLA_SOAK") != "1" {
		t.Skip("it takes minutes: run with OTTLA_SOAK=1, as make soak does")
	}
}

func TestSoakTheLawsAndAPushHoldOnKafka39(t *testing.T) {
	soak(t)
	k := kafkatest.Start(t, kafkatest.Options{Version: "3.9.1"})
	c := connect(t, kafka.Options{Brokers: k.Plain()})
	for name, subject := range subjects.All(c, kafkatest.Prefix(t), true) {
		t.Run(name, func(t *testing.T) { kindtest.Run(t, subject) })
	}
	w := newWorldOn(t, k)
	w.push(map[string]string{"orders.yaml": ordersTopic, "bob.yaml": bobUser})
	if v := w.apply(0); v.State != "in-sync" {
		t.Fatalf("state %s: %+v", v.State, v.Problems)
	}
	w.onlyWhatIsDeclared(w.pre+"bob", "bobs-password-1")
	w.settled()
}
