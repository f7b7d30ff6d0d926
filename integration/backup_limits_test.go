//go:build linux

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/integration/storetest"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/restore"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

func TestBackupOntoAFullDiskFailsAndTheNextOneSucceeds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("ottla-test", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	b, err := store.Open(t.Context(), store.Options{URL: "file://" + dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	v := newVault(t, k, b, pre)
	w := corpus.NewWriter(t, k, pre)
	small := w.Topic("small", 1)
	w.Produce(small, 0, corpus.Batch{Records: corpus.Records(10, 1)})
	was := v.look(pre, []string{small}, nil)
	v.backUp()
	rows := filled(w, "rows", 2)
	want := v.look(pre, []string{small, rows}, nil)

	if _, err = capture.Run(t.Context(), v.capture()); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("a run onto a full disk: %v", err)
	}
	v.reopen()
	v.sound() // what was promised before
	if err := syscall.Mount("ottla-test", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	v.reopen()
	v.backUp()
	v.sound()
	for point, want := range map[int64]contents{1: was, 2: want} {
		to := kafkatest.Prefix(t)
		v.giveBack(to, to, func(o *restore.Options) { o.Point = point })
		v.same(want, []string{small, rows}[:point], nil, to)
	}
}

func TestBackupOfFiveThousandPartitionsWithOneRecordEach(t *testing.T) {
	const topics, partitions = 50, 100
	k := kafkatest.Start(t, kafkatest.Options{})
	v := newVault(t, k, bucket(t, storetest.File(t), "proof"), "many-")
	var names []string
	for i := range topics {
		names = append(names, fmt.Sprintf("many-%02d", i))
	}
	w := world{t: t, admin: corpus.NewWriter(t, k, "many-").Admin}
	_, err := w.admin.CreateTopics(t.Context(), partitions, 1, nil, names...)
	w.must(err)
	cl := k.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.UnknownTopicRetries(-1))
	for i, name := range names {
		for p := range partitions {
			cl.Produce(t.Context(), &kgo.Record{Topic: name, Partition: int32(p), Value: fmt.Append(nil, i, p)}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	w.must(cl.Flush(t.Context()))
	r := v.backUp()
	if r.Records != topics*partitions || r.Objects > 8 {
		t.Errorf("%d records in %d objects, want %d in a few", r.Records, r.Objects, topics*partitions)
	}
	v.sound()
	if r := v.backUp(); r.Records != 0 || r.Stored != 0 {
		t.Errorf("a run without news copied %d records and stored %d bytes", r.Records, r.Stored)
	}
	fifth := names[:topics/5]
	want := v.look("many-", fifth, nil)
	v.giveBack("fifth", "back-", func(o *restore.Options) { o.Topics, o.Groups = []string{"many-0*"}, nil })
	v.same(want, fifth, nil, "back-")
}
