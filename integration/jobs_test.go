package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
)

// produce writes records to a topic's partition 0, key and value alike.
func (w *world) produce(topic string, values ...string) {
	w.t.Helper()
	cl := w.kafka.Client(w.t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for _, v := range values {
		w.must(cl.ProduceSync(w.t.Context(), &kgo.Record{Topic: topic, Key: []byte(v), Value: []byte(v)}).FirstErr())
	}
}

// records reads what stands in a topic.
func (w *world) records(topic string) []string {
	w.t.Helper()
	ends, err := w.admin.ListEndOffsets(w.t.Context(), topic)
	w.must(err)
	var want int64
	ends.Each(func(o kadm.ListedOffset) { want += o.Offset })
	cl := w.kafka.Client(w.t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	var out []string
	for int64(len(out)) < want && ctx.Err() == nil {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) { out = append(out, string(r.Value)) })
	}
	return out
}

// jobs asks the daemon for what goes on beside its rounds.
func (w *world) jobs() map[string]sinks.Job {
	w.t.Helper()
	r := w.ottla("job", "list", "-o", "json")
	var all []sinks.Job
	if err := json.Unmarshal([]byte(r.out), &all); err != nil {
		w.t.Fatalf("ottla job list: exit %d: %v\n%s\n%s", r.code, err, r.out, r.stderr)
	}
	out := map[string]sinks.Job{}
	for _, j := range all {
		out[j.ID] = j
	}
	return out
}

// job waits until a job is as it should be.
func (w *world) job(id string, ok func(sinks.Job) bool) sinks.Job {
	w.t.Helper()
	var j sinks.Job
	w.within(time.Minute, func() error {
		all := w.jobs()
		if j = all[id]; !ok(j) {
			return fmt.Errorf("job %s is %+v, of %d jobs", id, j, len(all))
		}
		return nil
	})
	return j
}

// within waits for a condition that takes longer than a broker's answer.
func (w *world) within(most time.Duration, try func() error) {
	w.t.Helper()
	deadline := time.Now().Add(most)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatal(err)
		}
		<-time.After(200 * time.Millisecond)
	}
}

func done(j sinks.Job) bool { return j.State == sinks.JobDone }

// backupDocument backs this test's topics up every few seconds.
func (w *world) backupDocument(more string) string {
	return `apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaBackup
metadata: {name: nightly}
spec:
  schedule: "*/2 * * * * *"
  kafkaCluster: {bootstrapServers: ["` + w.kafka.Plain()[0] + `"]}
  topics: ["PRE*"]
  storage: {storageType: pvc, pvc: {claimName: copies}}
` + more
}

const restoreDocument = `apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaRestore
metadata: {name: again}
spec:
  backupRef: {name: nightly}
  kafkaCluster: {bootstrapServers: ["BROKER"]}
  topics: [PREorders]
  topicMapping: {PREorders: PREorders-restored}
  createTopics: true
`

func TestAScheduleInGitRunsAndARestoreIsCarriedOutOnce(t *testing.T) {
	w := newWorld(t)
	w.push(map[string]string{"topic.yaml": ordersTopic, "backup.yaml": w.backupDocument("")})
	w.daemon()
	w.within(time.Minute, func() error {
		if w.partitions(w.pre+"orders") == 0 {
			return fmt.Errorf("the topic is not there")
		}
		return nil
	})
	w.produce(w.pre+"orders", "a", "b", "c")
	point := func(j sinks.Job) bool { return j.Point > 0 }
	first := w.job("backup/default/nightly", point).Point
	w.job("backup/default/nightly", func(j sinks.Job) bool { return j.Point > first+1 })
	list := w.ottla("backup", "list", "--store", "file://"+filepath.Join(w.dir, "state", "pvc", "copies"), "-o", "json")
	if list.code != 0 || !strings.Contains(list.out, "nightly") {
		t.Errorf("ottla backup list: exit %d\n%s\n%s", list.code, list.out, list.stderr)
	}
	w.push(map[string]string{"restore.yaml": strings.ReplaceAll(restoreDocument, "BROKER", w.kafka.Plain()[0])})
	w.job("restore/default/again", done)
	if got := w.records(w.pre + "orders-restored"); strings.Join(got, "") != "abc" {
		t.Errorf("restored %q", got)
	}
	w.push(map[string]string{"backup.yaml": ""})
	w.within(time.Minute, func() error {
		if j, ok := w.jobs()["backup/default/nightly"]; ok {
			return fmt.Errorf("it goes on: %+v", j)
		}
		return nil
	})
	if got := w.records(w.pre + "orders-restored"); len(got) != 3 {
		t.Errorf("restored again: %q", got)
	}
	again := w.ottla("backup", "list", "--store", "file://"+filepath.Join(w.dir, "state", "pvc", "copies"), "-o", "json")
	if again.code != 0 || !strings.Contains(again.out, "nightly") {
		t.Errorf("the points went with the document: exit %d\n%s\n%s", again.code, again.out, again.stderr)
	}
}

func TestATopicThatLeavesGitIsDeletedOnlyAfterItsFinalBackup(t *testing.T) {
	w := newWorld(t)
	final := filepath.Join(w.dir, "final")
	w.more["stores"] = []any{map[string]any{"name": "final", "url": "file://" + final + "?create_dir=true"}}
	w.more["backups"] = map[string]any{"finalBackup": map[string]any{"store": "final", "quiet": "3s"}}
	orders := w.pre + "orders"
	w.push(map[string]string{"topic.yaml": ordersTopic, "other.yaml": strings.ReplaceAll(ordersTopic, "PREorders", "PREother")})
	w.daemon()
	w.within(time.Minute, func() error {
		if w.partitions(orders) == 0 {
			return fmt.Errorf("the topic is not there")
		}
		return nil
	})
	w.produce(orders, "a", "b")
	w.push(map[string]string{"topic.yaml": ""})
	w.within(time.Minute, func() error {
		c, ok := changes(w.plan().Plan)["Topic/"+orders]
		if !ok || c.Action != reconcile.Delete || !strings.Contains(c.Fate.Waiting, "final backup") {
			return fmt.Errorf("the plan does not wait for the final backup: %+v", c)
		}
		return nil
	})
	w.produce(orders, "c")
	if w.partitions(orders) == 0 {
		t.Fatal("it was deleted while somebody produced to it")
	}
	w.within(time.Minute, func() error {
		if w.partitions(orders) != 0 {
			return fmt.Errorf("it is still there: %+v", w.jobs()["final/"+orders])
		}
		return nil
	})
	r := w.ottla("restore", "--deleted-topic", orders, "--cluster", "main", "--yes")
	if r.code != 0 {
		t.Fatalf("ottla restore --deleted-topic: exit %d\n%s\n%s", r.code, r.out, r.stderr)
	}
	if got := w.records(orders); strings.Join(got, "") != "abc" {
		t.Errorf("what came back is %q", got)
	}
}
