package restore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

func TestKeysArePlacedAsAProducerWould(t *testing.T) {
	w := newWorld(t)
	src := topic{Topic: format.Topic{Name: "orders"}, logs: []log{{{dense(batch.LZ4, 0, 100)}}, {{dense(batch.None, 0, 70)}, {dense(batch.None, 80, 70)}}}}
	w.point(nil, src)
	o := w.options("again")
	o.Repartition, o.Prove, o.OffsetHeaders = map[string]int{"orders": 5}, true, true
	w.run(o)
	total := 0
	keyed := kgo.StickyKeyPartitioner(nil).ForTopic("orders")
	for p := range 5 {
		for _, r := range w.got("orders", int32(p)) {
			total++
			if at, ok := strings.CutSuffix(r.headers, ";"); !ok || !strings.Contains(at, text([]byte("ottla-original-offset"))) {
				t.Fatalf("the headers are %s", r.headers)
			}
			if r.key == "null" {
				continue
			}
			if want := keyed.Partition(&kgo.Record{Key: untext(r.key)}, 5); want != p {
				t.Fatalf("key %s is in partition %d, a producer would use %d", r.key, p, want)
			}
		}
	}
	if total != 240 {
		t.Errorf("%d records, want 240", total)
	}
}

func TestMergedPartitionsFollowEachOther(t *testing.T) {
	w := newWorld(t)
	logs := []log{{{dense(batch.LZ4, 0, 10)}}, {{dense(batch.LZ4, 5, 10)}}, {{dense(batch.None, 7, 10)}}}
	w.point(func(m *format.Manifest) {
		m.Groups = []format.Group{{Name: "g", Offsets: []format.Commit{{Topic: "orders", Partition: 0, Offset: 10}, {Topic: "orders", Partition: 2, Offset: 9}, {Topic: "orders", Partition: 1, Offset: 15}}}}
	}, topic{Topic: format.Topic{Name: "orders"}, logs: logs})
	o := w.options("merged")
	o.Partitions, o.Groups = map[string]map[int32]int32{"orders": {0: 3, 2: 3}}, []string{"*"}
	w.run(o)
	w.same("orders", 3, append(want(logs[0]), want(logs[2])...))
	w.same("orders", 1, want(logs[1]))
	got, err := w.admin.FetchOffsets(t.Context(), "g")
	must(t, err)
	for p, at := range map[int32]int64{1: 10, 3: 12} {
		if o, _ := got.Lookup("orders", p); o.At != at {
			t.Errorf("the group is at %d of partition %d, want %d", o.At, p, at)
		}
	}
}

func TestPurgeRemovesFirstAndOnlyWhereItIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.point(nil, topic{Topic: format.Topic{Name: "orders"}, logs: []log{{{dense(batch.LZ4, 0, 10)}}}})
	must(t, w.createTopic("orders"))
	w.write("orders", 0, "a", "b", "c")
	var problems *ProblemsError
	if _, err := Run(t.Context(), w.options("refused")); !errors.As(err, &problems) {
		t.Fatalf("a topic that holds data is taken: %v", err)
	}
	o := w.options("purge")
	o.Existing = "purge"
	w.run(o)
	w.same("orders", 0, want(log{{dense(batch.LZ4, 0, 10)}}))
	o = w.options("append")
	o.Existing = "append"
	w.run(o)
	w.same("orders", 0, slices.Concat(want(log{{dense(batch.LZ4, 0, 10)}}), want(log{{dense(batch.LZ4, 0, 10)}})))
}

func TestPurgeRemovesNoMoreThanWhatIsHeldElsewhere(t *testing.T) {
	w := newWorld(t)
	w.point(nil, topic{Topic: format.Topic{Name: "orders"}, logs: []log{{{dense(batch.LZ4, 0, 10)}}}})
	must(t, w.createTopic("orders"))
	w.write("orders", 0, "a", "b", "c")
	all, err := w.admin.ListTopics(t.Context(), "orders")
	must(t, err)
	held, asked := Held{ID: idText(all["orders"].ID), Ends: map[int32]int64{0: 2}}, 0
	o := w.options("purge")
	o.Existing = "purge"
	o.PurgeUpTo = func(_ context.Context, topic string) (Held, error) {
		if asked++; topic != "orders" {
			t.Errorf("asked for %s", topic)
		}
		return held, nil
	}
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "partition 0 has gone on from offset 2 to 3") {
		t.Errorf("a record that nobody holds: %v", err)
	}
	held.ID, held.Ends[0] = "another", 3
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "nothing is removed: what was backed up is the topic with id") {
		t.Errorf("another topic: %v", err)
	}
	if starts, err := w.admin.ListStartOffsets(t.Context(), "orders"); err != nil || starts["orders"][0].Offset != 0 {
		t.Errorf("something was removed: %+v, %v", starts, err)
	}
	held.ID = idText(all["orders"].ID)
	o.Step = func(step string) {
		if step == "topics purged" {
			panic(step)
		}
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = Run(t.Context(), o)
	}()
	o.Step, held = nil, Held{}
	w.run(o)
	if asked != 3 {
		t.Errorf("asked %d times: a topic that is emptied already loses nothing", asked)
	}
	w.same("orders", 0, want(log{{dense(batch.LZ4, 0, 10)}}))
}

func TestCheckNamesWhatStandsInTheWay(t *testing.T) {
	w := newWorld(t)
	w.point(func(m *format.Manifest) {
		m.Groups = []format.Group{{Name: "billing"}}
	}, orders(), topic{Topic: format.Topic{Name: "orders-b"}}, topic{Topic: format.Topic{Name: "__internal", Internal: true}, logs: []log{nil}})
	must(t, w.createTopic("narrow"))
	_, err := w.admin.CreateTopics(t.Context(), 3, 1, nil, "full")
	must(t, err)
	w.write("full", 0, "x")
	for name, c := range map[string]struct {
		change func(*Options)
		where  string
		text   string
	}{
		"data there":        {func(o *Options) { o.Rename = map[string]string{"orders": "full"} }, "topic full", "holds 1 offsets"},
		"fewer partitions":  {func(o *Options) { o.Rename = map[string]string{"orders": "narrow"} }, "topic narrow", "1 partitions, 3 are needed"},
		"one target twice":  {func(o *Options) { o.Rename = map[string]string{"orders": "a", "orders-b": "a"} }, "topic orders-b", "too"},
		"internal":          {func(o *Options) { o.Topics = []string{"__internal"} }, "topic __internal", "internal to Kafka"},
		"consumer offsets":  {func(o *Options) { o.Rename = map[string]string{"*": "__consumer_offsets"} }, "topic orders", "internal to Kafka"},
		"bad name":          {func(o *Options) { o.Rename = map[string]string{"*": "a b*"} }, "topic orders", "no name of a topic"},
		"bad rule":          {func(o *Options) { o.Rename = map[string]string{"a*b*": "x"} }, "name a*b*", "cannot be made"},
		"no such topic":     {func(o *Options) { o.Topics = []string{"nothing"} }, "topic nothing", "does not contain it"},
		"no such group":     {func(o *Options) { o.Groups = []string{"nobody"} }, "group nobody", "does not contain it"},
		"not there":         {func(o *Options) { o.Create = false; o.Rename = map[string]string{"*": "x-*"} }, "topic x-orders", "not there"},
		"too many replicas": {func(o *Options) { o.Replicas = 9; o.Rename = map[string]string{"*": "x-*"} }, "topic x-orders", "the cluster has 2 brokers"},
		"repartition to 0":  {func(o *Options) { o.Repartition = map[string]int{"orders": 0} }, "topic orders", "0 partitions"},
		"map what is not":   {func(o *Options) { o.Partitions = map[string]map[int32]int32{"orders": {9: 1}} }, "topic orders", "no partition 9"},
		"both": {func(o *Options) {
			o.Repartition = map[string]int{"orders": 2}
			o.Partitions = map[string]map[int32]int32{"orders": {0: 1}}
		}, "topic orders", "at once"},
		"negative partition": {func(o *Options) { o.Partitions = map[string]map[int32]int32{"orders": {0: -1}} }, "topic orders", "mapped to -1"},
	} {
		o := w.options("check")
		c.change(&o)
		p, err := Check(t.Context(), o)
		must(t, err)
		if !slices.ContainsFunc(p.Problems, func(p Problem) bool { return p.Where == c.where && strings.Contains(p.Text, c.text) }) {
			t.Errorf("%s: the problems are %+v", name, p.Problems)
		}
		if _, err := Run(t.Context(), o); err == nil {
			t.Errorf("%s: it runs nevertheless", name)
		}
	}
	if n, _ := w.repo.Series("restores/check", recordKind).Newest(t.Context(), new(record)); n != 0 {
		t.Error("a restore that could not begin is recorded")
	}
}

func TestATopicThatIsGoneIsFoundInTheNewestGoodPointThatHoldsIt(t *testing.T) {
	w := newWorld(t)
	w.point(nil, orders())
	w.point(nil, orders())
	w.point(nil, topic{Topic: format.Topic{Name: "other"}})
	o := w.options("gone")
	o.Topics = []string{"orders", "never"}
	p, err := Check(t.Context(), o)
	must(t, err)
	hints := map[string]string{}
	for _, one := range p.Problems {
		hints[one.Where] = one.Hint
	}
	if got := hints["topic orders"]; !strings.Contains(got, "point 2, taken ") || !strings.Contains(got, "--point 2 ") {
		t.Errorf("of orders it says %q", got)
	}
	if got := hints["topic never"]; !strings.Contains(got, "no good point of this backup contains it") {
		t.Errorf("of never it says %q", got)
	}
}

func TestNamesFollowPatterns(t *testing.T) {
	rules := map[string]string{"orders": "o", "orders*": "long-*", "*": "all-*", "a*z": "*-az"}
	for name, to := range map[string]string{"orders": "o", "orders.eu": "long-.eu", "x": "all-x", "abcz": "bc-az"} {
		if got := Target(rules, name); got != to {
			t.Errorf("%s becomes %s, want %s", name, got, to)
		}
	}
}

func TestSequencesWrapAsKafkaWraps(t *testing.T) {
	for at, want := range map[int64]int32{0: 0, 1<<31 - 1: 1<<31 - 1, 1 << 31: 0, 1<<31 + 5: 5, 1 << 40: 0} {
		if got := sequenceOf(at); got != want {
			t.Errorf("record %d has sequence %d, want %d", at, got, want)
		}
	}
}

func TestARestoreIsHeldBack(t *testing.T) {
	w := newWorld(t)
	w.point(nil, topic{Topic: format.Topic{Name: "orders"}, logs: []log{{{dense(batch.None, 0, 100), dense(batch.None, 100, 100), dense(batch.None, 200, 100)}}}})
	o := w.options("slow")
	o.RecordsPerSec = 200
	phases := map[string]bool{}
	var last Progress
	o.Progress = func(p Progress) { phases[p.Phase], last = true, p }
	began := time.Now()
	w.run(o)
	if took := time.Since(began); took < 450*time.Millisecond {
		t.Errorf("300 records at 200 a second, the first 200 at once, took %s", took)
	}
	if last.Records != 300 || last.RecordsTotal != 300 || last.PartitionsDone != 1 || !phases["records"] {
		t.Errorf("the last progress is %+v, phases %v", last, slices.Collect(maps.Keys(phases)))
	}
}

func TestMemoryIsHeldBackAndAFrameLargerThanAllStillComes(t *testing.T) {
	w := newWorld(t)
	var logs []log
	for p := range 6 {
		var l log
		for f := range int64(8) {
			l = append(l, []piece{dense(batch.None, f*200+int64(p), 200)})
		}
		logs = append(logs, l)
	}
	w.point(nil, topic{Topic: format.Topic{Name: "orders"}, logs: logs})
	o := w.options("small")
	o.Memory, o.Concurrency, o.OffsetHeaders = 4<<10, 6, false
	w.run(o)
	o = w.options("smaller")
	o.Memory, o.Concurrency, o.OffsetHeaders, o.Rename = 4<<10, 6, true, map[string]string{"*": "x-*"}
	w.run(o)
	for p, l := range logs {
		w.same("orders", int32(p), want(l))
		if n := len(w.got("x-orders", int32(p))); n != 1600 {
			t.Errorf("partition %d has %d records", p, n)
		}
	}
}
