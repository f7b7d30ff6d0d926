package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/ottla-io/ottla/docs/examples"
	"github.com/ottla-io/ottla/integration/kafkatest"
)

// TestTheExamplePlatformIsAppliedFromNothing is the repository of the demo and
// of the documentation, on a real Kafka.
func TestTheExamplePlatformIsAppliedFromNothing(t *testing.T) {
	w := newWorld(t)
	key := filepath.Join(w.dir, "demo.agekey")
	w.must(os.WriteFile(key, []byte(examples.DemoKey()), 0o600))
	w.must(os.CopyFS(w.repo, examples.Platform()))
	w.push(nil)
	w.sync["path"] = "overlays/dev"
	w.sync["sops"] = map[string]any{"ageKeyFiles": []string{key}}
	if v := w.apply(0); v.State != "in-sync" {
		t.Fatalf("state %s: %+v", v.State, v.Problems)
	}
	kafkatest.Eventually(t, func() error {
		for topic, want := range map[string]int{"orders": 3, "payments": 1, "shipments": 1, "customers": 3, "orders.dead-letters": 1} {
			if n := w.partitions(topic); n != want {
				return fmt.Errorf("%s has %d partitions, want %d", topic, n, want)
			}
		}
		return nil
	})
	if got := w.topicConfig("payments")["retention.ms"]; got != "86400000" {
		t.Errorf("the overlay's retention of payments is %q", got)
	}
	if got := w.acls("User:billing"); len(got) != 7 {
		t.Errorf("billing may %q", got)
	}
	if got := w.quotas("analytics"); got["request_percentage"] != 25 {
		t.Errorf("the quotas of analytics are %v", got)
	}
	w.settled()
}
