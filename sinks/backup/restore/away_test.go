package restore

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/patience/patiencetest"
)

// TestAClusterThatIsAwayAtAnyStepIsWaitedFor takes the brokers away for a
// moment at every step of a restore.
func TestAClusterThatIsAwayAtAnyStepIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	src := topic{Topic: format.Topic{Name: "small"}, logs: []log{{{dense(batch.LZ4, 0, 40)}, {dense(batch.LZ4, 40, 5)}}, {{dense(batch.None, 3, 30)}}}}
	w.point(func(m *format.Manifest) {
		m.Groups = []format.Group{{Name: "billing", Type: "classic", Offsets: []format.Commit{{Topic: "small", Partition: 0, Offset: 45}}}}
		m.ACLs = []format.ACL{{ResourceType: "TOPIC", PatternType: "LITERAL", ResourceName: "small", Principal: "User:a", Host: "*", Operation: "READ", Permission: "ALLOW"}}
	}, src)
	for n := int64(1); ; n++ {
		pre := fmt.Sprintf("away%d-", n)
		gate, o := new(patiencetest.Gate), w.options(pre+"restore")
		o.Dial = func(context.Context) (*kgo.Client, error) {
			return kgo.NewClient(kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.Dialer(gate.Dial))
		}
		o.Rename, o.Groups, o.ACLs, o.Prove, o.Timeout = map[string]string{"*": pre + "*"}, []string{"bill*"}, true, true, 10*time.Second
		var step atomic.Int64
		at := ""
		o.Step = func(s string) {
			if step.Add(1) == n {
				at = s
				gate.Shut(300 * time.Millisecond)
			}
		}
		if _, err := Run(t.Context(), o); err != nil {
			t.Fatalf("away at step %d, %s: %v", n, at, err)
		}
		for p, l := range src.logs {
			w.same(pre+"small", int32(p), want(l))
		}
		if step.Load() < n {
			t.Logf("away at each of %d steps", n-1)
			return
		}
	}
}
