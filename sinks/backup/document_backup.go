package backup

import (
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type backupDocument struct {
	strict.Header
	Spec backupSpec `json:"spec" doc:"The backup." required:"true"`
}

type backupSpec struct {
	KafkaCluster         *cluster        `json:"kafkaCluster" doc:"The cluster to copy from; without it the one of the sync."`
	Topics               []string        `json:"topics" doc:"Topics, as glob patterns." required:"true" min:"1"`
	ExcludeTopics        []string        `json:"excludeTopics" doc:"Topics left out, as glob patterns."`
	Storage              storage         `json:"storage" doc:"Where the copies go." required:"true"`
	Schedule             string          `json:"schedule" doc:"When, as cron fields: the usual five, or six or seven with seconds, of which the weekday is a name (SUN to SAT) and the year *. Without it once."`
	TimeZone             string          `json:"timeZone" doc:"Zone of the schedule, such as Europe/Helsinki; UTC without it."`
	Suspend              bool            `json:"suspend" doc:"Whether the schedule rests." default:"false"`
	Compression          string          `json:"compression" doc:"How what producers left uncompressed is compressed." enum:"none,lz4,zstd" default:"zstd"`
	CompressionLevel     int             `json:"compressionLevel" doc:"How hard it is tried." default:"3" min:"1" max:"22"`
	SegmentMaxBytes      int64           `json:"segmentMaxBytes" doc:"Bytes of an object." default:"134217728" min:"1"`
	SegmentMaxIntervalMs int64           `json:"segmentMaxIntervalMs" doc:"Milliseconds until an object is closed." default:"60000" min:"1"`
	Continuous           bool            `json:"continuous" doc:"Whether it goes on without a schedule." default:"false"`
	StopAtCurrentOffsets bool            `json:"stopAtCurrentOffsets" doc:"Whether a run ends at the offsets it found." default:"false"`
	IncludeOffsetHeaders bool            `json:"includeOffsetHeaders" doc:"Whether offsets of the source are kept." default:"true"`
	SourceClusterID      string          `json:"sourceClusterId" doc:"Name of the source in the backup repository."`
	PollIntervalMs       int64           `json:"pollIntervalMs" doc:"Milliseconds between looks for new records." default:"100" min:"1"`
	GroupSnapshot        bool            `json:"consumerGroupSnapshot" doc:"Whether consumer groups are kept, too." default:"false"`
	Checkpoint           *checkpoint     `json:"checkpoint" doc:"How far a run is, written down."`
	RateLimiting         *rateLimiting   `json:"rateLimiting" doc:"How fast."`
	RateLimit            *rateLimit      `json:"rateLimit" doc:"Shorter spelling of rateLimiting."`
	CircuitBreaker       *circuitBreaker `json:"circuitBreaker" doc:"When failures pause a run."`
	Retention            *retention      `json:"retention" doc:"Which points are kept."`
	Metrics              *strict.Any     `json:"metrics" doc:"The agent has metrics of its own; ignored with a note."`
	Resources            *resources      `json:"resources" doc:"Of use to Kubernetes only; ignored with a note."`
	PodTemplate          *strict.Any     `json:"podTemplate" doc:"Of use to Kubernetes only; ignored with a note."`
	Job                  *strict.Any     `json:"job" doc:"Of use to Kubernetes only; ignored with a note."`
}

type checkpoint struct {
	Enabled      bool     `json:"enabled" doc:"Whether it is written."`
	IntervalSecs int64    `json:"intervalSecs" doc:"Seconds between two." default:"30" min:"1"`
	Storage      *storage `json:"storage" doc:"Where, if not beside the data."`
}

type rateLimit struct {
	BytesPerSecond int64 `json:"bytesPerSecond" doc:"Bytes a second, 0 for no limit." default:"0" min:"0"`
}

type retention struct {
	Enabled    *bool `json:"enabled" doc:"Whether points are removed; where nothing is said, a limit below says so."`
	MaxAgeDays int   `json:"maxAgeDays" doc:"Days a point is kept." min:"1"`
	KeepLast   int   `json:"keepLast" doc:"Newest points that are kept." min:"1"`
	Backups    int   `json:"backups" doc:"Another spelling of keepLast." min:"1"`
	Hourly     int   `json:"hourly" doc:"The newest point of each of so many hours is kept, too." min:"1"`
	Daily      int   `json:"daily" doc:"The same of days, in the schedule's zone." min:"1"`
	Weekly     int   `json:"weekly" doc:"The same of weeks." min:"1"`
	Monthly    int   `json:"monthly" doc:"The same of months." min:"1"`
	Yearly     int   `json:"yearly" doc:"The same of years." min:"1"`
	DryRun     bool  `json:"dryRun" doc:"Whether it is only said what would be removed." default:"false"`
}

type resources struct {
	Requests map[string]strict.Scalar `json:"requests" doc:"What is asked for."`
	Limits   map[string]strict.Scalar `json:"limits" doc:"What is given at most."`
}

// Check refuses two spellings of one thing.
func (r *retention) Check(report func(path, text string)) {
	if r.KeepLast != 0 && r.Backups != 0 {
		report("backups", "stands beside keepLast: they mean the same")
	}
}

// Check refuses what cannot be both.
func (s *backupSpec) Check(report func(path, text string)) {
	if s.Continuous && s.StopAtCurrentOffsets {
		report("stopAtCurrentOffsets", "cannot stand beside continuous: a run that goes on has no end")
	}
	if s.Continuous && s.Schedule != "" {
		report("schedule", "cannot stand beside continuous: a run that goes on is never started again")
	}
	if s.RateLimit != nil && s.RateLimiting != nil {
		report("rateLimit", "stands beside rateLimiting: write bytesPerSec there")
	}
	checkSchedule(s.Schedule, s.TimeZone, report)
}

func backupKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: versions(), Kind: "KafkaBackup", CarriedOut: true, Spec: backupDocument{},
		Doc: "A backup of topics to an object store, once, on a schedule, or all the time.",
		Example: `apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaBackup
metadata:
  name: nightly
spec:
  schedule: "0 2 * * *"
  kafkaCluster:
    bootstrapServers: [kafka-0:9092]
    securityProtocol: SASL_SSL
    saslSecret:
      name: kafka-credentials
      mechanism: SCRAM-SHA-512
  topics: ["*"]
  excludeTopics: ["__*"]
  storage:
    storageType: s3
    s3:
      bucket: kafka-backups
      region: eu-central-1
      prefix: production
  timeZone: Europe/Helsinki
  retention:
    keepLast: 7
    daily: 30
`,
	}
}
