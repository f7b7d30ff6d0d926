package capture

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// control answers requests of a kind in the broker's place, where fn does, until
// it is told to stop.
func (w *world) control(key kmsg.Key, fn func(kmsg.Request) (kmsg.Response, bool)) (stop func()) {
	var stopped atomic.Bool
	w.fake.ControlKey(key.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.fake.KeepControl()
		if stopped.Load() {
			return nil, nil, false
		}
		resp, ok := fn(req)
		return resp, nil, ok
	})
	return func() { stopped.Store(true) }
}

// slowly makes a run fetch batch by batch, and calls between before the n-th fetch.
func slowly(o *Options, n int, between func()) {
	o.BytesPerSec, o.Connections = 20<<10, 1
	var fetches atomic.Int32
	before := o.Step
	o.Step = func(name string) {
		if before != nil {
			before(name)
		}
		if name == "fetch" && fetches.Add(1) == int32(n) {
			between()
		}
	}
}

// big are values of which two fill a slow fetch.
func big(from, n int) []string {
	all := values(from, n)
	for i := range all {
		all[i] += strings.Repeat("x", 700)
	}
	return all
}

// single produces batches of one record each.
func (w *world) single(topic string, partition int32, values ...string) {
	w.Helper()
	cl := w.connect(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	for _, v := range values {
		w.produceBy(cl, topic, partition, v)
	}
}

func TestALeaderChangeUnderWayIsSurvived(t *testing.T) {
	w := newWorld(t, kfake.NumBrokers(3))
	w.create("orders", 1)
	w.single("orders", 0, big(0, 8)...)
	o := w.options("orders")
	slowly(&o, 3, func() {
		if err := w.fake.MoveTopicPartition("orders", 0, (w.fake.LeaderFor("orders", 0)+1)%3); err != nil {
			t.Error(err)
		}
	})
	report := w.run(o)
	w.same(report.Point, "orders", 0)
	if len(report.Alerts) != 0 {
		t.Error(report.Alerts)
	}
}

func TestErrorsOfAFetchThatPassAreSurvived(t *testing.T) {
	for _, code := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch, kerr.OffsetNotAvailable, kerr.KafkaStorageError, kerr.UnknownTopicOrPartition, kerr.UnknownTopicID} {
		t.Run(code.Message, func(t *testing.T) {
			w := newWorld(t)
			w.create("orders", 2)
			w.produce("orders", 0, values(0, 5)...)
			w.produce("orders", 1, values(0, 5)...)
			var failed atomic.Int32
			stop := w.control(kmsg.Fetch, func(kreq kmsg.Request) (kmsg.Response, bool) {
				req := kreq.(*kmsg.FetchRequest)
				if failed.Add(1) > 3 {
					return nil, false
				}
				return refuse(req, code.Code), true
			})
			report := w.run(w.options("orders"))
			stop()
			if len(report.Alerts) != 0 || report.Records != 10 {
				t.Errorf("%+v", report)
			}
		})
	}
}

// refuse answers every partition of a fetch with a code.
func refuse(req *kmsg.FetchRequest, code int16) *kmsg.FetchResponse {
	resp := req.ResponseKind().(*kmsg.FetchResponse)
	for _, t := range req.Topics {
		rt := kmsg.NewFetchResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			rp := kmsg.NewFetchResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, code
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

func TestPatienceEndsInWords(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 5)...)
	w.control(kmsg.Fetch, func(req kmsg.Request) (kmsg.Response, bool) {
		return refuse(req.(*kmsg.FetchRequest), kerr.KafkaStorageError.Code), true
	})
	o := w.options("orders")
	o.Patience = 300 * time.Millisecond
	_, err := Run(t.Context(), o)
	if err == nil {
		t.Fatal("it succeeded")
	}
	for _, word := range []string{"orders/0", "300ms", "nothing is committed", "KAFKA_STORAGE_ERROR", "offset 0"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}

func TestABrokerThatNeverAnswersWithABatchEndsTheRun(t *testing.T) {
	for name, answer := range map[string]func(*kmsg.FetchResponse){
		"leaves it out": func(resp *kmsg.FetchResponse) { resp.Topics = nil },
		"half a batch": func(resp *kmsg.FetchResponse) {
			b := log(t, lay{base: 0, records: 5, value: 100})
			resp.Topics[0].Partitions[0].RecordBatches = b[:len(b)-1]
		},
		"a few bytes": func(resp *kmsg.FetchResponse) { resp.Topics[0].Partitions[0].RecordBatches = make([]byte, 5) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.create("orders", 1)
			w.produce("orders", 0, values(0, 5)...)
			var fetches atomic.Int32
			w.control(kmsg.Fetch, func(req kmsg.Request) (kmsg.Response, bool) {
				fetches.Add(1)
				resp := refuse(req.(*kmsg.FetchRequest), 0)
				answer(resp)
				return resp, true
			})
			o := w.options("orders")
			o.Patience = 300 * time.Millisecond
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
			defer stop()
			_, err := Run(ctx, o)
			if err == nil || !strings.Contains(err.Error(), "no way to read orders/0 for 300ms") || fetches.Load() > 50 {
				t.Errorf("%d fetches: %v", fetches.Load(), err)
			}
		})
	}
}

func TestADamagedBatchIsFetchedAgainAndThenFailsTheRun(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.single("orders", 0, values(0, 1)...)
	var fetches atomic.Int32
	w.control(kmsg.Fetch, func(req kmsg.Request) (kmsg.Response, bool) {
		fetches.Add(1)
		resp := refuse(req.(*kmsg.FetchRequest), 0)
		p := &resp.Topics[0].Partitions[0]
		p.LastStableOffset, p.HighWatermark = 1, 1
		p.RecordBatches = log(t, lay{base: 0, records: 1})
		p.RecordBatches[len(p.RecordBatches)-1] ^= 1
		return resp, true
	})
	_, err := Run(t.Context(), w.options("orders"))
	if err == nil || !strings.Contains(err.Error(), "orders/0") || !strings.Contains(err.Error(), "CRC") || fetches.Load() != damageSure+1 {
		t.Errorf("%d fetches, %v", fetches.Load(), err)
	}
}

func TestABatchDamagedOnTheWayIsFetchedAgainAndNothingElseIsKept(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.single("orders", 0, values(0, 3)...)
	lays := []lay{{base: 0, records: 1}, {base: 1, records: 1}, {base: 2, records: 1}}
	var fetches atomic.Int32
	stop := w.control(kmsg.Fetch, func(kreq kmsg.Request) (kmsg.Response, bool) {
		req := kreq.(*kmsg.FetchRequest)
		from := req.Topics[0].Partitions[0].FetchOffset
		resp := refuse(req, 0)
		p := &resp.Topics[0].Partitions[0]
		p.LastStableOffset, p.HighWatermark = 3, 3
		p.RecordBatches = log(t, lays[from:]...)
		if fetches.Add(1) == 1 {
			p.RecordBatches[2*len(log(t, lays[0]))-1] ^= 1
		}
		return resp, true
	})
	report := w.run(w.options("orders"))
	stop()
	if got := strings.Count(w.kept(report.Point, "orders", 0), "\n"); got != 3 || report.Records != 3 || fetches.Load() != 2 {
		t.Errorf("%d records kept after %d fetches: %+v", got, fetches.Load(), report)
	}
}

func TestRetentionThatOvertakesUsUnderWayLeavesAGap(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.single("orders", 0, big(0, 10)...)
	o := w.options("orders")
	slowly(&o, 2, func() {
		if err := w.fake.DeleteRecords("orders", 0, 6); err != nil {
			t.Error(err)
		}
	})
	report := w.run(o)
	if kinds(report.Alerts) != "gap orders" || report.New.Lost == 0 {
		t.Errorf("%+v", report)
	}
	p := w.partition(report.Point.Manifest, "orders", 0)
	if p.Start != 0 || p.End != 10 || report.New.Lost+report.Records != 10 {
		t.Errorf("%+v, %+v", p, report)
	}
	if got, want := w.kept(report.Point, "orders", 0), w.consumed("orders", 0); !strings.HasSuffix(got, want) {
		t.Errorf("the point has\n%s", got)
	}
}

func TestRetentionBetweenRunsIsToldAndTheArchiveKeepsWhatWasBefore(t *testing.T) {
	for _, archive := range []time.Duration{0, 365 * 24 * time.Hour} {
		w := newWorld(t)
		w.create("orders", 1)
		w.produce("orders", 0, values(0, 5)...)
		w.run(w.options("orders"))
		before := w.consumed("orders", 0)
		w.produce("orders", 0, values(5, 10)...)
		if err := w.fake.DeleteRecords("orders", 0, 10); err != nil {
			t.Fatal(err)
		}
		o := w.options("orders")
		o.Archive = archive
		report := w.run(o)
		want, start := w.consumed("orders", 0), int64(10)
		if archive > 0 {
			want, start = before+want, 0
		}
		if got := w.kept(report.Point, "orders", 0); !strings.HasSuffix(got, want) || archive > 0 && !strings.HasPrefix(got, before) {
			t.Errorf("archive %s: the point has\n%swhere\n%s is wanted", archive, got, want)
		}
		if p := w.partition(report.Point.Manifest, "orders", 0); p.Start != start || kinds(report.Alerts) != "gap orders" || report.New.Lost != 5 {
			t.Errorf("archive %s: %+v, %+v", archive, p, report)
		}
	}
}

func TestACopyInFullLeavesNoArchiveThatBringsDeletedKeysBack(t *testing.T) {
	for _, c := range []struct {
		name, retention string // delete.retention.ms
		deleted         int64
		start, lost     int64
	}{
		{"kept without a copy in full", "86400000", 3, 0, 0},
		{"ends with one", "1", 3, 3, 0},
		{"ends with one where retention overtook", "1", 7, 7, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.create("orders", 1, "cleanup.policy", "compact,delete", "delete.retention.ms", c.retention)
			w.produce("orders", 0, values(0, 5)...)
			w.run(w.options("orders"))
			w.produce("orders", 0, values(5, 5)...)
			if err := w.fake.DeleteRecords("orders", 0, c.deleted); err != nil {
				t.Fatal(err)
			}
			o := w.options("orders")
			o.Archive = 365 * 24 * time.Hour
			report := w.run(o)
			p := w.partition(report.Point.Manifest, "orders", 0)
			if p.Start != c.start || report.New.Lost != c.lost || (c.start > 0) != strings.Contains(p.Why, "the archive of what was before offset") {
				t.Errorf("%+v, lost %d", p, report.New.Lost)
			}
			if c.start > 0 {
				w.same(report.Point, "orders", 0)
			}
		})
	}
}

func TestACompactedTailDoesNotMakeARunWaitForEver(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 2)
	w.produce("orders", 0, values(0, 5)...)
	w.produce("orders", 1, values(0, 5)...)
	stop := w.control(kmsg.Fetch, func(kreq kmsg.Request) (kmsg.Response, bool) {
		req := kreq.(*kmsg.FetchRequest)
		if req.Topics[0].Partitions[0].FetchOffset < 2 && len(req.Topics[0].Partitions) == 0 {
			return nil, false
		}
		resp := refuse(req, 0)
		for i := range resp.Topics[0].Partitions {
			p := &resp.Topics[0].Partitions[i]
			p.LastStableOffset, p.HighWatermark = 5, 5
			if req.Topics[0].Partitions[i].FetchOffset == 0 {
				p.RecordBatches = log(t, lay{base: 0, records: 2})
			}
		}
		return resp, true
	})
	report := w.run(w.options("orders"))
	stop()
	if report.Records != 4 || report.New.Compacted != 6 {
		t.Errorf("%+v", report)
	}
}

func TestALeaderThatHasNotCaughtUpIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 5)...)
	var lagging atomic.Int32
	stop := w.control(kmsg.Fetch, func(req kmsg.Request) (kmsg.Response, bool) {
		if lagging.Add(1) > 4 {
			return nil, false
		}
		return refuse(req.(*kmsg.FetchRequest), 0), true // knows nothing yet
	})
	report := w.run(w.options("orders"))
	stop()
	w.same(report.Point, "orders", 0)
	if report.New.Compacted != 0 {
		t.Errorf("%+v", report)
	}
}

func TestABatchLargerThanAnyLimitGetsThrough(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 2, "max.message.bytes", "30000000")
	cl := w.connect(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(30<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	for p := range int32(2) {
		w.produceBy(cl, "orders", p, "a", strings.Repeat("x", 2<<20), "b")
	}
	o := w.options("orders")
	o.Memory = smallestMemory
	report := w.run(o)
	w.same(report.Point, "orders", 0)
	w.same(report.Point, "orders", 1)
}

func TestARunThatLastsCommitsWhatItHas(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.single("orders", 0, big(0, 10)...)
	o := w.options("orders")
	var later atomic.Int64
	o.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	slowly(&o, 3, func() { later.Store(int64(7 * time.Hour)) })
	report := w.run(o)
	p := w.partition(report.Point.Manifest, "orders", 0)
	if kinds(report.Alerts) != "partial orders" || p.End == 0 || p.End == 10 {
		t.Errorf("%v, %+v", report.Alerts, p)
	}
	w.same(w.run(w.options("orders")).Point, "orders", 0)
}

func TestARunWhoseLeaseIsLostStops(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.single("orders", 0, big(0, 30)...)
	o := w.options("orders")
	o.LeaseTTL = 200 * time.Millisecond
	var away sync.Once
	slowly(&o, 2, func() { away.Do(func() { _ = w.bucket.Close() }) })
	_, err := Run(t.Context(), o)
	if err == nil {
		t.Error("it succeeded")
	}
}

func TestThePaceIsKept(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.single("orders", 0, big(0, 10)...)
	o := w.options("orders")
	o.BytesPerSec = 4096
	began := time.Now()
	report := w.run(o)
	if took := time.Since(began); took < time.Duration(report.Bytes-2*4096)*time.Second/4096 {
		t.Errorf("%d bytes in %s", report.Bytes, took)
	}
}

func TestWithoutMemoryNothingIsHeld(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := (&run{session: &session{Options: Options{Memory: 6 * 100}}}).newCopier(ctx, nil)
	l, err := c.budget.borrow(t.Context(), 80)
	if err != nil {
		t.Fatal(err)
	}
	if c.budget.free.TryAcquire(21) {
		t.Error("more than there is")
	}
	l.shrink(30)
	second := l.hold()
	l.release()
	if c.budget.free.TryAcquire(71) {
		t.Error("bytes that somebody holds were lent again")
	}
	second.release()
	if !c.budget.free.TryAcquire(100) {
		t.Error("what was released is not there")
	}
}
