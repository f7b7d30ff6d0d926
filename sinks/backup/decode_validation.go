package backup

import (
	"fmt"
	"strconv"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type validationDecoder struct{}

// Reads is KafkaBackupValidation.
func (validationDecoder) Reads() []string { return validationKind().Types() }

// Decode turns a KafkaBackupValidation into a policy, or without a schedule
// into a job; with the annotation ottla.io/drill it is a drill.
func (validationDecoder) Decode(doc reconcile.Document, refs reconcile.Refs) (reconcile.Decoded, error) {
	var v validationDocument
	if err := strict.Document(doc, &v); err != nil {
		return reconcile.Decoded{}, err
	}
	d, s := declare(doc, refs), v.Spec
	d.backupRef(s.BackupRef, "spec.backupRef")
	d.evidence(s.Evidence)
	d.notifications(s.Notifications)
	d.annotation(reconcile.SourceClusterMark, FieldSource, folderless)
	does := DoesValidation
	switch drill := doc.Annotations[reconcile.DrillMark]; drill {
	case "", "false":
	case "true":
		does = DoesDrill
	default:
		d.report.Add("metadata.annotations", "%s: %q is neither true nor false", reconcile.DrillMark, drill)
	}
	if does == DoesDrill {
		d.drill(s)
	} else {
		d.cluster(s.KafkaCluster, "spec.kafkaCluster")
		d.checks(s.Checks)
	}
	if s.Schedule == "" {
		d.suspended(s.Suspend)
		return d.result(KindJob, does)
	}
	d.schedule(s.Schedule, s.TimeZone)
	d.set(FieldSuspend, truth(s.Suspend), "spec.suspend")
	d.duration(reconcile.JitterMark, "jitter")
	return d.result(KindPolicy, does)
}

// drill takes the topics of the checks: it restores them into the agent's own
// scratch cluster, and compares every record.
func (d *declaration) drill(s validationSpec) {
	if m := s.Checks.MessageCount; m != nil && m.Enabled {
		d.patterns(FieldTopics, m.Topics, "spec.checks.messageCount.topics")
	}
	d.noteGiven("spec.kafkaCluster", "a drill restores into the scratch cluster of the agent's configuration (backups.scratch), ignored")
	for _, field := range []string{"messageCount.failThreshold", "offsetRange", "consumerGroupOffsets", "customWebhooks"} {
		d.noteGiven("spec.checks."+field, "a drill compares every record, and nothing else, ignored")
	}
}

func (d *declaration) checks(c checks) {
	if m := c.MessageCount; m != nil && m.Enabled {
		d.set("counts", "true", "spec.checks.messageCount")
		d.patterns(FieldTopics, m.Topics, "spec.checks.messageCount.topics")
		if m.FailThreshold != nil {
			d.set("counts.fail", strconv.FormatFloat(*m.FailThreshold, 'g', -1, 64), "spec.checks.messageCount.failThreshold")
		}
	}
	if o := c.OffsetRange; o != nil {
		d.set("offsets", truth(o.Enabled), "spec.checks.offsetRange")
	}
	if g := c.ConsumerGroupOffsets; g != nil && g.Enabled {
		d.set("groupOffsets", "true", "spec.checks.consumerGroupOffsets")
		d.set("groups", listOf(g.ConsumerGroups), "spec.checks.consumerGroupOffsets.consumerGroups")
	}
	for i, w := range c.CustomWebhooks {
		at := fmt.Sprintf("webhook.%d", i)
		d.want.Means[at+".url"] = reconcile.SecretOf(w.URL)
		d.set(at+".host", WebHost(w.URL), "spec.checks.customWebhooks") // what the configuration allows or not
		d.set(at+".name", w.Name, "spec.checks.customWebhooks")
		d.set(at+".timeout", (time.Duration(w.TimeoutSecs) * time.Second).String(), "spec.checks.customWebhooks")
		d.set(at+".status", number(w.ExpectedStatusCode), "spec.checks.customWebhooks")
	}
}
