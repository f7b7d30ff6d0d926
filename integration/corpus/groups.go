package corpus

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Committed is where groups are: by group and topic and partition.
type Committed map[string]map[string]map[int32]kadm.Offset

// CommitEverywhere makes groups that have committed at every offset of these
// topics, from one before the log's start to its end: within holes that the
// cleaner left, among aborted records, on markers and behind the last one.
// Offsets beyond an open transaction are among them.
func (w *Writer) CommitEverywhere(topics ...string) {
	w.t.Helper()
	starts, err := w.Admin.ListStartOffsets(w.t.Context(), topics...)
	w.must(err)
	ends, err := w.Admin.ListEndOffsets(w.t.Context(), topics...)
	w.must(err)
	for i, more := int64(-1), true; more; i++ {
		more = false
		offsets := kadm.Offsets{}
		starts.Each(func(o kadm.ListedOffset) {
			end, _ := ends.Lookup(o.Topic, o.Partition)
			at := min(max(o.Offset+i, 0), end.Offset)
			more = more || at < end.Offset
			offsets.Add(kadm.Offset{Topic: o.Topic, Partition: o.Partition, At: at, LeaderEpoch: 0, Metadata: fmt.Sprint("at ", at)})
		})
		group := fmt.Sprintf("%sat-%03d", w.Prefix, i+1)
		got, err := w.Admin.CommitOffsets(w.t.Context(), group, offsets)
		w.must(err)
		w.must(got.Error())
		w.Groups = append(w.Groups, group)
	}
}

// ReadGroups asks for what these groups have committed.
func ReadGroups(t testing.TB, cl *kgo.Client, groups ...string) Committed {
	t.Helper()
	out := Committed{}
	got := kadm.NewClient(cl).FetchManyOffsets(t.Context(), groups...)
	if err := got.Error(); err != nil {
		t.Fatalf("fetch committed offsets: %v", err)
	}
	for _, g := range got {
		topics := map[string]map[int32]kadm.Offset{}
		g.Fetched.Each(func(o kadm.OffsetResponse) {
			if topics[o.Topic] == nil {
				topics[o.Topic] = map[int32]kadm.Offset{}
			}
			topics[o.Topic][o.Partition] = o.Offset
		})
		out[g.Group] = topics
	}
	return out
}

// Next is the index of the record that a consumer at this offset reads next;
// their number, if it has read all.
func Next(records []Record, offset int64) int {
	for i, r := range records {
		if r.Offset >= offset {
			return i
		}
	}
	return len(records)
}
