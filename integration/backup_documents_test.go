package integration

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/sinks"
)

// What documents in Git ask for, carried out by the real daemon on a real Kafka.

// document stands for a document about backups, with where this test's Kafka is.
func (w *world) document(text string) string {
	return strings.ReplaceAll(text, "BROKER", w.kafka.Plain()[0])
}

// copied is a topic with one partition, a backup that is made once, and these
// records in it.
func (w *world) copied(values ...string) *daemon {
	w.t.Helper()
	w.push(map[string]string{"topic.yaml": topicNamed("orders")})
	d := w.daemon()
	w.within(time.Minute, func() error {
		if w.partitions(w.pre+"orders") == 0 {
			return fmt.Errorf("the topic is not there")
		}
		return nil
	})
	w.produce(w.pre+"orders", values...)
	return d
}

// backedUp makes the one point of a backup without a schedule.
func (w *world) backedUp() {
	w.t.Helper()
	w.push(map[string]string{"backup.yaml": w.document(`apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaBackup
metadata: {name: once}
spec:
  kafkaCluster: {bootstrapServers: ["BROKER"]}
  topics: ["PRE*"]
  storage: {storageType: pvc, pvc: {claimName: copies}}
`)})
	w.job("backup/default/once", done)
}

func (w *world) copies() string {
	return "file://" + filepath.Join(w.dir, "state", "pvc", "copies")
}

// values are the records of a topic's partition 0 that are there now.
func (w *world) values(topic string) string {
	w.t.Helper()
	var out []string
	for _, r := range corpus.Read(w.t, w.kafka.Client(w.t), topic)[0] {
		out = append(out, string(r.Value))
	}
	return strings.Join(out, "")
}

// commit puts a group before the record of that number in partition 0.
func (w *world) commit(group, topic string, at int64) {
	w.t.Helper()
	var o kadm.Offsets
	o.Add(kadm.Offset{Topic: topic, Partition: 0, At: at, LeaderEpoch: -1})
	w.must(w.admin.CommitAllOffsets(w.t.Context(), group, o))
}

// next is the record that a consumer of the group is given first. It commits
// nothing, and leaves.
func (w *world) next(group, topic string) string {
	w.t.Helper()
	cl := w.kafka.Client(w.t, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	defer cl.Close()
	defer cl.LeaveGroup()
	fetches := cl.PollFetches(w.t.Context())
	w.must(fetches.Err())
	return string(fetches.Records()[0].Value)
}

func (w *world) noQuota(user, key string) {
	w.t.Helper()
	_, err := w.admin.AlterClientQuotas(w.t.Context(), []kadm.AlterClientQuotaEntry{{
		Entity: kadm.ClientQuotaEntity{{Type: "user", Name: &user}}, Ops: []kadm.AlterClientQuotaOp{{Key: key, Remove: true}},
	}})
	w.must(err)
}

const restoreWithAccess = `apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaRestore
metadata:
  name: again
  annotations: {ottla.io/access: "acls,quotas", ottla.io/prove: "true"}
spec:
  backupRef: {name: once}
  kafkaCluster: {bootstrapServers: ["BROKER"]}
  topics: [PREorders]
  topicMapping: {PREorders: PREorders-again}
  offsetReset: {enabled: true, consumerGroups: [PREbilling]}
  createTopics: true
`

func TestARestoreInGitBringsAccessQuotasAndGroupsBack(t *testing.T) {
	w := newWorld(t)
	user, billing := "User:"+w.pre+"bob", w.pre+"billing"
	rule := kadm.NewACLs().Allow(user).AllowHosts("*").Topics(w.pre + "orders").Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternLiteral)
	made, err := w.admin.CreateACLs(t.Context(), rule)
	w.must(err)
	w.must(made[0].Err)
	w.setQuota(w.pre+"bob", "consumer_byte_rate", 4321)
	w.copied("a", "b", "c", "d", "e")
	w.commit(billing, w.pre+"orders", 3)
	w.backedUp()

	_, err = w.admin.DeleteACLs(t.Context(), rule)
	w.must(err)
	w.noQuota(w.pre+"bob", "consumer_byte_rate")
	w.push(map[string]string{"restore.yaml": w.document(restoreWithAccess)})
	w.job("restore/default/again", done)
	if got := w.values(w.pre + "orders-again"); got != "abcde" {
		t.Errorf("restored %q", got)
	}
	kafkatest.Eventually(t, func() error {
		if got := w.acls(user); len(got) != 1 || !strings.Contains(got[0], w.pre+"orders-again") {
			return fmt.Errorf("%s may %q, want to read the restored topic", user, got)
		}
		if got := w.quotas(w.pre + "bob"); got["consumer_byte_rate"] != 4321 {
			return fmt.Errorf("the quotas are %v", got)
		}
		return nil
	})
	if got := w.next(billing, w.pre+"orders-again"); got != "d" {
		t.Errorf("the group reads %q next, want d", got)
	}
}

const resetDocument = `apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaOffsetReset
metadata: {name: replay}
spec:
  kafkaCluster: {bootstrapServers: ["BROKER"]}
  consumerGroups: [PREbilling, PRElive]
  topics: [PREorders]
  resetStrategy: to-offset
  resetOffset: 1
  continueOnError: true
`

const rollbackDocument = `apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaOffsetRollback
metadata: {name: undo}
spec:
  snapshotRef: {name: before, offsetResetRef: replay}
  kafkaCluster: {bootstrapServers: ["BROKER"]}
  consumerGroups: [PREbilling]
`

func TestAResetInGitIsUndoneByARollbackAndLiveGroupsAreLeftAlone(t *testing.T) {
	w := newWorld(t)
	orders, billing, live := w.pre+"orders", w.pre+"billing", w.pre+"live"
	w.copied("a", "b", "c", "d", "e")
	w.commit(billing, orders, 3)
	w.commit(live, orders, 4)
	consumer := w.kafka.Client(t, kgo.ConsumerGroup(live), kgo.ConsumeTopics(orders), kgo.DisableAutoCommit())
	consumer.PollFetches(t.Context())
	w.push(map[string]string{"reset.yaml": w.document(resetDocument)})
	j := w.job("offset-reset/default/replay", done)
	if !strings.Contains(j.Text, live+" has 1 members") {
		t.Errorf("nothing says that the live group was left alone: %q", j.Text)
	}
	if got := w.next(billing, orders); got != "b" {
		t.Errorf("after the reset the group reads %q next, want b", got)
	}
	consumer.LeaveGroup()
	if got := w.next(live, orders); got != "e" {
		t.Errorf("the live group reads %q next, want e", got)
	}
	w.push(map[string]string{"rollback.yaml": w.document(rollbackDocument)})
	w.job("offset-rollback/default/undo", done)
	if got := w.next(billing, orders); got != "d" {
		t.Errorf("after the rollback the group reads %q next, want d", got)
	}
}

const purgingRestore = `apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaRestore
metadata: {name: clean}
spec:
  backupRef: {name: once}
  kafkaCluster: {bootstrapServers: ["BROKER"]}
  topics: [PREorders]
  purgeTopics: true
`

func TestAPurgingRestoreInGitIsHeldAndTakesAFinalBackupFirst(t *testing.T) {
	w := newWorld(t)
	orders, final := w.pre+"orders", "file://"+filepath.Join(w.dir, "final")
	w.more["stores"] = []any{map[string]any{"name": "final", "url": final + "?create_dir=true"}}
	w.more["backups"] = map[string]any{
		"finalBackup": map[string]any{"store": "final", "quiet": "2s"}, "allowPurge": []string{w.pre + "*"},
	}
	w.copied("a", "b", "c")
	w.backedUp()
	w.produce(orders, "d", "e")
	w.push(map[string]string{"restore.yaml": w.document(purgingRestore)})
	var digest string
	w.within(time.Minute, func() error {
		v := w.plan()
		if len(v.Holds) != 1 {
			return fmt.Errorf("holds: %+v of %+v", v.Holds, changes(v.Plan))
		}
		digest = string(v.Holds[0].Digest)
		return nil
	})
	if got := w.values(orders); got != "abcde" {
		t.Fatalf("before it was confirmed the topic holds %q", got)
	}
	if r := w.ottla("confirm", digest); r.code != 0 {
		t.Fatalf("confirm: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	w.job("restore/default/clean", done)
	if got := w.values(orders); got != "abc" {
		t.Errorf("restored %q", got)
	}
	r := w.ottla("restore", "--store", final, "--bootstrap-server", w.kafka.Plain()[0], "--rename", orders+"="+orders+"-final", "--prove")
	if r.code != 0 {
		t.Fatalf("restore of the final backup: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	if got := w.values(orders + "-final"); got != "abcde" {
		t.Errorf("the final backup holds %q", got)
	}
}

const validationDocuments = `apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaBackupValidation
metadata: {name: counted}
spec:
  schedule: "*/2 * * * * *"
  backupRef: {name: once}
  kafkaCluster: {bootstrapServers: ["BROKER"]}
  checks: {messageCount: {enabled: true}, offsetRange: {enabled: true}}
---
apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaBackupValidation
metadata:
  name: drilled
  annotations: {ottla.io/drill: "true"}
spec:
  schedule: "*/2 * * * * *"
  backupRef: {name: once}
  checks: {messageCount: {enabled: true}}
`

func TestADrillInGitOnAScratchClusterFindsOneFlippedByte(t *testing.T) {
	w := newWorld(t)
	scratch := kafkatest.Start(t, kafkatest.Options{})
	w.more["clusters"] = []any{
		map[string]any{"name": "main", "bootstrapServers": w.kafka.Plain(), "allowDeletion": map[string]any{"topics": true}},
		map[string]any{"name": "scratch", "bootstrapServers": scratch.Plain()},
	}
	w.more["backups"] = map[string]any{"scratch": "scratch"}
	d := w.copied("a", "b", "c")
	w.backedUp()
	w.push(map[string]string{"validation.yaml": w.document(validationDocuments)})
	passed := func(j sinks.Job) bool { return strings.Contains(j.Text, "passed") }
	w.job("validation/default/counted", passed)
	w.job("drill/default/drilled", passed)

	flip(t, filepath.Join(w.dir, "state", "pvc", "copies"))
	w.job("drill/default/drilled", func(j sinks.Job) bool { return strings.Contains(j.Text, "failed") })
	w.said(d, "drill default/drilled failed")
	// A validation reads no record: it fails as soon as anybody has.
	if r := w.ottla("backup", "verify", "--store", w.copies(), "--read-data"); r.code != 1 {
		t.Errorf("ottla backup verify --read-data: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	w.within(time.Minute, func() error {
		if j := w.jobs()["validation/default/counted"]; passed(j) {
			return fmt.Errorf("the validation still passes: %+v", j)
		}
		return nil
	})
	w.said(d, "validation default/counted fail")
	left, err := kadm.NewClient(scratch.Client(t)).ListTopics(t.Context())
	w.must(err)
	if names := left.Names(); len(names) > 0 {
		t.Errorf("on the scratch cluster is left: %q", names)
	}
}

// said waits until the daemon tells of an incident.
func (w *world) said(d *daemon, title string) {
	w.t.Helper()
	w.within(time.Minute, func() error {
		for line := range strings.Lines(d.log.String()) {
			if strings.Contains(line, "\tincident\t") && strings.Contains(line, title) {
				return nil
			}
		}
		return fmt.Errorf("nobody was told: %s", title)
	})
}

// flip changes one byte in the middle of the one pack below a directory.
func flip(t *testing.T, dir string) {
	t.Helper()
	var packs []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && strings.Contains(path, "/packs/") {
			packs = append(packs, path)
		}
		return err
	})
	if err != nil || len(packs) != 1 {
		t.Fatalf("packs %q, %v", packs, err)
	}
	data, err := os.ReadFile(packs[0])
	if err == nil {
		data[len(data)/4] ^= 1
		err = errors.Join(os.Chmod(packs[0], 0o600), os.WriteFile(packs[0], data, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
}
