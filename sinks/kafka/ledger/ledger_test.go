package ledger_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/reconcile/ledgertest"
	"github.com/ottla-io/ottla/sinks/kafka/ledger"
)

func accepted(t *testing.T, l *ledger.Ledger) string {
	t.Helper()
	return ledgertest.State(t, l).Section("main").Accepted
}

// inits counts how often the transactional id was initialised.
func inits(k *kfake.Cluster) func() int {
	var mu sync.Mutex
	n := 0
	k.ControlKey(int16(kmsg.InitProducerID), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		n++
		return nil, nil, false
	})
	return func() int { mu.Lock(); defer mu.Unlock(); return n }
}

func TestAStandbyThatStartsNeverDisturbsTheLeader(t *testing.T) {
	k := brokers(t)
	fenced := inits(k)
	a := leading(t, newMachine(k, "a"))
	ledgertest.Add(t, a, ledgertest.Accepted(1))
	before := fenced()
	for _, name := range []string{"b", "c"} {
		l := newMachine(k, name).process(t)
		eventually(t, name+" knows who leads", func() bool { s := l.Standing(); return s.Leader != nil && s.Leader.Agent == "a" })
		if err := l.Append(t.Context(), ledgertest.Accepted(9)); !errors.Is(err, ledger.ErrNotLeading) || !strings.Contains(err.Error(), "agent a on host-of-a") {
			t.Errorf("%s writes: %v", name, err)
		}
		if err := l.Hold(); !errors.Is(err, ledger.ErrNotLeading) {
			t.Errorf("%s may change something: %v", name, err)
		}
		if got := accepted(t, l); got != "1" {
			t.Errorf("%s reads %q", name, got)
		}
	}
	eventually(t, "all are in the group", func() bool {
		all, err := a.Agents(t.Context())
		return err == nil && len(all) == 3
	})
	ledgertest.Add(t, a, ledgertest.Accepted(2))
	if !a.Standing().Leading || fenced() != before {
		t.Errorf("the transactional id was initialised %d times, %d of them before", fenced(), before)
	}
}

func TestAStandbyTakesOverWhereTheLeaderLeft(t *testing.T) {
	k := brokers(t)
	a, b := leading(t, newMachine(k, "a")), newMachine(k, "b").process(t)
	eventually(t, "b stands by", func() bool { return b.Standing().Leader != nil })
	ledgertest.Add(t, a, ledgertest.Accepted(1), ledgertest.Accepted(2))
	if err := a.SetNote(t.Context(), "incidents", []byte("open")); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	leads(t, b)
	if got := accepted(t, b); got != "2" || string(b.Note("incidents")) != "open" {
		t.Errorf("accepted %q, note %q", got, b.Note("incidents"))
	}
	if err := b.Hold(); err != nil {
		t.Error(err)
	}
}

// TestALeaderThatWasFencedWritesNothing takes the lead away behind the back of a
// leader: its group still believes in it, as after a long pause.
func TestALeaderThatWasFencedWritesNothing(t *testing.T) {
	k := brokers(t)
	a := leading(t, newMachine(k, "a"))
	ledgertest.Add(t, a, ledgertest.Accepted(1))
	usurp(t, k)
	if err := a.Append(t.Context(), ledgertest.Accepted(2)); !errors.Is(err, ledger.ErrNotLeading) {
		t.Fatalf("a fenced leader writes: %v", err)
	}
	if err := a.Hold(); !errors.Is(err, ledger.ErrNotLeading) {
		t.Errorf("a fenced leader may change something: %v", err)
	}
	leads(t, a)
	if got := accepted(t, a); got != "1" {
		t.Errorf("what a fenced leader wrote is there: %q", got)
	}
}

// usurp initialises the transactional id, as nobody does who was not elected.
func usurp(t *testing.T, k *kfake.Cluster) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.TransactionalID(ledger.DefaultTopic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, _, err := client.ProducerID(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestALeaseThatGrewOldIsRenewedBeforeAChangeOrDeniesIt(t *testing.T) {
	k := brokers(t)
	a := leading(t, newMachine(k, "a"))
	if err := a.Hold(); err != nil {
		t.Fatal(err)
	}
	usurp(t, k) // nothing is written until the lease is old
	eventually(t, "the change is denied", func() bool { return errors.Is(a.Hold(), ledger.ErrNotLeading) })
}

func TestANewLeaderWaitsUntilNothingOfTheOldOneCanArrive(t *testing.T) {
	k := brokers(t)
	m := newMachine(k, "a")
	a := leading(t, m)
	ledgertest.Add(t, a, ledgertest.Accepted(1))
	last := time.Now()
	var cut atomic.Bool
	cut.Store(true) // it cannot say good-bye
	for _, key := range []kmsg.Key{kmsg.LeaveGroup, kmsg.EndTxn} {
		k.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			if !cut.Load() {
				return nil, nil, false
			}
			return nil, errors.New("cut off"), true
		})
	}
	_ = a.Close()
	cut.Store(false)
	b := leading(t, newMachine(k, "b"))
	o := m.options()
	if waited := time.Since(last); waited < o.Hold+o.Request {
		t.Errorf("it leads %s after the last word of the other, which may do something for %s", waited, o.Hold+o.Request)
	}
	if got := accepted(t, b); got != "1" {
		t.Errorf("accepted %q", got)
	}
}

func TestLeadEndsWithTheReignAndComesBack(t *testing.T) {
	k := brokers(t)
	l := ledger.New(t.Context(), newMachine(k, "a").options())
	t.Cleanup(func() { _ = l.Close() })
	began, ended := make(chan struct{}, 9), make(chan struct{}, 9)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		l.Lead(ctx, func(ctx context.Context) { began <- struct{}{}; <-ctx.Done(); ended <- struct{}{} })
	}()
	<-began
	usurp(t, k)
	_ = l.Append(t.Context(), ledgertest.Accepted(1))
	<-ended
	<-began
	cancel()
	<-ended
	<-over
}

func TestClaimLeadsWhereNobodyDoesAndNamesTheOneWhoDoes(t *testing.T) {
	k := brokers(t)
	a := ledger.New(t.Context(), newMachine(k, "a").options())
	t.Cleanup(func() { _ = a.Close() })
	if err := a.Claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	ledgertest.Add(t, a, ledgertest.Accepted(1))
	b := ledger.New(t.Context(), newMachine(k, "b").options())
	t.Cleanup(func() { _ = b.Close() })
	if err := b.Claim(t.Context()); !errors.Is(err, ledger.ErrNotLeading) || !strings.Contains(err.Error(), "agent a on host-of-a") {
		t.Errorf("got %v", err)
	}
}

func TestDamageIsAnErrorWithAWayOutAndNeverAnEmptyState(t *testing.T) {
	for name, tc := range map[string]struct {
		records []*kgo.Record
		want    string
		way     string
	}{
		"a flipped byte":   {[]*kgo.Record{{Key: []byte("entry/000000000002/0/1"), Value: []byte("00000000 {}")}}, "its checksum does not match", "ottla ledger rebuild"},
		"an entry is gone": {[]*kgo.Record{record("entry/000000000001/0/1", "")}, "entry 2 follows entry 0", "ottla ledger rebuild"},
		"a part is gone":   {[]*kgo.Record{record("entry/000000000004/0/2", "{")}, "a part of it is missing", "ottla ledger rebuild"},
		"something else":   {[]*kgo.Record{record("hello", "{}")}, `key "hello" is none of a ledger`, "ottla ledger rebuild"},
		"no header":        {[]*kgo.Record{record("ledger/0/1", "")}, "no header", "ottla ledger rebuild"},
		"a newer version":  {[]*kgo.Record{record("ledger/0/1", `{"format":"ottla-ledger","version":99,"cluster":"kfake"}`)}, "was written by a newer version", "at least as new"},
		"another cluster":  {[]*kgo.Record{record("ledger/0/1", `{"format":"ottla-ledger","version":1,"cluster":"x"}`)}, `it is the ledger of cluster "x"`, "nothing will be deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			k := brokers(t)
			m := newMachine(k, "a")
			l := leading(t, m)
			ledgertest.Add(t, l, ledgertest.Accepted(1), ledgertest.Accepted(2), ledgertest.Accepted(3))
			_ = l.Close()
			produce(t, k, tc.records...)
			again := m.process(t)
			_, err := again.Replay(t.Context())
			var told *ledger.Error
			if !errors.As(err, &told) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(told.Hint, tc.way) {
				t.Errorf("got %v, hint %+v", err, told)
			}
			eventually(t, "it says why it does not lead", func() bool { return again.Standing().Fault != nil })
			if again.Standing().Leading {
				t.Error("it leads")
			}
		})
	}
}

func drop(t *testing.T, k *kfake.Cluster) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames = []string{ledger.DefaultTopic}
	req.Topics = []kmsg.DeleteTopicsRequestTopic{{Topic: kmsg.StringPtr(ledger.DefaultTopic)}}
	resp, err := req.RequestWith(t.Context(), client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestATopicThatIsGoneIsNotTakenForOneThatNeverWas(t *testing.T) {
	k := brokers(t)
	m, n := newMachine(k, "a"), newMachine(k, "b")
	l := leading(t, m)
	ledgertest.Add(t, l, ledgertest.Accepted(1))
	_ = l.Close()
	_ = leading(t, n).Close()
	drop(t, k)
	again := m.process(t)
	if _, err := again.Replay(t.Context()); !errors.Is(err, ledger.ErrLost) {
		t.Errorf("got %v", err)
	}
	eventually(t, "it waits for a person", func() bool { return errors.Is(again.Standing().Fault, ledger.ErrLost) })
	if done, err := again.Rebuild(t.Context()); !done || err != nil {
		t.Fatalf("%t, %v", done, err)
	}
	if done, err := again.Rebuild(t.Context()); done || err != nil {
		t.Errorf("a second time: %t, %v", done, err)
	}
	leads(t, again)
	if got := accepted(t, again); got != "" {
		t.Errorf("accepted %q", got)
	}
	ledgertest.Add(t, again, ledgertest.Accepted(5))
	_ = again.Close()
	if got := accepted(t, leading(t, n)); got != "5" {
		t.Errorf("the other agent does not go on with it: %q", got)
	}
}

func TestAMovedLedgerIsNotLedByAndComesBackWithWhatItBecame(t *testing.T) {
	k := brokers(t)
	m := newMachine(k, "a")
	l := leading(t, m)
	ledgertest.Add(t, l, ledgertest.Accepted(1))
	if err := l.Import(t.Context(), ledgertest.State(t, l), 7); !errors.Is(err, ledger.ErrHolds) {
		t.Errorf("it was overwritten: %v", err)
	}
	if err := l.Depart(t.Context(), "a file on host-of-a"); err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	again := newMachine(k, "b").process(t)
	var moved *ledger.MovedError
	eventually(t, "b says where it is", func() bool { return errors.As(again.Standing().Fault, &moved) })
	_ = again.Close()
	o := m.options()
	o.Import = true
	back := ledger.New(t.Context(), o)
	t.Cleanup(func() { _ = back.Close() })
	if err := back.Claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	state := ledgertest.State(t, back)
	state.Section("main").Accepted = "9"
	if err := back.Import(t.Context(), state, 40); err != nil {
		t.Fatal(err)
	}
	_ = back.Close()
	if got := accepted(t, leading(t, m)); got != "9" {
		t.Errorf("accepted %q", got)
	}
}

func TestAnAgentWithAnotherKeyIsNoticed(t *testing.T) {
	k := brokers(t)
	one, other := newMachine(k, "a"), newMachine(k, "b")
	first := leading(t, one)
	if first.OtherKey() {
		t.Error("the first agent has no other key")
	}
	_ = first.Close()
	o := other.options()
	o.Key = "another"
	l := ledger.New(t.Context(), o)
	t.Cleanup(func() { _ = l.Close() })
	if err := l.Claim(t.Context()); err != nil || !l.OtherKey() {
		t.Errorf("%v, %t", err, l.OtherKey())
	}
}
