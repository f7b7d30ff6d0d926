package backup

import (
	"fmt"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

// biggestPack is how large an object becomes, however large a document lets it.
const biggestPack = 64 << 20

// smallestPack is how small a document may make it: packs of a few bytes would
// be one object a batch.
const smallestPack = 1 << 20

// defaultSegment is segmentMaxBytes where nothing is said.
const defaultSegment = 128 << 20

type backupDecoder struct{}

// Reads is KafkaBackup.
func (backupDecoder) Reads() []string { return backupKind().Types() }

// Decode turns a KafkaBackup into a policy, or, where it has neither a schedule
// nor continuous, into a job that is carried out once.
func (backupDecoder) Decode(doc reconcile.Document, refs reconcile.Refs) (reconcile.Decoded, error) {
	var b backupDocument
	if err := strict.Document(doc, &b); err != nil {
		return reconcile.Decoded{}, err
	}
	d, s := declare(doc, refs), b.Spec
	d.cluster(s.KafkaCluster, "spec.kafkaCluster")
	d.storage(s.Storage, "spec.storage", "")
	d.topics(s.Topics, "spec.topics")
	d.patterns(FieldExclude, s.ExcludeTopics, "spec.excludeTopics")
	d.folder("spec.sourceClusterId", s.SourceClusterID)
	d.set(FieldSource, s.SourceClusterID, "spec.sourceClusterId")
	d.form(s)
	d.pace(s)
	d.keep(s.Retention)
	d.without(s)
	if s.Schedule == "" && !s.Continuous {
		d.suspended(s.Suspend)
		return d.result(KindJob, DoesBackup)
	}
	d.timing(s)
	return d.result(KindPolicy, DoesBackup)
}

// topics declares patterns that choose something.
func (d *declaration) topics(all []string, at string) { d.patterns(FieldTopics, all, at) }

func (d *declaration) patterns(field string, all []string, at string) {
	for i, p := range all {
		if p == "" || strings.ContainsAny(p, ", \t\n") {
			d.report.Add(fmt.Sprintf("%s[%d]", at, i), "%q is no pattern of topics: * is any text, ? any character", p)
		}
	}
	d.set(field, listOf(all), at)
}

// form says how what is copied is kept.
func (d *declaration) form(s backupSpec) {
	if s.Compression != "none" {
		d.set("codec", s.Compression, "spec.compression")
		d.set("level", number(s.CompressionLevel), "spec.compressionLevel")
	} else {
		d.noteGiven("spec.compressionLevel", "has no effect with compression: none")
	}
	d.annotation(reconcile.StoredMark, "mode", oneOf("verbatim", "repack"))
	d.annotation(reconcile.VerifyMark, "verify", oneOf("data", "structure", "none"))
	d.duration(reconcile.ArchiveMark, "archive")
	pack := min(s.SegmentMaxBytes, biggestPack)
	if pack < smallestPack {
		d.note("spec.segmentMaxBytes", "objects are 1 MiB at least")
		pack = smallestPack
	}
	if pack < biggestPack {
		d.set("packBytes", number(pack), "spec.segmentMaxBytes")
	}
	if s.SegmentMaxBytes > biggestPack && s.SegmentMaxBytes != defaultSegment && !s.Continuous {
		d.note("spec.segmentMaxBytes", "objects are 64 MiB at most")
	}
}

// pace says how fast a run may be.
func (d *declaration) pace(s backupSpec) {
	if l := s.RateLimit; l != nil {
		d.set("bytesPerSec", number(l.BytesPerSecond), "spec.rateLimit.bytesPerSecond")
	}
	l := s.RateLimiting
	if l == nil {
		return
	}
	d.set("bytesPerSec", number(l.BytesPerSec), "spec.rateLimiting.bytesPerSec")
	if l.RecordsPerSec > 0 {
		d.note("spec.rateLimiting.recordsPerSec", "record batches are copied without looking into them: use bytesPerSec")
	}
	d.noteGiven("spec.rateLimiting.maxConcurrentPartitions", "many partitions share a request, within a stated memory, ignored")
}

// keep says which points are kept.
func (d *declaration) keep(r *retention) {
	if r == nil {
		return
	}
	at := "spec.retention"
	if r.Enabled != nil && !*r.Enabled {
		d.note(at, "is not enabled: every point is kept")
		return
	}
	last := r.KeepLast + r.Backups // one of them is 0
	if r.Enabled == nil {
		d.note(at, "is carried out: what it does not keep is dropped (enabled: false keeps every point)")
	}
	counts := map[string]int{
		"keepLast": last, "hourly": r.Hourly, "daily": r.Daily, "weekly": r.Weekly, "monthly": r.Monthly, "yearly": r.Yearly,
	}
	some := r.MaxAgeDays
	for name, n := range counts {
		d.set("retention."+name, number(n), at)
		some += n
	}
	if r.MaxAgeDays > 0 {
		d.set("retention.maxAge", (time.Duration(r.MaxAgeDays) * 24 * time.Hour).String(), at+".maxAgeDays")
	}
	if some == 0 {
		d.report.Add(at, "keeps nothing: give keepLast, maxAgeDays or one of hourly, daily, weekly, monthly, yearly")
	}
	d.set("retention.dryRun", truth(r.DryRun), at+".dryRun")
}

// timing says when.
func (d *declaration) timing(s backupSpec) {
	d.schedule(s.Schedule, s.TimeZone)
	d.set(FieldSuspend, truth(s.Suspend), "spec.suspend")
	d.duration(reconcile.JitterMark, "jitter")
	if s.Continuous {
		d.set("continuous", "true", "spec.continuous")
		d.set("window", (time.Duration(s.SegmentMaxIntervalMs) * time.Millisecond).String(), "spec.segmentMaxIntervalMs")
		d.set("windowBytes", number(s.SegmentMaxBytes), "spec.segmentMaxBytes")
	}
}

// schedule declares when. One that means other days elsewhere is never guessed.
func (d *declaration) schedule(schedule, zone string) {
	d.set(FieldSchedule, strings.Join(strings.Fields(schedule), " "), "spec.schedule")
	d.set(FieldZone, zone, "spec.timeZone")
	if words := twoMeanings(schedule); words != "" {
		d.refuse("spec.schedule", "%s", words)
	}
}

// suspended is of what has no schedule to rest.
func (d *declaration) suspended(suspend bool) {
	if suspend {
		d.refuse("spec.suspend", "it rests, and has no schedule: take suspend out to have it carried out once")
	}
}

// without notes what is accepted and has no effect, or another one than there.
func (d *declaration) without(s backupSpec) {
	for _, field := range []string{"metrics", "resources", "podTemplate", "job"} {
		d.noteGiven("spec."+field, "has no meaning outside Kubernetes, ignored")
	}
	d.noteGiven("spec.checkpoint", "how far a backup is stands in its committed points, nowhere else, ignored")
	d.noteGiven("spec.circuitBreaker", breaker)
	d.noteGiven("spec.pollIntervalMs", "brokers answer when there is something, ignored")
	if s.StopAtCurrentOffsets {
		d.note("spec.stopAtCurrentOffsets", "every run ends at the offsets that it found")
	}
	if !s.IncludeOffsetHeaders {
		d.note("spec.includeOffsetHeaders", "offsets are always kept, beside the records, which are never altered")
	}
	if given(d.doc, "spec.consumerGroupSnapshot") && !s.GroupSnapshot {
		d.note("spec.consumerGroupSnapshot", "consumer groups are always kept")
	}
	if !s.Continuous && given(d.doc, "spec.segmentMaxIntervalMs") {
		d.note("spec.segmentMaxIntervalMs", "has a meaning for continuous: true only, ignored")
	}
}

const breaker = "what fails is tried again with growing pauses, ignored"
