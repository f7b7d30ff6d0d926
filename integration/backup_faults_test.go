package integration

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/restore"
	faults "github.com/ottla-io/ottla/sinks/backup/store/storetest"
)

// Every call to a store fails once, before or after it had its effect. No real
// Kafka is needed for that: these run in memory.

// double is a Kafka in the process with two topics.
type double struct {
	t      *testing.T
	client *kgo.Client
	dial   func(context.Context) (*kgo.Client, error)
}

func newDouble(t *testing.T) *double {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "old", "new"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	d := &double{t: t, dial: func(context.Context) (*kgo.Client, error) { return kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...)) }}
	if d.client, err = kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.client.Close)
	for i := range 400 {
		for _, topic := range []string{"old", "new"} {
			r := &kgo.Record{Topic: topic, Partition: int32(i % 2), Key: fmt.Append(nil, i), Value: fmt.Appendf(nil, "%s %d", topic, i), Timestamp: time.UnixMilli(int64(1_700_000_000_000 + i))}
			d.client.Produce(t.Context(), r, nil)
		}
	}
	if err := d.client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: "old", Partition: 0, At: 17})
	if _, err := kadm.NewClient(d.client).CommitOffsets(t.Context(), "group", offsets); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *double) open(b *blob.Bucket) (*repository.Repository, error) {
	return repository.Open(d.t.Context(), repository.Options{
		Bucket: b, Identity: format.Identity{Namespace: "default", Name: "faults", Cluster: "double"}, Writer: "test/1", Now: time.Now,
	})
}

// run makes a point of these topics, in packs so small that there are several.
func (d *double) run(b *blob.Bucket, topics ...string) error {
	repo, err := d.open(b)
	if err != nil {
		return err
	}
	_, err = capture.Run(d.t.Context(), capture.Options{
		Dial: d.dial, Repository: repo, Kind: format.Manual, Topics: topics, PackSize: 4 << 10, Connections: 1, LeaseTTL: 2 * time.Second, Now: time.Now,
	})
	return err
}

// again makes a point as soon as the lease allows: one whose release failed
// holds until it ends.
func (d *double) again(b *blob.Bucket, topics ...string) {
	d.t.Helper()
	kafkatest.Eventually(d.t, func() error {
		err := d.run(b, topics...)
		var held *repository.HeldError
		if err != nil && !errors.As(err, &held) {
			d.t.Fatal(err)
		}
		return err
	})
}

func (d *double) giveBack(b *blob.Bucket, to string) error {
	repo, err := d.open(b)
	if err != nil {
		return err
	}
	_, err = restore.Run(d.t.Context(), restore.Options{
		Name: to, Dial: d.dial, Repository: repo, Rename: map[string]string{"*": to + "-*"}, Create: true, Groups: []string{"*"}, Prove: true, Now: time.Now,
	})
	return err
}

// holds verifies every record of every point, and that there are so many at least.
func (d *double) holds(b *blob.Bucket, points int) {
	d.t.Helper()
	repo, err := d.open(b)
	if err != nil {
		d.t.Fatal(err)
	}
	found, err := repo.Verify(d.t.Context(), repository.VerifyOptions{Level: repository.Data})
	if err != nil {
		d.t.Fatal(err)
	}
	if len(found) < points {
		d.t.Errorf("%d points are there, at least %d were promised", len(found), points)
	}
	for _, f := range found {
		if !f.Good {
			d.t.Errorf("point %d: %v", f.Point, f.Found)
		}
	}
}

// same compares the newest point with the source, by restoring it.
func (d *double) same(to string, topics ...string) {
	d.t.Helper()
	for _, topic := range topics {
		if diff := corpus.Differences(corpus.Read(d.t, d.client, topic), corpus.Read(d.t, d.client, to+"-"+topic)); diff != "" {
			d.t.Errorf("%s: %s", topic, diff)
		}
	}
}

func (d *double) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// on is the same Kafka seen by a subtest.
func (d *double) on(t *testing.T) *double { return &double{t, d.client, d.dial} }

func TestBackupSurvivesAFaultAtEveryCallToTheStore(t *testing.T) {
	whole := newDouble(t)
	n := 0
	faults.Every(t, func(t *testing.T, f *faults.Faults) {
		d := whole.on(t)
		below := memblob.OpenBucket(nil)
		d.must(d.run(below, "old")) // a promise from before
		promised := 1
		if err := d.run(f.Wrap(below), "old", "new"); err == nil {
			promised++
		}
		f.Heal()
		d.holds(below, promised)
		d.again(below, "old", "new")
		d.holds(below, promised+1)
		n++
		to := fmt.Sprint("r", n)
		d.must(d.giveBack(below, to))
		d.same(to, "old", "new")
	})
}

func TestRestoreSurvivesAFaultAtEveryCallToTheStore(t *testing.T) {
	whole := newDouble(t)
	n := 0
	faults.Every(t, func(t *testing.T, f *faults.Faults) {
		d := whole.on(t)
		below := memblob.OpenBucket(nil)
		d.must(d.run(below, "old", "new"))
		n++
		to := fmt.Sprint("r", n)
		if err := d.giveBack(f.Wrap(below), to); err != nil {
			f.Heal()
			d.must(d.giveBack(below, to)) // the same restore goes on
		}
		d.same(to, "old", "new")
		d.holds(below, 1)
	})
}
