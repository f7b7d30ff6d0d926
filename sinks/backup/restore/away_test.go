package restore

import (
	"context"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// gate is a network that can be shut: connections end, and new ones are refused
// as those of a broker that restarts are.
type gate struct {
	mu   sync.Mutex
	shut bool
	open []net.Conn
}

func (g *gate) dial(ctx context.Context, network, host string) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, host)
	if err == nil {
		g.open = append(g.open, c)
	}
	return c, err
}

func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	for _, c := range g.open {
		_ = c.Close()
	}
	g.open = nil
}

// TestAClusterThatIsAwayAtAnyStepIsWaitedFor takes the only brokers away for a
// moment, longer than a client waits by itself, at every step of a restore.
func TestAClusterThatIsAwayAtAnyStepIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	src := topic{Topic: format.Topic{Name: "small"}, logs: []log{{{dense(batch.LZ4, 0, 40)}, {dense(batch.LZ4, 40, 5)}}, {{dense(batch.None, 3, 30)}}}}
	w.point(func(m *format.Manifest) {
		m.Groups = []format.Group{{Name: "billing", Type: "classic", Offsets: []format.Commit{{Topic: "small", Partition: 0, Offset: 45}}}}
		m.ACLs = []format.ACL{{ResourceType: "TOPIC", PatternType: "LITERAL", ResourceName: "small", Principal: "User:a", Host: "*", Operation: "READ", Permission: "ALLOW"}}
	}, src)
	for n := int64(1); ; n++ {
		pre := t.Name()[:4] + string(rune('a'+n)) + "-"
		g := new(gate)
		o := w.options(pre + "restore")
		o.Dial = func(context.Context) (*kgo.Client, error) {
			return kgo.NewClient(kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.Dialer(g.dial))
		}
		o.Rename, o.Groups, o.ACLs, o.Prove, o.Timeout = map[string]string{"*": pre + "*"}, []string{"bill*"}, true, true, 10*time.Second
		var step atomic.Int64
		at := ""
		o.Step = func(s string) {
			if step.Add(1) == n {
				at = s
				g.set(true)
				time.AfterFunc(300*time.Millisecond, func() { g.set(false) })
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
