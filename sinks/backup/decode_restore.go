package backup

import (
	"strconv"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

type restoreDecoder struct{}

// Reads is KafkaRestore.
func (restoreDecoder) Reads() []string { return restoreKind().Types() }

// Decode turns a KafkaRestore into a job.
func (restoreDecoder) Decode(doc reconcile.Document, refs reconcile.Refs) (reconcile.Decoded, error) {
	var r restoreDocument
	if err := strict.Document(doc, &r); err != nil {
		return reconcile.Decoded{}, err
	}
	d, s := declare(doc, refs), r.Spec
	d.backupRef(s.BackupRef, "spec.backupRef")
	d.cluster(s.KafkaCluster, "spec.kafkaCluster")
	d.topics(s.Topics, "spec.topics")
	d.mapping(s)
	if s.PITR != nil {
		d.moments(*s.PITR)
	}
	d.writing(s)
	d.groups(s)
	d.set(FieldDryRun, truth(s.DryRun), "spec.dryRun")
	d.annotation(reconcile.ProveMark, "prove", oneOf("true", "false"))
	d.annotation(reconcile.AccessMark, "access", oneOf("acls", "quotas", "acls,quotas"))
	d.annotation(reconcile.SourceClusterMark, FieldSource, folderless)
	d.claim(s)
	return d.result(KindJob, DoesRestore)
}

// backupRef declares which backup is meant. One that is declared by the same
// name needs no storage.
func (d *declaration) backupRef(r backupRef, at string) {
	namespace := r.Namespace
	if namespace == "" {
		namespace = d.doc.Namespace
	}
	if namespace == "" {
		namespace = DefaultNamespace
	}
	d.set(FieldBackup, namespace+"/"+r.Name, at+".name")
	if r.BackupID != "" {
		if n, err := strconv.ParseInt(r.BackupID, 10, 64); err != nil || n <= 0 {
			d.refuse(at+".backupId", "%q is not the number of a point; ottla backup list shows them", r.BackupID)
		}
		d.set(FieldPoint, r.BackupID, at+".backupId")
	}
	if r.Storage != nil {
		d.storage(*r.Storage, at+".storage", "")
	}
}

func (d *declaration) mapping(s restoreSpec) {
	for _, from := range strict.Keys(s.TopicMapping) {
		to := s.TopicMapping[from]
		if strings.Count(from, "*") != strings.Count(to, "*") || strings.Count(from, "*") > 1 {
			d.report.Add("spec.topicMapping."+from, "a pattern has one * on both sides")
		}
		d.set("rename."+from, to, "spec.topicMapping")
	}
	for _, from := range strict.Keys(s.PartitionMapping) {
		if n, err := strconv.ParseInt(from, 10, 32); err != nil || n < 0 || s.PartitionMapping[from] < 0 {
			d.report.Add("spec.partitionMapping."+from, "maps a partition to a partition: whole numbers from 0 on")
		}
		d.set("partitions."+from, strconv.Itoa(int(s.PartitionMapping[from])), "spec.partitionMapping")
	}
	for _, topic := range strict.Keys(s.Repartitioning) {
		d.set("repartition."+topic, number(s.Repartitioning[topic].TargetPartitions), "spec.repartitioning")
		if to := s.Repartitioning[topic].Strategy; to != "murmur2" {
			d.note("spec.repartitioning."+topic+".strategy", to+" means murmur2 here: keys go where Kafka's own producers put them")
		}
	}
	if len(s.PartitionMapping) > 0 && len(s.Repartitioning) > 0 {
		d.report.Add("spec.repartitioning", "cannot stand beside partitionMapping: records would have two partitions to go to")
	}
}

func (d *declaration) moments(p pointInTime) {
	for field, at := range map[string]*time.Time{"from": moment(p.StartTime, p.StartTimestamp), "to": moment(p.EndTime, p.EndTimestamp)} {
		if at != nil {
			d.set(field, at.UTC().Format(time.RFC3339Nano), "spec.pitr")
		}
	}
}

// writing says how records are written, and what becomes of what is there.
func (d *declaration) writing(s restoreSpec) {
	d.set("create", truth(s.CreateTopics), "spec.createTopics")
	if s.DefaultReplicationFactor != nil {
		d.set("replicas", number(*s.DefaultReplicationFactor), "spec.defaultReplicationFactor")
		if !s.CreateTopics {
			d.note("spec.defaultReplicationFactor", "has no effect without createTopics: true")
		}
	}
	d.annotation(reconcile.ExistingMark, FieldExisting, oneOf("refuse", "append"))
	if d.want.Fields[FieldExisting].Text() == "refuse" {
		delete(d.want.Fields, FieldExisting)
	}
	if s.PurgeTopics {
		d.set(FieldExisting, "purge", "spec.purgeTopics")
	}
	switch s.ProduceAcks {
	case 1:
		d.set("acks", "1", "spec.produceAcks")
	case 0:
		d.note("spec.produceAcks", "without an answer nobody knows what arrived: all replicas in sync acknowledge (-1)")
	}
	if s.ProduceTimeoutMs != 30000 {
		d.set("timeout", (time.Duration(s.ProduceTimeoutMs) * time.Millisecond).String(), "spec.produceTimeoutMs")
	}
	if l := s.RateLimiting; l != nil {
		d.set("bytesPerSec", number(l.BytesPerSec), "spec.rateLimiting.bytesPerSec")
		d.set("recordsPerSec", number(l.RecordsPerSec), "spec.rateLimiting.recordsPerSec")
		if given(d.doc, "spec.rateLimiting.maxConcurrentPartitions") {
			d.set("concurrency", number(l.MaxConcurrentPartitions), "spec.rateLimiting.maxConcurrentPartitions")
		}
	}
	d.noteGiven("spec.produceBatchSize", "batches go back as they were, ignored")
	d.noteGiven("spec.circuitBreaker", breaker)
}

// groups says which consumer groups are put where they were.
func (d *declaration) groups(s restoreSpec) {
	if r := s.OffsetReset; r != nil && r.Enabled {
		d.set("groups", listOf(r.ConsumerGroups), "spec.offsetReset.consumerGroups")
		if r.Strategy != "manual" {
			d.note("spec.offsetReset.strategy", "offsets are always mapped exactly, ignored")
		}
	}
	if s.AutoConsumerGroups {
		d.set("groups", "*", "spec.autoConsumerGroups")
	}
	if s.Rollback == nil {
		return
	}
	if !s.Rollback.SnapshotBeforeRestore {
		d.note("spec.rollback.snapshotBeforeRestore", "a snapshot of the groups is always taken")
	}
	d.noteGiven("spec.rollback.snapshotRetentionHours", "snapshots stay with the backup, ignored")
	if s.Rollback.AutoRollbackOnFailure {
		d.note("spec.rollback.autoRollbackOnFailure", "a restore that fails is tried again where it stopped, and sets its groups last; a KafkaOffsetRollback puts them back")
	}
}

// claim says which topics are written to, as far as the document names them:
// until the restore has ended nobody else changes them.
func (d *declaration) claim(s restoreSpec) {
	for _, topic := range s.Topics {
		target := restore.Target(s.TopicMapping, topic)
		if !strings.ContainsAny(topic+target, "*?") {
			d.want.Claims = append(d.want.Claims, reconcile.ID{Kind: "Topic", Name: target})
		}
	}
}
