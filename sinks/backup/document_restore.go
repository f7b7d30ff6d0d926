package backup

import (
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type restoreDocument struct {
	strict.Header
	Spec restoreSpec `json:"spec" doc:"The restore." required:"true"`
}

type restoreSpec struct {
	BackupRef                backupRef                `json:"backupRef" doc:"The backup." required:"true"`
	KafkaCluster             *cluster                 `json:"kafkaCluster" doc:"The cluster to write to; without it the one of the sync."`
	Topics                   []string                 `json:"topics" doc:"Topics, as glob patterns; none are all."`
	PITR                     *pointInTime             `json:"pitr" doc:"Only records of this time."`
	TopicMapping             map[string]string        `json:"topicMapping" doc:"New names by old ones."`
	PartitionMapping         map[string]int32         `json:"partitionMapping" doc:"New partitions by old ones."`
	Repartitioning           map[string]repartitioned `json:"repartitioning" doc:"Topics that get another number of partitions."`
	OffsetReset              *groupReset              `json:"offsetReset" doc:"Consumer groups that are put where they were."`
	Rollback                 *rollback                `json:"rollback" doc:"How the restore can be taken back."`
	RateLimiting             *rateLimiting            `json:"rateLimiting" doc:"How fast."`
	CircuitBreaker           *circuitBreaker          `json:"circuitBreaker" doc:"When failures pause it."`
	DryRun                   bool                     `json:"dryRun" doc:"Planned and reported, never carried out." default:"false"`
	ProduceBatchSize         int                      `json:"produceBatchSize" doc:"Records of a request." default:"1000" min:"1"`
	ProduceAcks              int                      `json:"produceAcks" doc:"Replicas that must have a record, -1 for all in sync." default:"-1" min:"-1" max:"1"`
	ProduceTimeoutMs         int64                    `json:"produceTimeoutMs" doc:"Milliseconds a request may take." default:"30000" min:"1"`
	PurgeTopics              bool                     `json:"purgeTopics" doc:"Whether what stands in the topics is removed first." default:"false"`
	AutoConsumerGroups       bool                     `json:"autoConsumerGroups" doc:"Whether every group of the backup is put where it was." default:"false"`
	CreateTopics             bool                     `json:"createTopics" doc:"Whether missing topics are created." default:"false"`
	DefaultReplicationFactor *int16                   `json:"defaultReplicationFactor" doc:"Replication of created topics." min:"1"`
}

type pointInTime struct {
	StartTimestamp *int64     `json:"startTimestamp" doc:"From when on, in milliseconds since 1970." min:"0"`
	EndTimestamp   *int64     `json:"endTimestamp" doc:"Until when, in milliseconds since 1970." min:"0"`
	StartTime      *time.Time `json:"startTime" doc:"From when on, as RFC 3339."`
	EndTime        *time.Time `json:"endTime" doc:"Until when, as RFC 3339."`
}

// Check refuses two spellings of one moment and a window that is none.
func (p *pointInTime) Check(report func(path, text string)) {
	if p.StartTime != nil && p.StartTimestamp != nil {
		report("startTime", "stands beside startTimestamp: give one of them")
	}
	if p.EndTime != nil && p.EndTimestamp != nil {
		report("endTime", "stands beside endTimestamp: give one of them")
	}
	start, end := moment(p.StartTime, p.StartTimestamp), moment(p.EndTime, p.EndTimestamp)
	if start != nil && end != nil && !start.Before(*end) {
		report("", "ends before it begins")
	}
}

func moment(at *time.Time, millis *int64) *time.Time {
	if at == nil && millis != nil {
		return new(time.UnixMilli(*millis))
	}
	return at
}

type repartitioned struct {
	Strategy         string `json:"strategy" doc:"How records find their partition." enum:"murmur2,automatic" default:"murmur2"`
	TargetPartitions int32  `json:"targetPartitions" doc:"Number of partitions." required:"true" min:"1"`
}

type groupReset struct {
	Enabled        bool     `json:"enabled" doc:"Whether it is done."`
	ConsumerGroups []string `json:"consumerGroups" doc:"The groups." required:"true" min:"1"`
	Strategy       string   `json:"strategy" doc:"How." default:"manual" enum:"manual,automatic,header-based,timestamp-based,cluster-scan"`
}

type rollback struct {
	SnapshotBeforeRestore  bool `json:"snapshotBeforeRestore" doc:"Whether offsets are written down first." default:"true"`
	SnapshotRetentionHours int  `json:"snapshotRetentionHours" doc:"Hours they are kept." default:"24" min:"1"`
	AutoRollbackOnFailure  bool `json:"autoRollbackOnFailure" doc:"Whether a failure puts them back." default:"false"`
}

func restoreKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: versions(), Kind: "KafkaRestore", CarriedOut: true, Spec: restoreDocument{},
		Doc: "A restore of a backup, carried out once under its name.",
		Example: `apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaRestore
metadata:
  name: orders-of-tuesday
spec:
  backupRef:
    name: nightly
  kafkaCluster:
    bootstrapServers: [kafka-0:9092]
  topics: [orders]
  topicMapping:
    orders: orders-restored
  pitr:
    endTime: "2026-11-17T10:00:00Z"
  createTopics: true
`,
	}
}
