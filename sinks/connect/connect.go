// Package connect is where a Kafka Connect cluster will be met. Today it reads
// the documents that declare connectors, strictly; nothing is carried out.
package connect

import (
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

// Decoders read every kind of document that is about connectors.
func Decoders() []reconcile.Decoder { return []reconcile.Decoder{strict.Known(connectorKind())} }

// Documents describes the kinds that Decoders read.
func Documents() []reconcile.DocumentKind { return []reconcile.DocumentKind{connectorKind()} }

// NameRefs lists the fields that hold the name of another document.
func NameRefs() []reconcile.NameRef { return strict.NameRefsOf(Documents()...) }

type connectorDocument struct {
	strict.Header
	Spec connectorSpec `json:"spec" doc:"The connector." required:"true"`
}

type connectorSpec struct {
	Class        string                   `json:"class" doc:"Its Java class, or the short name of it."`
	TasksMax     *int                     `json:"tasksMax" doc:"Tasks at most." min:"1"`
	Version      string                   `json:"version" doc:"Version, or range of versions, of the plugin."`
	AutoRestart  *autoRestart             `json:"autoRestart" doc:"Whether what failed is started again."`
	Config       map[string]strict.Scalar `json:"config" doc:"Its configuration. Numbers, booleans and strings mean the same." secret:"true"`
	State        string                   `json:"state" doc:"What it should be." enum:"running,paused,stopped"`
	Pause        *bool                    `json:"pause" doc:"Older spelling of state: paused."`
	ListOffsets  *listOffsets             `json:"listOffsets" doc:"Where Strimzi writes offsets to; ignored with a note."`
	AlterOffsets *alterOffsets            `json:"alterOffsets" doc:"Where Strimzi reads offsets from; ignored with a note."`
}

type autoRestart struct {
	Enabled     *bool `json:"enabled" doc:"Whether it is done."`
	MaxRestarts *int  `json:"maxRestarts" doc:"How often at most; without it as often as it takes." min:"0"`
}

type listOffsets struct {
	ToConfigMap configMapName `json:"toConfigMap" doc:"The ConfigMap written to." required:"true"`
}

type alterOffsets struct {
	FromConfigMap configMapName `json:"fromConfigMap" doc:"The ConfigMap read from." required:"true"`
}

type configMapName struct {
	Name string `json:"name" doc:"Name of the ConfigMap." required:"true" min:"1" ref:"ConfigMap"`
}

// Check keeps out of the configuration what has a field of its own.
func (s *connectorSpec) Check(report func(path, text string)) {
	for _, own := range [][2]string{{"connector.class", "spec.class"}, {"name", "metadata.name"}, {"tasks.max", "spec.tasksMax"}} {
		if _, ok := s.Config[own[0]]; ok {
			report("config."+own[0], "has a field of its own: "+own[1])
		}
	}
	if s.Pause != nil && s.State != "" {
		report("pause", "stands beside state: write state: paused")
	}
}

// Notes names what only Strimzi does.
func (d *connectorDocument) Notes() []string {
	var notes []string
	if d.Spec.ListOffsets != nil {
		notes = append(notes, "spec.listOffsets: asked for by an annotation of Strimzi's, ignored")
	}
	if d.Spec.AlterOffsets != nil {
		notes = append(notes, "spec.alterOffsets: asked for by an annotation of Strimzi's, ignored")
	}
	return notes
}

func connectorKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: []string{"kafka.strimzi.io/v1", "kafka.strimzi.io/v1beta2", "kafka.strimzi.io/v1beta1"},
		Kind:        "KafkaConnector", Spec: connectorDocument{},
		Doc: "A connector of a Kafka Connect cluster.",
		Example: `apiVersion: kafka.strimzi.io/v1
kind: KafkaConnector
metadata:
  name: orders-to-files
  labels:
    strimzi.io/cluster: connect
spec:
  class: org.apache.kafka.connect.file.FileStreamSinkConnector
  tasksMax: 2
  state: running
  autoRestart:
    enabled: true
    maxRestarts: 10
  config:
    topics: orders
    file: /tmp/orders.txt
`,
	}
}
