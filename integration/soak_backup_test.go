package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

var backupActions = flag.Int("actions", 250, "how much happens in the soak of backups; -seed says what")

// ages is somebody who writes, backs up, drops, kills, and remembers what an
// independent reader saw when each point was taken.
type ages struct {
	*keeper
	w      *corpus.Writer
	random *rand.Rand
	topics map[string]string // by what they are
	seen   map[int64]map[string]corpus.Partitions
	did    map[string]int
	n      int // of records
}

func TestSoakEveryPointThatIsKeptHoldsWhatWasThereThen(t *testing.T) {
	soak(t)
	k := kafkatest.Start(t, kafkatest.Options{})
	pre := strings.ToLower(kafkatest.Prefix(t))
	w := corpus.NewWriter(t, k, pre)
	a := &ages{
		keeper: &keeper{t: t, kafka: k, pre: pre, dir: t.TempDir()}, w: w, random: rand.New(rand.NewPCG(*chaosSeed, 1)),
		seen: map[int64]map[string]corpus.Partitions{}, did: map[string]int{},
	}
	a.topics = map[string]string{
		"plain": w.Topic("plain", 3), "transactions": w.Topic("transactions", 2),
		"compacted": w.Topic("compacted", 2, "cleanup.policy", "compact", "segment.ms", "1000", "min.cleanable.dirty.ratio", "0.01",
			"min.compaction.lag.ms", "0", "delete.retention.ms", "2000"),
	}
	for range *backupActions {
		a.happens()
	}
	a.backUp(0)
	t.Logf("seed %d: %v", *chaosSeed, a.did)
	a.everyPoint()
}

// happens does one thing.
func (a *ages) happens() {
	all := []struct {
		name   string
		weight int
		do     func()
	}{
		{"produce", 8, func() { a.produce(a.topics["plain"], 1+a.random.IntN(400), "") }},
		{"commit a transaction", 4, func() { a.transaction(kgo.TryCommit) }},
		{"abort a transaction", 3, func() { a.transaction(kgo.TryAbort) }},
		{"write keys anew", 6, func() { a.produce(a.topics["compacted"], 1+a.random.IntN(60), "k") }},
		{"delete keys", 3, func() { a.produce(a.topics["compacted"], 1+a.random.IntN(20), "d") }},
		{"delete records", 1, a.deleteRecords},
		{"recreate a topic", 1, func() { a.w.Recreate(a.topics["plain"], 3) }},
		{"back up", 8, func() { a.backUp(0) }},
		{"kill -9 of a backup", 6, func() { a.backUp(1 + a.random.IntN(40)) }},
		{"retention", 2, func() { a.retain(0) }},
		{"kill -9 of retention", 1, func() { a.retain(1 + a.random.IntN(12)) }},
		{"two days pass", 1, a.age},
		{"kill -9 of the broker", 1, a.killBroker},
	}
	total := 0
	for _, one := range all {
		total += one.weight
	}
	at := a.random.IntN(total)
	for _, one := range all {
		if at -= one.weight; at < 0 {
			a.did[one.name]++
			one.do()
			return
		}
	}
}

func (a *ages) ok(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// record is the next one; keys are few where there is a kind of key, and
// values null where it is of deletions.
func (a *ages) record(topic, keys string) *kgo.Record {
	a.n++
	r := &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "%d", a.n), Value: fmt.Appendf(nil, "value %d %s", a.n, strings.Repeat("x", a.random.IntN(100)))}
	if keys != "" {
		r.Key = fmt.Appendf(nil, "key %d", a.random.IntN(50))
	}
	if keys == "d" {
		r.Value = nil
	}
	return r
}

func (a *ages) produce(topic string, n int, keys string) {
	a.t.Helper()
	var all []*kgo.Record
	for range n {
		all = append(all, a.record(topic, keys))
	}
	a.ok(a.send(all))
}

// send writes with a client that has never heard of a topic that was recreated.
func (a *ages) send(all []*kgo.Record) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(a.kafka.Plain()...))
	if err != nil {
		return err
	}
	defer cl.Close()
	return cl.ProduceSync(context.WithoutCancel(a.t.Context()), all...).FirstErr()
}

func (a *ages) transaction(end kgo.TransactionEndTry) {
	a.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(a.kafka.Plain()...), kgo.TransactionalID(fmt.Sprint(a.pre, a.random.IntN(3))))
	a.ok(err)
	defer cl.Close()
	a.ok(cl.BeginTransaction())
	for range 1 + a.random.IntN(50) {
		cl.Produce(a.t.Context(), a.record(a.topics["transactions"], ""), nil)
	}
	a.ok(cl.Flush(a.t.Context()))
	a.ok(cl.EndTransaction(a.t.Context(), end))
}

func (a *ages) deleteRecords() {
	topic := a.topics["plain"]
	ends, err := a.w.Admin.ListEndOffsets(a.t.Context(), topic)
	a.ok(err)
	if o, ok := ends.Lookup(topic, 1); ok && o.Offset > 0 {
		a.w.DeleteRecords(topic, 1, a.random.Int64N(o.Offset))
	}
}

func (a *ages) killBroker() {
	a.ok(a.kafka.Kill9())
	a.ok(a.kafka.Restart(a.t.Context()))
}

// backUp runs the command, which may kill itself at a step, while somebody may
// produce. If a point stands then, what a reader finds before its ends is what
// it must hold.
func (a *ages) backUp(step int) {
	a.t.Helper()
	before, ends := a.newest(), a.ends()
	produced := make(chan error, 1)
	var busy []*kgo.Record
	if a.random.IntN(2) == 0 {
		for range 200 {
			busy = append(busy, a.record(a.topics["plain"], ""))
		}
	}
	go func() { produced <- a.send(busy) }()
	r := a.at(step, a.now()...)
	a.ok(<-produced)
	const told = 3 // a point was made, and there is something to know
	if r.code != 0 && r.code != told && (r.code != -1 || step == 0) {
		a.t.Fatalf("ottla backup now: exit %d\n%s\n%s", r.code, r.out, r.stderr)
	}
	if r.code == -1 {
		a.expire()
	}
	p := a.newest()
	if p == nil || before != nil && p.Number == before.Number {
		if r.code != -1 {
			a.t.Fatalf("a run that succeeded made no point:\n%s", r.out)
		}
		return
	}
	a.see(p, ends)
}

// ends are how far the topics are stable, by topic and partition.
func (a *ages) ends() map[string]int64 {
	a.t.Helper()
	out := map[string]int64{}
	for _, topic := range a.topics {
		all, err := a.w.Admin.ListCommittedOffsets(a.t.Context(), topic)
		a.ok(err)
		a.ok(all.Error())
		for p, o := range all[topic] {
			out[fmt.Sprint(topic, "/", p)] = o.Offset
		}
	}
	return out
}

// see remembers what a reader finds up to the ends of a point, which must reach
// what was stable before its run.
func (a *ages) see(p *repository.Point, ends map[string]int64) {
	a.t.Helper()
	a.seen[p.Number] = map[string]corpus.Partitions{}
	for _, topic := range p.Topics {
		there := corpus.Read(a.t, a.w.Client, topic.Name)
		for _, one := range topic.Partitions {
			if one.End < ends[fmt.Sprint(topic.Name, "/", one.Partition)] {
				a.t.Errorf("point %d ends at %d of %s/%d, which was stable up to %v", p.Number, one.End, topic.Name, one.Partition, ends)
			}
			records := there[one.Partition]
			there[one.Partition] = records[:corpus.Next(records, one.End)]
		}
		a.seen[p.Number][topic.Name] = there
	}
}

// open is the backup repository as another process sees it; nil before there is one.
func (a *ages) open() *repository.Repository {
	a.t.Helper()
	b, err := store.Open(a.t.Context(), store.Options{URL: "file://" + a.dir})
	a.ok(err)
	a.t.Cleanup(func() { _ = b.Close() })
	all, err := repository.Find(a.t.Context(), b)
	a.ok(err)
	if len(all) == 0 {
		return nil
	}
	repo, err := repository.Open(a.t.Context(), repository.Options{Bucket: b, Identity: all[0], Writer: "test/1", Now: time.Now})
	a.ok(err)
	return repo
}

func (a *ages) newest() *repository.Point {
	a.t.Helper()
	repo := a.open()
	if repo == nil {
		return nil
	}
	p, err := repo.Newest(a.t.Context())
	if errors.Is(err, repository.ErrNoPoint) {
		return nil
	}
	a.ok(err)
	return p
}

// retain drops points; some are kept by number, some by the hour.
func (a *ages) retain(step int) {
	a.t.Helper()
	if a.newest() == nil {
		return
	}
	r := a.onStore(step, "backup", "retain", "--keep-last", strconv.Itoa(3+a.random.IntN(6)))
	if r.code != 0 && (r.code != -1 || step == 0) {
		a.t.Fatalf("ottla backup retain: exit %d\n%s\n%s", r.code, r.out, r.stderr)
	}
	if r.code == -1 {
		a.expire()
	}
}

// age makes everything in the store two days older, so that what was dropped is
// swept.
func (a *ages) age() {
	a.ok(filepath.WalkDir(a.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		old := info.ModTime().Add(-48 * time.Hour)
		return os.Chtimes(path, old, old)
	}))
}

// everyPoint restores each point that is kept, killing some restores, and
// compares it with what was seen.
func (a *ages) everyPoint() {
	a.t.Helper()
	if r := a.onStore(0, "backup", "verify", "--read-data"); r.code != 0 {
		a.t.Errorf("ottla backup verify --read-data: exit %d\n%s\n%s", r.code, r.out, r.stderr)
	}
	entries, err := a.open().Points(a.t.Context())
	a.ok(err)
	kept := 0
	for _, e := range entries {
		if e.Removed != "" {
			continue
		}
		kept++
		a.point(e.Manifest.Number)
	}
	a.t.Logf("%d points are kept of %d that were seen", kept, len(a.seen))
	if kept < 2 {
		a.t.Errorf("%d points are kept", kept)
	}
}

func (a *ages) point(n int64) {
	a.t.Helper()
	want, made := a.seen[n]
	if !made {
		a.t.Errorf("point %d stands, and nobody saw it made", n)
		return
	}
	to := fmt.Sprintf("p%d-%s", n, a.pre)
	args := []string{"restore", "--name", to, "--point", fmt.Sprint(n), "--rename", a.pre + "*=" + to + "*"}
	if r := a.at(1+a.random.IntN(30), args...); r.code == -1 {
		a.must(args...)
	}
	for topic, records := range want {
		got := corpus.Read(a.t, a.w.Client, to+strings.TrimPrefix(topic, a.pre))
		d := ""
		if topic == a.topics["compacted"] {
			d = compactedDifferences(records, got)
		} else {
			d = corpus.Differences(records, got)
		}
		if d != "" {
			a.t.Errorf("seed %d: point %d: %s: %s", *chaosSeed, n, topic, d)
		}
	}
}

// compactedDifferences says what a restored compacted topic lacks of what was
// there, and which keys have another newest value. It may hold more: what the
// cleaner had not taken yet when it was copied.
func compactedDifferences(want, got corpus.Partitions) string {
	var out string
	for p := range want {
		i := 0
		for _, r := range got[p] {
			if i < len(want[p]) && corpus.Same(want[p][i], r) {
				i++
			}
		}
		if i < len(want[p]) {
			out += fmt.Sprintf("partition %d lacks %s\n", p, want[p][i])
		}
		was, is := newestValues(want[p]), newestValues(got[p])
		for key, value := range is {
			if value != was[key] {
				out += fmt.Sprintf("partition %d: %s is %.40q, and was %.40q\n", p, key, value, was[key])
			}
		}
	}
	return out
}

// newestValues are by key; "" where it was deleted.
func newestValues(records []corpus.Record) map[string]string {
	out := map[string]string{}
	for _, r := range records {
		out[string(r.Key)] = string(r.Value)
	}
	return out
}
