package capture

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

func TestARunKeepsWhatAConsumerReads(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"verbatim":      func(*Options) {},
		"zstd":          func(o *Options) { o.Codec = "zstd" },
		"lz4":           func(o *Options) { o.Codec, o.Level = "lz4", 9 },
		"repack":        func(o *Options) { o.Mode, o.Codec = Repack, "zstd" },
		"repack, none":  func(o *Options) { o.Mode = Repack },
		"little memory": func(o *Options) { o.Memory = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.create("orders", 3)
			w.create("empty", 2)
			for p, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.Lz4Compression(), kgo.GzipCompression()} {
				cl := w.connect(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec))
				for i := range 5 {
					w.produceBy(cl, "orders", int32(p), values(100*i, 100)...)
				}
			}
			o := w.options("*")
			change(&o)
			report := w.run(o)
			for p := range int32(3) {
				w.same(report.Point, "orders", p)
			}
			if len(report.Point.Topics) != 2 || len(report.Point.Topics[0].Partitions) != 2 {
				t.Errorf("topics %+v", report.Point.Topics)
			}
			if report.Records != 1500 || report.Objects != 2 || len(w.packs()) != 1 || len(report.Alerts) != 0 {
				t.Errorf("%+v, packs %v", report, w.packs())
			}
		})
	}
}

func TestASecondRunCopiesOnlyWhatIsNew(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 2)
	w.produce("orders", 0, values(0, 10)...)
	w.run(w.options("orders"))
	idle := w.run(w.options("orders"))
	if idle.Records != 0 || idle.Objects != 1 || len(w.packs()) != 1 {
		t.Errorf("nothing new: %+v, packs %v", idle, w.packs())
	}
	w.produce("orders", 0, values(10, 5)...)
	w.produce("orders", 1, values(20, 5)...)
	report := w.run(w.options("orders"))
	if report.Records != 10 || len(w.packs()) != 2 {
		t.Errorf("ten are new: %+v, packs %v", report, w.packs())
	}
	w.same(report.Point, "orders", 0)
	w.same(report.Point, "orders", 1)
	if p := w.partition(report.Point.Manifest, "orders", 0); p.Base != 10 || p.End != 15 || p.Start != 0 || p.Epoch < 0 {
		t.Errorf("%+v", p)
	}
}

func TestOnlyCommittedRecordsAreKept(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	cl := w.connect(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("tx"))
	w.transaction(cl, "orders", 0, kgo.TryCommit, values(0, 5)...)
	w.transaction(cl, "orders", 0, kgo.TryAbort, values(10, 5)...)
	w.produce("orders", 0, values(20, 3)...)
	w.transaction(cl, "orders", 0, kgo.TryAbort, values(30, 5)...)
	report := w.run(w.options("orders"))
	w.same(report.Point, "orders", 0)
	if report.New.Aborted != 10 || report.New.Control != 3 || report.Records != 8 {
		t.Errorf("%+v", report)
	}
}

func TestAnOpenTransactionEndsThePointAndHangingIsTold(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 5)...)
	cl := w.connect(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("tx"))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	w.produceBy(cl, "orders", 0, "open")
	first := w.run(w.options("orders"))
	w.produce("orders", 0, values(10, 5)...)
	second := w.run(w.options("orders"))
	p := w.partition(second.Point.Manifest, "orders", 0)
	if len(first.Alerts) != 0 || kinds(second.Alerts) != "hung orders" || p.End != 5 || p.High != 11 {
		t.Errorf("first %v, second %v, %+v", first.Alerts, second.Alerts, p)
	}
	if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	third := w.run(w.options("orders"))
	w.same(third.Point, "orders", 0)
	if third.Records != 6 || len(third.Alerts) != 0 {
		t.Errorf("%+v", third)
	}
}

func TestATopicOfAbortedRecordsOnlyIsToldToBeEmpty(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	cl := w.connect(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("tx"))
	w.transaction(cl, "orders", 0, kgo.TryAbort, values(0, 5)...)
	report := w.run(w.options("orders"))
	if kinds(report.Alerts) != "empty orders" || len(w.packs()) != 0 {
		t.Errorf("%v, packs %v", report.Alerts, w.packs())
	}
	if refs := report.Point.Refs("orders", 0); len(refs) != 1 || refs[0].Gone != (format.Gone{Aborted: 5, Control: 1}) || len(refs[0].Gaps) != 2 {
		t.Errorf("%+v", refs)
	}
}

func TestAfterAnErrorNothingIsCommitted(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 5)...)
	ctx, cancel := context.WithCancel(t.Context())
	o := w.options("orders")
	o.Step = func(name string) {
		if name == "close pack" {
			cancel()
		}
	}
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if _, err := w.repo.Newest(t.Context()); !errors.Is(err, repository.ErrNoPoint) {
		t.Errorf("there is a point: %v", err)
	}
	w.same(w.run(w.options("orders")).Point, "orders", 0)
}

func TestTwoRunsDoNotMeet(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	other := w.options("orders")
	other.Repository = w.open("another")
	o := w.options("orders")
	met := sync.OnceFunc(func() {
		var held *repository.HeldError
		if _, err := Run(t.Context(), other); !errors.As(err, &held) || !strings.HasPrefix(held.Holder, "test") {
			t.Errorf("the other run says %v", err)
		}
	})
	o.Step = func(name string) {
		if name == "topics" {
			met()
		}
	}
	w.run(o)
}

func TestOptionsThatCannotBeAreRefused(t *testing.T) {
	w := newWorld(t)
	for want, change := range map[string]func(*Options){
		"topics":           func(o *Options) { o.Topics = nil },
		`"gzip"`:           func(o *Options) { o.Codec = "gzip" },
		`"decoded"`:        func(o *Options) { o.Mode = "decoded" },
		"a cluster":        func(o *Options) { o.Dial = nil },
		"and a repository": func(o *Options) { o.Repository = nil },
	} {
		o := w.options("*")
		change(&o)
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %s", err, want)
		}
	}
}

func TestAContinuousBackupClosesAWindowByTimeAndByBytes(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 50)...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	windows := 0
	began := time.Now()
	err := Follow(ctx, w.options("orders"), Window{Interval: 30 * time.Second, Bytes: 100}, func(_ *repository.Lease, report Report, err error) bool {
		if err != nil {
			t.Error(err)
		}
		if windows++; windows == 2 {
			w.same(report.Point, "orders", 0)
			cancel()
			return true
		}
		w.produce("orders", 0, values(50, 50)...)
		return true
	})
	if !errors.Is(err, context.Canceled) || windows != 2 || time.Since(began) > 15*time.Second {
		t.Errorf("%d windows in %s, %v", windows, time.Since(began), err)
	}
}

func TestAFailedWindowIsToldAndTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 5)...)
	o := w.options("orders")
	dial, dials := o.Dial, 0
	o.Dial = func(ctx context.Context) (*kgo.Client, error) {
		if dials++; dials == 1 {
			return nil, errors.New("the cluster is away")
		}
		return dial(ctx)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var told []string
	err := Follow(ctx, o, Window{Interval: time.Millisecond}, func(_ *repository.Lease, _ Report, err error) bool {
		if err == nil {
			cancel()
			return true
		}
		told = append(told, err.Error())
		return true
	})
	if !errors.Is(err, context.Canceled) || len(told) != 1 || !strings.Contains(told[0], "the cluster is away") {
		t.Errorf("told %v, ended with %v", told, err)
	}
}
