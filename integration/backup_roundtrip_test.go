package integration

import (
	"testing"

	"filippo.io/age"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/integration/storetest"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

// trip is one way to keep and give back, on one kind of store.
type trip struct {
	store     string
	encrypted bool
	capture   func(*capture.Options)
	restore   func(*restore.Options)
}

func trips() []trip {
	return []trip{
		{store: "file", restore: func(o *restore.Options) { o.Prove = true }},
		{store: "s3", encrypted: true, capture: func(o *capture.Options) { o.Codec = "lz4" }},
		{store: "gcs", capture: func(o *capture.Options) { o.Mode, o.Codec = capture.Repack, "zstd" }},
		{store: "azure", capture: func(o *capture.Options) { o.Codec, o.PackSize = "zstd", 1<<20 }},
	}
}

func TestBackupComesBackRecordByRecordFromEveryStore(t *testing.T) {
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	c := corpus.Write(t, k, pre)
	w := corpus.NewWriter(t, k, pre)
	w.CommitEverywhere(gapped(c)...)
	for _, trip := range trips() {
		t.Run(trip.store, func(t *testing.T) {
			v := newVault(t, k, bucket(t, storetest.Kinds()[trip.store](t), "proof"), pre)
			if trip.encrypted {
				v.encrypt()
			}
			want := v.look(pre, c.Topics, w.Groups)
			v.backUp(func(o *capture.Options) { change(o, trip.capture) })
			v.reopen() // nothing comes back from memory
			v.sound()
			to := kafkatest.Prefix(t) + "back-"
			v.giveBack("all", to, func(o *restore.Options) { change(o, trip.restore) })
			v.same(want, c.Topics, w.Groups, to)
			v.configured(c.Topics, to)
		})
	}
}

func change[O any](o *O, with func(*O)) {
	if with != nil {
		with(o)
	}
}

// gapped are the topics in which offsets are not records.
func gapped(c *corpus.Corpus) []string {
	var out []string
	for _, name := range []string{
		"transactions", "open-transaction", "compacted", "tombstones-kept", "tombstones-gone", "compacted-transactions", "emptied", "deleted-records",
	} {
		out = append(out, c.Prefix+name)
	}
	return out
}

// encrypt lets packs be read by the holder of an identity only.
func (v *vault) encrypt() {
	v.t.Helper()
	one, err := age.GenerateX25519Identity()
	if err != nil {
		v.t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		v.t.Fatal(err)
	}
	v.open.Recipients = []age.Recipient{other.Recipient(), one.Recipient()}
	v.open.Identities = []age.Identity{one}
	v.reopen()
}

func TestBackupOfEachPointHoldsWhatWasThereThen(t *testing.T) {
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	v := newVault(t, k, bucket(t, storetest.File(t), "proof"), pre)
	w := corpus.NewWriter(t, k, pre)
	a, b := w.Topic("a", 3), w.Topic("b", 1)
	topics := []string{a, b}
	var points []contents
	for i := range 4 {
		for p := range int32(3) {
			w.Produce(a, p, corpus.Batch{Codec: i, Records: corpus.Records(20*i+1, uint64(i))})
		}
		w.Produce(b, 0, corpus.Batch{Records: corpus.Records(5, uint64(i))})
		points = append(points, v.look(pre, topics, nil))
		if r := v.backUp(); r.Point.Number != int64(i+1) {
			t.Fatalf("point %d, want %d", r.Point.Number, i+1)
		}
	}
	v.reopen()
	v.sound()
	for i, want := range points {
		to := kafkatest.Prefix(t) + "back-"
		v.giveBack("point", to, func(o *restore.Options) { o.Name, o.Point = to, int64(i+1) })
		v.same(want, topics, nil, to)
	}
}
