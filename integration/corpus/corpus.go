// Package corpus fills topics of a real Kafka with everything a record can be
// and a log can hold, and reads topics back with a client that shares no code
// with our backups. What is read from a source and from a restored copy of it
// must be the same.
package corpus

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/integration/kafkatest"
)

// Case is a reason why a backup might lose something: one topic or a few.
type Case struct {
	Name string
	Make func(w *Writer)
}

// Cases are all of them.
func Cases() []Case {
	return []Case{
		{"codecs", codecs},
		{"java-snappy", javaSnappy},
		{"nulls", nulls},
		{"headers", headers},
		{"times", times},
		{"big", big},
		{"log-append", logAppend},
		{"transactions", transactions},
		{"open-transaction", openTransaction},
		{"compacted", compacted},
		{"tombstones", tombstones},
		{"compacted-transactions", compactedTransactions},
		{"emptied", emptied},
		{"empty", empty},
		{"deleted-records", deletedRecords},
		{"recreated", recreated},
	}
}

// Corpus is what was written.
type Corpus struct {
	Prefix string
	Topics []string
	Groups []string
}

// Write writes these cases, or all, into topics that begin with prefix.
func Write(t testing.TB, k *kafkatest.Cluster, prefix string, cases ...string) *Corpus {
	t.Helper()
	w := NewWriter(t, k, prefix)
	wanted := map[string]bool{}
	for _, name := range cases {
		wanted[name] = true
	}
	for _, c := range Cases() {
		if len(wanted) == 0 || wanted[c.Name] {
			w.name = c.Name
			c.Make(w)
			delete(wanted, c.Name)
		}
	}
	if len(cases) > 0 && len(wanted) > 0 {
		t.Fatalf("no such cases: %v", wanted)
	}
	w.settle()
	return &w.Corpus
}

// Writer writes topics. It is for one goroutine.
type Writer struct {
	Corpus
	Client   *kgo.Client
	Admin    *kadm.Client
	Replicas int16 // of topics that are made; 1 in a new writer

	t       testing.TB
	cluster *kafkatest.Cluster
	name    string // of the case
	pending []func() error
}

// NewWriter returns a writer whose topics begin with prefix.
func NewWriter(t testing.TB, k *kafkatest.Cluster, prefix string) *Writer {
	t.Helper()
	cl := k.Client(t, kgo.MetadataMinAge(10*time.Millisecond))
	return &Writer{Corpus: Corpus{Prefix: prefix}, Client: cl, Admin: kadm.NewClient(cl), Replicas: 1, t: t, cluster: k}
}

// Topic makes a topic of the case and waits until it can be written to. Its
// retention keeps records of any age.
func (w *Writer) Topic(suffix string, partitions int, config ...string) string {
	w.t.Helper()
	name := w.Prefix + w.name + suffix
	keys := map[string]*string{"retention.ms": text("-1")}
	for i := 0; i < len(config); i += 2 {
		keys[config[i]] = &config[i+1]
	}
	_, err := w.Admin.CreateTopic(w.t.Context(), int32(partitions), w.Replicas, keys, name)
	w.must(err)
	w.led(name, partitions)
	w.Topics = append(w.Topics, name)
	return name
}

// led waits until every partition has a leader.
func (w *Writer) led(topic string, partitions int) {
	w.t.Helper()
	kafkatest.Eventually(w.t, func() error {
		req := kmsg.NewPtrListOffsetsRequest()
		req.ReplicaID = -1
		one := kmsg.NewListOffsetsRequestTopic()
		one.Topic = topic
		for i := range partitions {
			p := kmsg.NewListOffsetsRequestTopicPartition()
			p.Partition, p.Timestamp = int32(i), -1
			one.Partitions = append(one.Partitions, p)
		}
		req.Topics = append(req.Topics, one)
		for _, shard := range w.Client.RequestSharded(w.t.Context(), req) {
			if err := offsetsError(shard); err != nil {
				return err
			}
		}
		return nil
	})
}

// later is asked until it has no error, after all cases have been written: what
// the log cleaner takes its time for is waited for together.
func (w *Writer) later(ask func() error) { w.pending = append(w.pending, ask) }

func (w *Writer) settle() {
	w.t.Helper()
	for _, ask := range w.pending {
		kafkatest.Eventually(w.t, ask)
	}
}

func (w *Writer) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v", w.name, err)
	}
}

func text(s string) *string { return &s }
