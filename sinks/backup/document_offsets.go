package backup

import (
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type offsetResetDocument struct {
	strict.Header
	Spec offsetResetSpec `json:"spec" doc:"The reset." required:"true"`
}

type offsetResetSpec struct {
	KafkaCluster        *cluster          `json:"kafkaCluster" doc:"The cluster of the groups; without it the one of the sync."`
	ConsumerGroups      []string          `json:"consumerGroups" doc:"The groups." required:"true" min:"1"`
	ResetStrategy       string            `json:"resetStrategy" doc:"Where to." required:"true" enum:"to-earliest,to-latest,to-timestamp,to-offset,from-mapping"`
	ResetTimestamp      *strict.Scalar    `json:"resetTimestamp" doc:"Of to-timestamp: milliseconds since 1970, or RFC 3339."`
	ResetOffset         *int64            `json:"resetOffset" doc:"Of to-offset: the offset." min:"0"`
	Topics              []string          `json:"topics" doc:"Topics; none are all of the groups."`
	Parallelism         int               `json:"parallelism" doc:"Groups at once." default:"50" min:"1"`
	DryRun              bool              `json:"dryRun" doc:"Planned and reported, never carried out." default:"false"`
	ContinueOnError     bool              `json:"continueOnError" doc:"Whether one group that fails does not stop the others." default:"false"`
	OffsetMappingRef    *offsetMappingRef `json:"offsetMappingRef" doc:"Of from-mapping: old offsets to new ones."`
	SnapshotBeforeReset bool              `json:"snapshotBeforeReset" doc:"Whether offsets are written down first." default:"true"`
}

type offsetMappingRef struct {
	RestoreName string `json:"restoreName" doc:"The KafkaRestore that made it." ref:"KafkaRestore"`
	Path        string `json:"path" doc:"File it stands in."`
	PVCName     string `json:"pvcName" doc:"Claim, or directory, of the file."`
}

// Check wants what the strategy needs.
func (s *offsetResetSpec) Check(report func(path, text string)) {
	needs := func(strategy, field string, given bool) {
		switch {
		case s.ResetStrategy == strategy && !given:
			report(field, "is missing: resetStrategy "+strategy+" needs it")
		case s.ResetStrategy != strategy && given:
			report(field, "has no effect with resetStrategy: "+s.ResetStrategy)
		}
	}
	needs("to-timestamp", "resetTimestamp", s.ResetTimestamp != nil && !s.ResetTimestamp.IsNull())
	needs("to-offset", "resetOffset", s.ResetOffset != nil)
	needs("from-mapping", "offsetMappingRef", s.OffsetMappingRef != nil)
}

func offsetResetKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: versions(), Kind: "KafkaOffsetReset", CarriedOut: true, Spec: offsetResetDocument{},
		Doc: "Consumer groups put to other offsets, once under its name.",
		Example: `apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaOffsetReset
metadata:
  name: replay-orders
spec:
  kafkaCluster:
    bootstrapServers: [kafka-0:9092]
  consumerGroups: [billing]
  topics: [orders]
  resetStrategy: to-timestamp
  resetTimestamp: 1763373600000
`,
	}
}

type offsetRollbackDocument struct {
	strict.Header
	Spec offsetRollbackSpec `json:"spec" doc:"The rollback." required:"true"`
}

type offsetRollbackSpec struct {
	SnapshotRef         snapshotRef `json:"snapshotRef" doc:"The offsets that were written down." required:"true"`
	KafkaCluster        *cluster    `json:"kafkaCluster" doc:"The cluster of the groups; without it the one of the sync."`
	ConsumerGroups      []string    `json:"consumerGroups" doc:"The groups; none are all of the snapshot."`
	DryRun              bool        `json:"dryRun" doc:"Planned and reported, never carried out." default:"false"`
	VerifyAfterRollback bool        `json:"verifyAfterRollback" doc:"Whether the offsets are read again." default:"true"`
}

type snapshotRef struct {
	Name           string `json:"name" doc:"Name of the snapshot." required:"true" min:"1"`
	PVCName        string `json:"pvcName" doc:"Claim, or directory, it is in."`
	Path           string `json:"path" doc:"File it is in."`
	RestoreRef     string `json:"restoreRef" doc:"The KafkaRestore that made it." ref:"KafkaRestore"`
	OffsetResetRef string `json:"offsetResetRef" doc:"The KafkaOffsetReset that made it." ref:"KafkaOffsetReset"`
}

func offsetRollbackKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: versions(), Kind: "KafkaOffsetRollback", CarriedOut: true, Spec: offsetRollbackDocument{},
		Doc: "Consumer groups put back to where a snapshot found them.",
		Example: `apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaOffsetRollback
metadata:
  name: undo-replay
spec:
  snapshotRef:
    name: replay-orders-before
    offsetResetRef: replay-orders
  kafkaCluster:
    bootstrapServers: [kafka-0:9092]
`,
	}
}
