package capture

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/patience/patiencetest"
)

// TestAClusterThatIsAwayAtAnyStepIsWaitedFor takes the brokers away for a
// moment at every step of a run that has reached them.
func TestAClusterThatIsAwayAtAnyStepIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 3)
	w.produce("orders", 0, values(0, 5)...)
	offsets := make(kadm.Offsets)
	offsets.AddOffset("orders", 0, 3, -1)
	if err := w.adm.CommitAllOffsets(t.Context(), "billing", offsets); err != nil {
		t.Fatal(err)
	}
	for n := int64(1); ; n++ {
		gate := new(patiencetest.Gate)
		w.anew()
		o := w.options("orders")
		o.Dial = func(context.Context) (*kgo.Client, error) {
			return kgo.NewClient(kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.MetadataMinAge(10*time.Millisecond), kgo.Dialer(gate.Dial))
		}
		var step atomic.Int64
		reached, at := false, ""
		o.Step = func(s string) {
			if reached = reached || s == "parent and groups"; reached && step.Add(1) == n {
				at = s
				gate.Shut(300 * time.Millisecond)
			}
		}
		report, err := Run(t.Context(), o)
		if err != nil {
			t.Fatalf("away at step %d, %s: %v", n, at, err)
		}
		if report.Records != 5 || len(report.Point.Groups) != 1 || len(report.Alerts) != 0 {
			t.Errorf("away at step %d, %s: %+v", n, at, report)
		}
		if step.Load() < n {
			t.Logf("away at each of %d steps", n-1)
			return
		}
	}
}

func TestAnAddressWhereNobodyListensIsToldAtOnce(t *testing.T) {
	w := newWorld(t)
	o := w.options("orders")
	o.Dial = func(context.Context) (*kgo.Client, error) { return kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1")) }
	o.Patience = time.Hour
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "connect to the source cluster") {
		t.Errorf("got %v", err)
	}
}

func TestAGroupThatAnAnswerLeavesOutIsTold(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 5)...)
	offsets := make(kadm.Offsets)
	offsets.AddOffset("orders", 0, 3, -1)
	for _, group := range []string{"audit", "billing", "cards"} {
		if err := w.adm.CommitAllOffsets(t.Context(), group, offsets); err != nil {
			t.Fatal(err)
		}
	}
	w.control(kmsg.OffsetFetch, func(req kmsg.Request) (kmsg.Response, bool) {
		resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
		resp.Groups = []kmsg.OffsetFetchResponseGroup{{Group: "audit"}, {Group: "cards"}}
		return resp, true
	})
	report := w.run(w.options("orders"))
	if len(report.Alerts) != 1 || !strings.Contains(report.Alerts[0].Words, "group billing") {
		t.Errorf("%+v", report.Alerts)
	}
}
