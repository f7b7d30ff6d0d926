package batch_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

// kafka.log was written and kafka.txt was read by Apache Kafka's own classes
// (testdata/Golden.java): we must read the same.
func TestWeReadWhatKafkaReads(t *testing.T) {
	log, err := os.ReadFile("testdata/kafka.log")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/kafka.txt")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	d := batch.NewDecoder()
	for len(log) > 0 {
		var h batch.Header
		var one []byte
		if h, one, log, err = batch.Next(log); err != nil {
			t.Fatal(err)
		}
		got.WriteString(javaBatch(h))
		if err := d.Records(one, func(r batch.Record) error {
			got.WriteString(javaRecord(r))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func javaBatch(h batch.Header) string {
	s := fmt.Sprintf("batch %d to %d, %s, producer %d/%d/%d, epoch %d, max %d", h.BaseOffset, h.Last(), h.Codec(), h.ProducerID, h.ProducerEpoch, h.BaseSequence, h.LeaderEpoch, h.MaxTimestamp)
	if h.Transactional() {
		s += ", transactional"
	}
	if h.Control() {
		s += ", control"
	}
	if h.DeleteHorizon() {
		s += fmt.Sprintf(", horizon %d", h.FirstTimestamp)
	}
	return s + "\n"
}

func javaRecord(r batch.Record) string {
	value := javaBytes(r.Value)
	if len(r.Value) > 1000 {
		value = fmt.Sprintf("#%d", len(r.Value))
	}
	s := fmt.Sprintf("%d @%d %s=%s", r.Offset, r.Timestamp, javaBytes(r.Key), value)
	for _, h := range r.Headers {
		s += fmt.Sprintf(" %s:%s", h.Key, javaBytes(h.Value))
	}
	return s + "\n"
}

func javaBytes(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("'%x'", b)
}
