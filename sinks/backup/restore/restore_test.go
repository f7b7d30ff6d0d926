package restore

import (
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// orders is a topic of every codec and kind of batch.
func orders() topic {
	compacted := piece{codec: batch.LZ4, records: []batch.Record{rec(70, 1700, "a", "1"), rec(73, 1600, "b", "2"), rec(79, 1800, "c", "3")}}
	appended := dense(batch.Zstd, 100, 7)
	appended.append = true
	return topic{Topic: format.Topic{Name: "orders"}, logs: []log{
		{{dense(batch.None, 10, 20), dense(batch.Gzip, 30, 20)}, {dense(batch.Snappy, 50, 1), compacted}, {appended, dense(batch.LZ4, 110, 30)}},
		{{dense(batch.Zstd, 0, 50)}},
		nil,
	}}
}

func TestARestoreGivesBackEveryRecord(t *testing.T) {
	w := newWorld(t)
	src := orders()
	w.point(nil, src)
	o := w.options("all")
	o.Prove = true
	r := w.run(o)
	for p, l := range src.logs {
		w.same("orders", int32(p), want(l))
	}
	if len(r.Proof) != 3 || len(r.Unequal) != 0 || r.Restored != 131 || r.RawBytes == 0 || r.Encoded == 0 {
		t.Errorf("the report is %+v", r)
	}
}
