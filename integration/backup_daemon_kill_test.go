package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/sinks"
)

// killed starts the daemon and waits until it kills itself at a step of that
// name. The leases of what it did are run out then, so that nobody waits.
func (w *world) killed(step string, leases ...string) {
	w.t.Helper()
	w.killedWithin(time.Minute, step, func() {})
	for _, dir := range leases {
		(&keeper{t: w.t, dir: dir}).expire()
	}
}

// killedWithin does something again and again until the daemon has killed itself.
func (w *world) killedWithin(most time.Duration, step string, meanwhile func()) {
	w.t.Helper()
	w.env[killEnv] = step
	d := w.daemon()
	w.env[killEnv] = ""
	w.within(most, func() error {
		select {
		case <-d.done:
			return nil
		default:
			meanwhile()
			return fmt.Errorf("the daemon does not come to %q", step)
		}
	})
	if code := d.cmd.ProcessState.ExitCode(); code != -1 {
		w.t.Fatalf("at %q: the daemon ended with %d", step, code)
	}
}

// running starts the daemon and waits until commands can ask it.
func (w *world) running() *daemon {
	w.t.Helper()
	d := w.daemon()
	w.within(time.Minute, func() error {
		if !strings.Contains(d.log.String(), "\trunning\t") {
			return errors.New("the daemon does not run yet")
		}
		return nil
	})
	return d
}

// point is what ottla backup list says of one.
type point struct {
	Number, Records int64
	State           string
	Topics          int
}

// points are those of the one backup in a directory; none is good that cannot be
// read whole.
func (w *world) points(url string) []point {
	w.t.Helper()
	if r := w.ottla("backup", "verify", "--store", url, "--read-data"); r.code != 0 {
		w.t.Errorf("ottla backup verify --read-data: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	r := w.ottla("backup", "list", "--store", url, "-o", "json")
	var list struct{ Backups []struct{ Points []point } }
	if err := json.Unmarshal([]byte(r.out), &list); err != nil || len(list.Backups) != 1 {
		w.t.Fatalf("ottla backup list: exit %d, %v\n%s\n%s", r.code, err, r.out, r.stderr)
	}
	return list.Backups[0].Points
}

// holdsNow restores the newest point and compares it with the topic.
func (w *world) holdsNow(url, topic, to string) {
	w.t.Helper()
	r := w.ottla("restore", "--store", url, "--bootstrap-server", w.kafka.Plain()[0], "--topics", topic, "--rename", topic+"="+to, "--prove")
	if r.code != 0 {
		w.t.Fatalf("ottla restore: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	w.sameTopics(topic, to)
}

func (w *world) sameTopics(want, got string) {
	w.t.Helper()
	cl := w.kafka.Client(w.t)
	if d := corpus.Differences(corpus.Read(w.t, cl, want), corpus.Read(w.t, cl, got)); d != "" {
		w.t.Errorf("%s is not what %s is: %s", got, want, d)
	}
}

func TestKill9OfTheDaemonInAScheduledBackupLosesAndDoublesNothing(t *testing.T) {
	w := newWorld(t)
	orders, dir := w.pre+"orders", filepath.Join(w.dir, "state", "pvc", "copies")
	d := w.copied("a", "b", "c")
	d.stop(10 * time.Second)
	w.push(map[string]string{"backup.yaml": strings.ReplaceAll(w.backupDocument(""), "PRE*", "PREorders")})
	for _, step := range []string{"lease", "fetch", "open pack", "pack stands", "before points/", "committed"} {
		w.killed(step, dir)
		w.produce(orders, step)
	}
	w.running()
	w.job("backup/default/nightly", func(j sinks.Job) bool { return j.Point > 2 })
	w.push(map[string]string{"backup.yaml": ""})
	w.within(time.Minute, func() error {
		if j, ok := w.jobs()["backup/default/nightly"]; ok {
			return fmt.Errorf("it goes on: %+v", j)
		}
		return nil
	})
	for i, p := range w.points("file://" + dir) {
		if p.Number != int64(i+1) || p.State != "good" {
			t.Errorf("point %d is %+v", i+1, p)
		}
	}
	w.holdsNow("file://"+dir, orders, orders+"-back")
}

func TestKill9OfTheDaemonInARestoreFromGitDoublesNothing(t *testing.T) {
	w := newWorld(t)
	orders, billing, dir := w.pre+"orders", w.pre+"billing", filepath.Join(w.dir, "state", "pvc", "copies")
	d := w.copied("a", "b", "c")
	cl := w.kafka.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for i := range 40 { // a batch each
		w.must(cl.ProduceSync(t.Context(), &kgo.Record{Topic: orders, Value: fmt.Appendf(nil, "%d", i)}).FirstErr())
	}
	w.commit(billing, orders, 7)
	w.backedUp()
	d.stop(10 * time.Second)
	w.push(map[string]string{"restore.yaml": w.document(strings.NewReplacer("metadata: {name: again}", "metadata: {name: again, annotations: {ottla.io/prove: \"true\"}}",
		"nightly", "once", "createTopics: true", "createTopics: true\n  autoConsumerGroups: true").Replace(restoreDocument))})
	for _, step := range []string{"before restores/", "topics created", "batch written", "batch written", "topics configured", "group set", "groups set"} {
		w.killed(step, dir)
	}
	w.running()
	w.job("restore/default/again", done)
	w.sameTopics(orders, orders+"-restored")
	if got := w.next(billing, orders+"-restored"); got != "4" {
		t.Errorf("the group reads %q next, want 4", got)
	}
}

func TestKill9OfTheDaemonBeforeADeletionDeletesNothingThatIsNotVerified(t *testing.T) {
	w := newWorld(t)
	orders, final := w.pre+"orders", filepath.Join(w.dir, "final")
	w.more["stores"] = []any{map[string]any{"name": "final", "url": "file://" + final + "?create_dir=true"}}
	w.more["backups"] = map[string]any{"finalBackup": map[string]any{"store": "final", "quiet": "0s"}}
	w.push(map[string]string{"other.yaml": topicNamed("other")})
	d := w.copied("a", "b", "c")
	d.stop(10 * time.Second)
	w.push(map[string]string{"topic.yaml": ""})
	for _, step := range []string{"fetch", "pack stands", "before points/", "committed", "before verifications/", "after verifications/", "before intent"} {
		w.killed(step, final)
		if w.partitions(orders) == 0 {
			t.Fatalf("killed at %q, the topic is deleted", step)
		}
		w.produce(orders, step)
	}
	want := corpus.Read(t, w.kafka.Client(t), orders)
	w.killed("before outcome", final) // it is deleted, and the ledger does not know
	w.running()
	kafkatest.Eventually(t, func() error {
		if w.partitions(orders) != 0 {
			return errors.New("the topic is still there")
		}
		return nil
	})
	w.within(time.Minute, func() error {
		if all := changes(w.plan().Plan); len(all) > 0 {
			return fmt.Errorf("not settled: %+v", all)
		}
		return nil
	})
	for _, p := range w.points("file://" + final) {
		if p.State != "good" {
			t.Errorf("a final point is %+v", p)
		}
	}
	if r := w.ottla("restore", "--deleted-topic", orders, "--cluster", "main", "--yes"); r.code != 0 {
		t.Fatalf("ottla restore --deleted-topic: exit %d\n%s\n%s", r.code, r.out, r.stderr)
	}
	if d := corpus.Differences(want, corpus.Read(t, w.kafka.Client(t), orders)); d != "" {
		t.Errorf("what came back is not what was deleted: %s", d)
	}
	if w.partitions(w.pre+"other") != 1 {
		t.Error("another topic went with it")
	}
}
