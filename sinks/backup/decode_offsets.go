package backup

import (
	"strconv"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type resetDecoder struct{}

// Reads is KafkaOffsetReset.
func (resetDecoder) Reads() []string { return offsetResetKind().Types() }

// Decode turns a KafkaOffsetReset into a job.
func (resetDecoder) Decode(doc reconcile.Document, refs reconcile.Refs) (reconcile.Decoded, error) {
	var r offsetResetDocument
	if err := strict.Document(doc, &r); err != nil {
		return reconcile.Decoded{}, err
	}
	d, s := declare(doc, refs), r.Spec
	d.cluster(s.KafkaCluster, "spec.kafkaCluster")
	d.set("groups", listOf(s.ConsumerGroups), "spec.consumerGroups")
	d.topics(s.Topics, "spec.topics")
	d.set("strategy", s.ResetStrategy, "spec.resetStrategy")
	d.target(s)
	d.set(FieldDryRun, truth(s.DryRun), "spec.dryRun")
	d.set("continueOnError", truth(s.ContinueOnError), "spec.continueOnError")
	d.noteGiven("spec.parallelism", "groups are asked and set many in a request, ignored")
	if !s.SnapshotBeforeReset {
		d.note("spec.snapshotBeforeReset", "a snapshot of the groups is always taken")
	}
	return d.result(KindJob, DoesReset)
}

// target is where the groups are put.
func (d *declaration) target(s offsetResetSpec) {
	if s.ResetOffset != nil {
		d.set("offset", strconv.FormatInt(*s.ResetOffset, 10), "spec.resetOffset")
	}
	if s.ResetTimestamp != nil && !s.ResetTimestamp.IsNull() {
		at, ok := timestampOf(s.ResetTimestamp.Canonical())
		if !ok {
			d.report.Add("spec.resetTimestamp", "%q is neither milliseconds since 1970 nor a time such as 2026-11-21T10:00:00Z", s.ResetTimestamp.Text)
		}
		d.set("timestamp", at.UTC().Format(time.RFC3339Nano), "spec.resetTimestamp")
	}
	m := s.OffsetMappingRef
	if m == nil {
		return
	}
	if m.RestoreName == "" {
		d.refuse("spec.offsetMappingRef", "the mapping of a restore is kept with its backup: name the KafkaRestore in restoreName")
	}
	d.set("mapping", m.RestoreName, "spec.offsetMappingRef.restoreName")
	for _, field := range []string{"path", "pvcName"} {
		d.noteGiven("spec.offsetMappingRef."+field, "the mapping of a restore is kept with its backup, ignored")
	}
}

func timestampOf(text string) (time.Time, bool) {
	if millis, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(millis), true
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

type rollbackDecoder struct{}

// Reads is KafkaOffsetRollback.
func (rollbackDecoder) Reads() []string { return offsetRollbackKind().Types() }

// Decode turns a KafkaOffsetRollback into a job.
func (rollbackDecoder) Decode(doc reconcile.Document, refs reconcile.Refs) (reconcile.Decoded, error) {
	var r offsetRollbackDocument
	if err := strict.Document(doc, &r); err != nil {
		return reconcile.Decoded{}, err
	}
	d, s := declare(doc, refs), r.Spec
	d.cluster(s.KafkaCluster, "spec.kafkaCluster")
	d.set("groups", listOf(s.ConsumerGroups), "spec.consumerGroups")
	d.set("snapshot", s.SnapshotRef.Name, "spec.snapshotRef.name")
	d.set("snapshot.restore", s.SnapshotRef.RestoreRef, "spec.snapshotRef.restoreRef")
	d.set("snapshot.reset", s.SnapshotRef.OffsetResetRef, "spec.snapshotRef.offsetResetRef")
	for _, field := range []string{"path", "pvcName"} {
		d.noteGiven("spec.snapshotRef."+field, "snapshots are kept with their backup, ignored")
	}
	d.set(FieldDryRun, truth(s.DryRun), "spec.dryRun")
	if !s.VerifyAfterRollback {
		d.note("spec.verifyAfterRollback", "what was set is always read again")
	}
	return d.result(KindJob, DoesRollback)
}
