package yaml

import (
	"strings"
	"testing"

	"github.com/ottla-io/ottla/reconcile"
)

func documents(t *testing.T, text string) ([]reconcile.Document, error) {
	t.Helper()
	nodes, err := Parse([]byte(text), "topics/orders.yaml", 1)
	if err != nil {
		t.Fatal(err)
	}
	return Documents(nodes, "topics/orders.yaml")
}

func TestDocumentsSayWhatAndWhereTheyAre(t *testing.T) {
	docs, err := documents(t, `# orders
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  name: orders
  namespace: kafka
  labels: {strimzi.io/cluster: production}
  annotations:
    ottla.io/drift: report
spec: {partitions: 3}
`)
	if err != nil || len(docs) != 1 {
		t.Fatal(docs, err)
	}
	d := docs[0]
	want := reconcile.Origin{Document: "KafkaTopic orders", File: "topics/orders.yaml", Line: 2}
	if d.Origin != want || d.Type() != "kafka.strimzi.io/v1/KafkaTopic" || d.Namespace != "kafka" || d.Name != "orders" {
		t.Errorf("got %+v", d)
	}
	if d.Labels["strimzi.io/cluster"] != "production" || d.Annotations["ottla.io/drift"] != "report" {
		t.Errorf("labels %v, annotations %v", d.Labels, d.Annotations)
	}
}

func TestDocumentsOpenLists(t *testing.T) {
	docs, err := documents(t, `apiVersion: v1
kind: List
items:
- apiVersion: kafka.strimzi.io/v1
  kind: KafkaTopicList
  items:
  - {apiVersion: kafka.strimzi.io/v1, kind: KafkaTopic, metadata: {name: a}}
- {apiVersion: v1, kind: Secret, metadata: {name: b}}
`)
	if err != nil || len(docs) != 2 || docs[0].Name != "a" || docs[1].Origin.Line != 8 {
		t.Errorf("got %+v, %v", docs, err)
	}
}

func TestDocumentsNameEveryMistake(t *testing.T) {
	_, err := documents(t, `kind: KafkaTopic
metadata: {name: a}
---
apiVersion: v1
kind: Secret
---
- a list
---
apiVersion: v1
kind: Secret
metadata:
  name: 7
  labels:
    strimzi.io/managed: false
`)
	if err == nil {
		t.Fatal("nothing was wrong")
	}
	for _, want := range []string{
		"topics/orders.yaml:1: apiVersion is missing",
		"topics/orders.yaml:4: a Secret document needs metadata with a name",
		"topics/orders.yaml:7: a document must be a mapping",
		"topics/orders.yaml:12: metadata.name must be a string",
		"topics/orders.yaml:14: metadata.labels: strimzi.io/managed must be a string, not a boolean: put the value in quotes",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}
