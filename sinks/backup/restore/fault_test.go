package restore

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// many are two partitions of so many small batches.
func many(batches int64) topic {
	var a, b log
	for i := range batches {
		a = append(a, []piece{dense(batch.LZ4, i*20, 10), dense(batch.LZ4, i*20+10, 10)})
		b = append(b, []piece{dense(batch.None, i*30, 10), dense(batch.Zstd, i*30+15, 10)}) // with holes
	}
	return topic{Topic: format.Topic{Name: "orders"}, logs: []log{a, b}}
}

// TestWhatABrokerRefusesForNowIsSentAgainOnce lets every kind of passing
// failure happen at random, those after which the batch was taken too.
func TestWhatABrokerRefusesForNowIsSentAgainOnce(t *testing.T) {
	failures := []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.RequestTimedOut, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend,
		kerr.LeaderNotAvailable, kerr.OutOfOrderSequenceNumber, kerr.UnknownTopicOrPartition, kerr.CoordinatorLoadInProgress,
	}
	for i, failure := range failures {
		t.Run(failure.Message, func(t *testing.T) {
			t.Parallel()
			w, r := newWorld(t), rand.New(rand.NewPCG(uint64(i), 1))
			src := many(12)
			w.point(nil, src)
			var seen atomic.Int64
			keys := []kmsg.Key{kmsg.Produce}
			if failure == kerr.CoordinatorLoadInProgress {
				keys = []kmsg.Key{kmsg.InitProducerID}
			}
			w.cluster.Fault(kfake.Fault{Keys: keys, TopLevel: keys[0] == kmsg.InitProducerID, Err: failure, Count: 6, When: func(kmsg.Request) bool { seen.Add(1); return r.IntN(3) == 0 }})
			o := w.options("faults")
			o.Prove, o.Timeout = true, 3*time.Second
			w.run(o)
			for p, l := range src.logs {
				w.same("orders", int32(p), want(l))
			}
			if seen.Load() == 0 {
				t.Error("no request was looked at")
			}
		})
	}
}

// TestLeadersMoveUnderWay moves partitions between brokers while they are written.
func TestLeadersMoveUnderWay(t *testing.T) {
	w := newWorld(t)
	src := many(20)
	w.point(nil, src)
	o := w.options("moves")
	o.Prove, o.Timeout = true, 3*time.Second
	var n atomic.Int64
	o.Step = func(step string) {
		if step == "batch written" && n.Add(1)%7 == 0 {
			w.cluster.ShufflePartitionLeaders()
		}
	}
	w.run(o)
	for p, l := range src.logs {
		w.same("orders", int32(p), want(l))
	}
}

// TestAnswersThatNeverCame closes connections instead of answering.
func TestAnswersThatNeverCame(t *testing.T) {
	w := newWorld(t)
	src := many(10)
	w.point(nil, src)
	var n atomic.Int64
	w.cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		w.cluster.KeepControl()
		if n.Add(1)%5 == 3 {
			return nil, errLeaderless, true // an error closes the connection
		}
		return nil, nil, false
	})
	o := w.options("closed")
	o.Prove, o.Timeout = true, 3*time.Second
	w.run(o)
	for p, l := range src.logs {
		w.same("orders", int32(p), want(l))
	}
}

func TestABrokerThatNeverTakesABatchEndsTheRestoreInWords(t *testing.T) {
	w := newWorld(t)
	w.point(nil, many(3))
	w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	o := w.options("stuck")
	o.Timeout = 100 * time.Millisecond
	_, err := Run(t.Context(), o)
	if err == nil {
		t.Fatal("nothing could be written, and it says done")
	}
	t.Log(err)
}
