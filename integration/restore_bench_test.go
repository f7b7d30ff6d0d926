package integration

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// BenchmarkRestoreBesideABareProduce restores half a gigabyte of records of a
// kilobyte in 4 partitions, and sends the same batches as fast as a loop can:
// a connection a partition, stamped before the clock runs.
func BenchmarkRestoreBesideABareProduce(b *testing.B) {
	g := newGiver(b, kafkatest.Shared(b), "file://"+b.TempDir())
	topic := g.pre + "rows"
	g.rows(topic, 4, 500)
	g.backUp()
	point, err := g.repo.Newest(b.Context())
	g.must(err)
	for i := range b.N {
		before := processor(b)
		bare := g.bare(b, point, topic, fmt.Sprintf("bare-%d-", i))
		loop := processor(b) - before
		o := g.options(fmt.Sprintf("bench%d", i))
		before = processor(b)
		began := time.Now()
		r := g.giveBack(o)
		took := time.Since(began).Seconds()
		mb := float64(r.RawBytes) / 1e6
		b.ReportMetric((processor(b)-before)/mb*1000, "cpu-s/GB")
		b.ReportMetric(loop/mb*1000, "bare-cpu-s/GB") // reading and stamping included
		b.ReportMetric(mb/took, "MB/s")
		b.ReportMetric(bare, "bare-MB/s")
		b.ReportMetric(mb/took/bare, "ratio")
	}
}

// bare produces the batches of a point's topic and returns megabytes a second.
func (g *giver) bare(b *testing.B, point *repository.Point, topic, pre string) float64 {
	b.Helper()
	target := pre + topic
	created, err := g.admin.CreateTopic(b.Context(), 4, 1, nil, target)
	g.must(err)
	total, batches := 0, make([][][]byte, 4)
	for p := range 4 {
		sequence := int32(0)
		session, err := kmsg.NewPtrInitProducerIDRequest().RequestWith(b.Context(), g.client)
		g.must(err)
		for _, ref := range point.Refs(topic, int32(p)) {
			frame, err := g.repo.Frame(b.Context(), ref, nil)
			g.must(err)
			for len(frame) > 0 {
				h, one, rest, err := batch.Parse(frame)
				g.must(err)
				batch.Stamp(one, session.ProducerID, session.ProducerEpoch, sequence)
				sequence += h.Records
				batches[p], total, frame = append(batches[p], one), total+len(one), rest
			}
		}
	}
	began := time.Now()
	var wg sync.WaitGroup
	for p := range 4 {
		wg.Go(func() { g.send(b.Context(), target, created.ID, int32(p), batches[p]) })
	}
	wg.Wait()
	return float64(total) / 1e6 / time.Since(began).Seconds()
}

func (g *giver) send(ctx context.Context, topic string, id [16]byte, partition int32, batches [][]byte) {
	c, err := kgo.NewClient(kgo.SeedBrokers(g.kafka.Plain()...))
	if err != nil {
		g.t.Error(err)
		return
	}
	defer c.Close()
	broker := int(g.leader(topic))
	for _, one := range batches {
		req := kmsg.NewPtrProduceRequest()
		req.Acks, req.TimeoutMillis = -1, 30_000
		t := kmsg.NewProduceRequestTopic()
		t.Topic, t.TopicID = topic, id
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition, p.Records = partition, one
		t.Partitions = append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
		resp, err := c.Broker(broker).Request(ctx, req)
		if err == nil {
			err = kerr.ErrorForCode(resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
		}
		if err != nil {
			g.t.Error(err)
			return
		}
	}
}

func (g *giver) leader(topic string) int32 {
	got, err := g.admin.Metadata(g.t.Context(), topic)
	if err != nil || len(got.Brokers) == 0 {
		return 1
	}
	return got.Brokers[0].NodeID
}

// processor is the time that this process has used, in seconds.
func processor(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
