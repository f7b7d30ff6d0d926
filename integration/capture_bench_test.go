//go:build bench

package integration

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// captureJob is what the measured process is told.
type captureJob struct {
	Brokers []string
	Dir     string
	Topics  []string
	Codec   string
	Mode    capture.Mode
	Runs    int
}

// captureRun is what it says of each run.
type captureRun struct {
	Seconds                float64
	Records, Bytes, Stored int64
	Objects, Packs         int
	Requests               int64
	CPU                    float64
	MaxRSS                 int64 // KiB, so far
}

const captureEnv = "OTTLA_CAPTURE_JOB"

func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// TestCaptureChild is the measured process: it does nothing unless it is told to.
func TestCaptureChild(t *testing.T) {
	text := os.Getenv(captureEnv)
	if text == "" {
		t.Skip("it is started by the benchmark of backups")
	}
	var job captureJob
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		t.Fatal(err)
	}
	repo := captureRepository(t, job.Dir)
	for range max(job.Runs, 1) {
		before := cpu()
		report, err := capture.Run(t.Context(), capture.Options{
			Dial:       func(context.Context) (*kgo.Client, error) { return kgo.NewClient(kgo.SeedBrokers(job.Brokers...)) },
			Repository: repo, Kind: format.Manual, Topics: job.Topics, Codec: job.Codec, Mode: job.Mode,
			Step: captureSteps(),
		})
		if err != nil {
			t.Fatal(err)
		}
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		out, _ := json.Marshal(captureRun{report.Took.Seconds(), report.Records, report.Bytes, report.Stored, report.Objects, report.Objects - 1, report.Requests, cpu() - before, u.Maxrss})
		fmt.Printf("RUN %s\n", out)
	}
}

func captureSteps() func(string) {
	if os.Getenv("OTTLA_CAPTURE_STEPS") == "" {
		return nil
	}
	last := time.Now()
	return func(name string) {
		if name != "fetch" && !strings.Contains(name, "pack") {
			fmt.Fprintf(os.Stderr, "%8.1f ms  %s\n", float64(time.Since(last).Microseconds())/1000, name)
			last = time.Now()
		}
	}
}

// measured runs a job in a process of its own.
func measured(t testing.TB, job captureJob) []captureRun {
	t.Helper()
	text, _ := json.Marshal(job)
	args := []string{"-test.run=^TestCaptureChild$", "-test.v"}
	if p := os.Getenv("OTTLA_CAPTURE_PROFILE"); p != "" {
		args = append(args, "-test.cpuprofile="+p)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), captureEnv+"="+string(text))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	var runs []captureRun
	for line := range strings.Lines(out.String()) {
		if rest, ok := strings.CutPrefix(line, "RUN "); ok {
			var r captureRun
			if err := json.Unmarshal([]byte(rest), &r); err != nil {
				t.Fatal(err)
			}
			runs = append(runs, r)
		}
	}
	return runs
}

// fill produces bytes of records of 1 KB, evenly.
func fill(t testing.TB, cl *kgo.Client, topics []string, partitions int, total int64) {
	t.Helper()
	value := make([]byte, 1000*1000)
	_, _ = rand.Read(value)
	var wait sync.WaitGroup
	n := total / 1024
	each := n / int64(len(topics)*partitions)
	for _, topic := range topics {
		for p := range int32(partitions) {
			for i := range each {
				at := (i * 997) % (1000*1000 - 1024)
				wait.Add(1)
				cl.Produce(t.Context(), &kgo.Record{Topic: topic, Partition: p, Value: value[at : at+1000]}, func(_ *kgo.Record, err error) {
					defer wait.Done()
					if err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	wait.Wait()
}

// bareFetch reads everything and looks at nothing.
func bareFetch(t testing.TB, cluster *kafkatest.Cluster, topic string, partitions int) (time.Duration, int64) {
	t.Helper()
	adm := kadm.NewClient(cluster.Client(t))
	meta, err := adm.Metadata(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	ends, err := adm.ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var wait sync.WaitGroup
	var mu sync.Mutex
	var total int64
	for p := range int32(partitions) {
		cl := cluster.Client(t)
		end, _ := ends.Lookup(topic, p)
		leader := meta.Topics[topic].Partitions[p].Leader
		wait.Go(func() {
			n := bareFetchOne(t, cl, leader, topic, meta.Topics[topic].ID, p, end.Offset)
			mu.Lock()
			total += n
			mu.Unlock()
		})
	}
	wait.Wait()
	return time.Since(began), total
}

func bareFetchOne(t testing.TB, cl *kgo.Client, leader int32, topic string, id [16]byte, p int32, end int64) (total int64) {
	for at := int64(0); at < end; {
		req := kmsg.NewPtrFetchRequest()
		req.MaxBytes, req.MinBytes, req.IsolationLevel = 8<<20, 1, 1
		rt := kmsg.NewFetchRequestTopic()
		rt.Topic, rt.TopicID = topic, id
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = p, at, 8<<20
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		resp, err := req.RequestWith(t.Context(), cl.Broker(int(leader)))
		if err != nil {
			t.Error(err)
			return total
		}
		b := resp.Topics[0].Partitions[0].RecordBatches
		total += int64(len(b))
		for len(b) > 27 {
			size := 12 + int(uint32(b[8])<<24|uint32(b[9])<<16|uint32(b[10])<<8|uint32(b[11]))
			if len(b) < size {
				break
			}
			base := int64(uint64(b[0])<<56 | uint64(b[1])<<48 | uint64(b[2])<<40 | uint64(b[3])<<32 | uint64(b[4])<<24 | uint64(b[5])<<16 | uint64(b[6])<<8 | uint64(b[7]))
			delta := int64(uint32(b[23])<<24 | uint32(b[24])<<16 | uint32(b[25])<<8 | uint32(b[26]))
			at = base + delta + 1
			b = b[size:]
		}
	}
	return total
}

// bareWrite writes the same bytes to fsynced files of 64 MiB, two at a time.
func bareWrite(t testing.TB, dir string, total int64) time.Duration {
	t.Helper()
	chunk := make([]byte, 4<<20)
	_, _ = rand.Read(chunk)
	began := time.Now()
	var wait sync.WaitGroup
	for w := range 2 {
		wait.Go(func() {
			for i := range total / (64 << 20) / 2 {
				f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d-%d", w, i)))
				if err != nil {
					t.Error(err)
					return
				}
				for range 16 {
					_, _ = f.Write(chunk)
				}
				_ = f.Sync()
				_ = f.Close()
			}
		})
	}
	wait.Wait()
	return time.Since(began)
}

func TestCaptureSpeed(t *testing.T) {
	cluster := kafkatest.Shared(t)
	adm := kadm.NewClient(cluster.Client(t))
	total := int64(2 << 30)
	if os.Getenv("OTTLA_CAPTURE_SMALL") != "" {
		total >>= 2
	}
	for _, codec := range []string{"none", "lz4"} {
		topic := kafkatest.Prefix(t) + codec
		if _, err := adm.CreateTopic(t.Context(), 4, 1, nil, topic); err != nil {
			t.Fatal(err)
		}
		compression := kgo.NoCompression()
		if codec == "lz4" {
			compression = kgo.Lz4Compression()
		}
		fill(t, cluster.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(compression), kgo.ProducerLinger(20*time.Millisecond), kgo.MaxBufferedRecords(200000)), []string{topic}, 4, total)
		for range 2 {
			fetch, bytes := bareFetch(t, cluster, topic, 4)
			write := bareWrite(t, t.TempDir(), bytes)
			slower := max(fetch, write).Seconds()
			for _, mode := range []string{"", "zstd"} {
				run := measured(t, captureJob{Brokers: cluster.Plain(), Dir: t.TempDir(), Topics: []string{topic}, Codec: mode})[0]
				gb := float64(bytes) / 1e9
				fmt.Printf("%s codec %q: fetch %.2f GB/s, write %.2f GB/s, backup %.2f GB/s = %.2f of the slower, %.2f CPU s/GB, %d MiB RSS, %d packs, %d requests\n",
					codec, mode, gb/fetch.Seconds(), gb/write.Seconds(), gb/run.Seconds, slower/run.Seconds, run.CPU/gb, run.MaxRSS>>10, run.Packs, run.Requests)
			}
		}
	}
}

func TestCaptureOfManyPartitions(t *testing.T) {
	cluster := kafkatest.Shared(t)
	adm := kadm.NewClient(cluster.Client(t))
	for _, shape := range []struct{ topics, partitions int }{{1, 1000}, {10, 100}, {1000, 1}} {
		var topics []string
		for i := range shape.topics {
			topics = append(topics, fmt.Sprintf("%s%d-%d", kafkatest.Prefix(t), shape.topics, i))
		}
		if _, err := adm.CreateTopics(t.Context(), int32(shape.partitions), 1, nil, topics...); err != nil {
			t.Fatal(err)
		}
		cl := cluster.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(20*time.Millisecond), kgo.MaxBufferedRecords(200000))
		kafkatest.Eventually(t, func() error {
			return cl.ProduceSync(t.Context(), &kgo.Record{Topic: topics[len(topics)-1], Partition: 0, Value: []byte("x")}).FirstErr()
		})
		fill(t, cl, topics, shape.partitions, 10<<20)
		dir := t.TempDir()
		runs := measured(t, captureJob{Brokers: cluster.Plain(), Dir: dir, Topics: []string{kafkatest.Prefix(t)[:20] + "*"}, Runs: 3})
		fill(t, cl, topics, shape.partitions, 2<<20)
		runs = append(runs, measured(t, captureJob{Brokers: cluster.Plain(), Dir: dir, Topics: topics, Runs: 1})...)
		for i, r := range runs {
			fmt.Printf("%d topics of %d, run %d: %.3f s, %d records, %.1f MB, %d packs, %d requests, %d MiB RSS\n", shape.topics, shape.partitions, i, r.Seconds, r.Records, float64(r.Bytes)/1e6, r.Packs, r.Requests, r.MaxRSS>>10)
		}
		if _, err := adm.DeleteTopics(t.Context(), topics...); err != nil {
			t.Fatal(err)
		}
	}
}
