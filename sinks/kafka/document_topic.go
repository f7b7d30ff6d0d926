package kafka

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type topicDocument struct {
	strict.Header
	Spec topicSpec `json:"spec" doc:"The topic." required:"true"`
}

type topicSpec struct {
	TopicName  string                   `json:"topicName" doc:"Name of the topic in Kafka; without it the document's name."`
	Partitions *int32                   `json:"partitions" doc:"Number of partitions; without it the broker's default, not compared. Partitions only grow." min:"1"`
	Replicas   *int16                   `json:"replicas" doc:"Replication factor; without it the broker's default, not compared." min:"1" max:"32767"`
	Config     map[string]strict.Scalar `json:"config" doc:"Topic configuration. Numbers, booleans and strings mean the same; null leaves the key alone."`
}

func topicKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: strimziVersions(), Kind: "KafkaTopic", CarriedOut: true, Spec: topicDocument{},
		Doc: "A topic: its partitions, replication and configuration.",
		Example: `apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  name: orders
  labels:
    strimzi.io/cluster: production
spec:
  partitions: 12
  replicas: 3
  config:
    retention.ms: 604800000
    cleanup.policy: delete
    min.insync.replicas: 2
`,
	}
}

// topicDecoder turns a KafkaTopic into a Topic.
type topicDecoder struct{}

func (topicDecoder) Reads() []string { return topicKind().Types() }

func (topicDecoder) Decode(doc reconcile.Document, _ reconcile.Refs) (reconcile.Decoded, error) {
	var d topicDocument
	if err := strict.Document(doc, &d); err != nil {
		return reconcile.Decoded{}, err
	}
	report := strict.NewReport(doc)
	name, path := d.Spec.TopicName, "spec.topicName"
	if name == "" {
		name, path = d.Metadata.Name, "metadata.name"
	}
	if words := refusedTopicName(name); words != "" {
		report.Add(path, "%s", words)
	}
	refuseIgnored(doc, report, topicField, []string{fieldPartitions, fieldReplicas, configPrefix + "KEY"})
	topic := declare(doc, KindTopic, name, "")
	topic.sizes(d.Spec)
	notes := topic.config(d.Spec.Config, report)
	if err := report.Err(); err != nil {
		return reconcile.Decoded{}, err
	}
	return reconcile.Decoded{Resources: []reconcile.Resource{topic.Resource}, Notes: notes}, nil
}

func (d *declared) sizes(spec topicSpec) {
	if spec.Partitions != nil {
		value := reconcile.TextOf(strconv.Itoa(int(*spec.Partitions)))
		d.set(fieldPartitions, value, strict.LineOf(d.doc.Body, "spec.partitions"))
	}
	if spec.Replicas != nil {
		value := reconcile.TextOf(strconv.Itoa(int(*spec.Replicas)))
		d.set(fieldReplicas, value, strict.LineOf(d.doc.Body, "spec.replicas"))
	}
}

// config declares the configuration. A key that Apache Kafka does not know is
// left for the broker to judge, because other makes have keys of their own.
func (d *declared) config(config map[string]strict.Scalar, report *strict.Report) (notes []string) {
	for _, name := range strict.Keys(config) {
		given, path := config[name], "spec.config."+name
		if given.IsNull() {
			d.set(configPrefix+name, reconcile.UnmanagedValue(), given.Line)
			continue
		}
		key, known := LookupConfig(name)
		value := given.Canonical()
		switch {
		case !known:
			notes = append(notes, path+": not a topic configuration of Apache Kafka 4.3"+nearestConfig(name))
		case key.Moving:
			notes = append(notes, path+": belongs to a running reassignment and is left to it")
			continue
		case key.Until != "":
			notes = append(notes, fmt.Sprintf("%s: Kafka knows it only before version %s", path, key.Until))
			fallthrough
		default:
			value = key.Canonical(value)
			if words := key.Check(value); words != "" {
				report.Add(path, "%s", words)
			}
		}
		d.set(configPrefix+name, reconcile.TextOf(value), given.Line)
	}
	return notes
}

func nearestConfig(name string) string {
	names := make([]string, len(knownConfigKeys))
	for i, key := range knownConfigKeys {
		names[i] = key.Name
	}
	return strict.DidYouMean(name, names)
}

// maxTopicName is Kafka's limit: the name and a partition make a directory.
const maxTopicName = 249

// refusedTopicName says in words why a topic cannot be called so.
func refusedTopicName(name string) string {
	for _, r := range name {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", r) {
			return fmt.Sprintf("%q is no topic name: Kafka takes letters, digits, dots, dashes and underscores, not %q", name, r)
		}
	}
	switch {
	case name == "." || name == "..":
		return fmt.Sprintf("%q is no topic name: Kafka keeps it for itself", name)
	case len(name) > maxTopicName:
		return fmt.Sprintf("is %d characters long: Kafka takes %d at most", len(name), maxTopicName)
	case strings.HasPrefix(name, "__"):
		return fmt.Sprintf("%q begins with two underscores: such topics are internal to Kafka and its tools, and never touched", name)
	}
	return ""
}
