package capture

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestATopicDeletedAndCreatedAgainStartsAnew(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.create("other", 1)
	w.produce("orders", 0, values(0, 5)...)
	first := w.run(w.options("orders"))
	if err := w.fake.DeleteTopic("orders"); err != nil {
		t.Fatal(err)
	}
	gone := w.run(w.options("*"))
	if len(gone.Point.Topics) != 1 || gone.Point.Topics[0].Name != "other" || !strings.Contains(strings.Join(gone.Point.Notes, "\n"), "orders is gone") {
		t.Errorf("%+v", gone.Point.Manifest)
	}
	w.create("orders", 1)
	w.produce("orders", 0, values(100, 7)...)
	again := w.run(w.options("orders"))
	w.same(again.Point, "orders", 0)
	if got := w.kept(first.Point, "orders", 0); strings.Count(got, "\n") != 5 {
		t.Errorf("the first point has\n%s", got)
	}
}

func TestARunThatChoosesNoTopicMakesNoPoint(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 5)...)
	first := w.run(w.options("orders"))
	if _, err := Run(t.Context(), w.options("ordres*")); err == nil || !strings.Contains(err.Error(), "chosen by ordres*") {
		t.Errorf("got %v", err)
	}
	newest, err := w.open("reader").Newest(t.Context())
	if err != nil || newest.Number != first.Point.Number {
		t.Errorf("the newest good point is %+v, %v: it would push others out", newest, err)
	}
}

func TestARecreatedTopicBetweenRunsIsTold(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 5)...)
	w.run(w.options("orders"))
	if err := w.fake.DeleteTopic("orders"); err != nil {
		t.Fatal(err)
	}
	w.create("orders", 1)
	w.produce("orders", 0, values(100, 7)...)
	report := w.run(w.options("orders"))
	w.same(report.Point, "orders", 0)
	if kinds(report.Alerts) != "recreated orders" || report.Records != 7 {
		t.Errorf("%+v", report)
	}
}

func TestATopicDeletedUnderWayIsKeptAsFarAsItWasRead(t *testing.T) {
	for _, again := range []bool{false, true} {
		w := newWorld(t)
		w.create("orders", 1)
		w.create("other", 1)
		w.single("orders", 0, big(0, 10)...)
		w.produce("other", 0, values(0, 5)...)
		before := w.consumed("orders", 0)
		o := w.options("*")
		slowly(&o, 3, func() {
			if err := w.fake.DeleteTopic("orders"); err != nil {
				t.Error(err)
			}
			if again {
				w.create("orders", 1)
			}
		})
		report := w.run(o)
		w.same(report.Point, "other", 0)
		p := w.partition(report.Point.Manifest, "orders", 0)
		if got := w.kept(report.Point, "orders", 0); !strings.HasPrefix(before, got) || got == "" || int64(strings.Count(got, "\n")) != p.End {
			t.Errorf("the point has\n%s", got)
		}
		want := "gap orders"
		if again {
			want = "recreated orders"
		}
		if kinds(report.Alerts) != want || !strings.HasPrefix(p.Why, whyStopped) {
			t.Errorf("%v, %+v", report.Alerts, p)
		}
	}
}

func TestTruncationIsFoundByLeaderEpochs(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.single("orders", 0, values(0, 10)...)
	w.run(w.options("orders"))
	stop := w.control(kmsg.OffsetForLeaderEpoch, func(req kmsg.Request) (kmsg.Response, bool) {
		resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
		rt := kmsg.NewOffsetForLeaderEpochResponseTopic()
		rp := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
		rt.Topic, rp.EndOffset = "orders", 6
		rt.Partitions = append(rt.Partitions, rp)
		resp.Topics = append(resp.Topics, rt)
		return resp, true
	})
	report := w.run(w.options("orders"))
	stop()
	w.same(report.Point, "orders", 0)
	if p := w.partition(report.Point.Manifest, "orders", 0); p.Base != 6 || p.Why != "truncated at 6" || kinds(report.Alerts) != "truncated orders" || report.Records != 4 {
		t.Errorf("%+v, %+v", p, report)
	}
}

func TestPartitionsThatWereAddedAreCopiedFromTheirStart(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 5)...)
	w.run(w.options("orders"))
	if _, err := w.adm.CreatePartitions(t.Context(), 2, "orders"); err != nil {
		t.Fatal(err)
	}
	w.produce("orders", 2, values(10, 5)...)
	report := w.run(w.options("orders"))
	for p := range int32(3) {
		w.same(report.Point, "orders", p)
	}
}

func TestWhatMayNotBeDescribedIsUnreadAndNotGone(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.create("other", 1)
	w.produce("orders", 0, values(0, 5)...)
	first := w.run(w.options("*"))
	show := hide(w, "orders")
	second := w.run(w.options("*"))
	if kinds(second.Alerts) != "unread orders" {
		t.Errorf("alerts %v", second.Alerts)
	}
	if got, want := w.kept(second.Point, "orders", 0), w.kept(first.Point, "orders", 0); got != want {
		t.Errorf("the point has\n%s", got)
	}
	named := w.run(w.options("orders", "nowhere"))
	show()
	if kinds(named.Alerts) != "unread nowhere, unread orders" {
		t.Errorf("alerts %v", named.Alerts)
	}
	w.produce("orders", 0, values(5, 5)...)
	last := w.run(w.options("*"))
	w.same(last.Point, "orders", 0)
	if len(last.Alerts) != 0 || last.Records != 5 {
		t.Errorf("%+v", last)
	}
}

func hide(w *world, topic string) (show func()) {
	return w.control(kmsg.Metadata, func(kreq kmsg.Request) (kmsg.Response, bool) {
		req := kreq.(*kmsg.MetadataRequest)
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		for i, addr := range w.fake.ListenAddrs() {
			b := kmsg.NewMetadataResponseBroker()
			b.NodeID, b.Host = int32(i), strings.Split(addr, ":")[0]
			_, _ = fmt.Sscan(strings.Split(addr, ":")[1], &b.Port)
			resp.Brokers = append(resp.Brokers, b)
		}
		add := func(name string) {
			info := w.fake.TopicInfo(name)
			t := kmsg.NewMetadataResponseTopic()
			t.Topic = kmsg.StringPtr(name)
			switch {
			case name == topic:
				t.ErrorCode = kerr.TopicAuthorizationFailed.Code
			case info == nil:
				t.ErrorCode = kerr.UnknownTopicOrPartition.Code
			default:
				t.TopicID = info.TopicID
				t.Partitions = append(t.Partitions, kmsg.MetadataResponseTopicPartition{Replicas: []int32{0}})
			}
			resp.Topics = append(resp.Topics, t)
		}
		if req.Topics == nil {
			add("other")
		}
		for _, t := range req.Topics {
			add(*t.Topic)
		}
		return resp, true
	})
}

func TestWhatMayNotBeReadIsUnread(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 5)...)
	stop := w.control(kmsg.Fetch, func(req kmsg.Request) (kmsg.Response, bool) {
		return refuse(req.(*kmsg.FetchRequest), kerr.TopicAuthorizationFailed.Code), true
	})
	report := w.run(w.options("orders"))
	stop()
	if p := w.partition(report.Point.Manifest, "orders", 0); !strings.Contains(kinds(report.Alerts), "unread orders") || p.End != 0 {
		t.Errorf("%v, %+v", report.Alerts, p)
	}
	w.same(w.run(w.options("orders")).Point, "orders", 0)
}
