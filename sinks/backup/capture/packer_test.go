package capture

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// packing is a packer that is fed by hand.
func packing(ctx context.Context, w *world, topics ...*topic) (*packer, *errgroup.Group) {
	w.Helper()
	o, err := w.options("*").complete()
	if err != nil {
		w.Fatal(err)
	}
	o.PackSize = 1 << 10
	if err := w.repo.Begin(ctx); err != nil {
		w.Fatal(err)
	}
	group, ctx := errgroup.WithContext(ctx)
	return newPacker(ctx, group, &run{session: &session{Options: o}, topics: topics}), group
}

// large is a topic that will fill many packs.
func large(name string) *topic {
	t := &topic{Topic: format.Topic{Name: name, ID: "id"}}
	t.left.Store(1 << 20)
	return t
}

// frame is one of a batch, and where the next one begins.
func frame(t *testing.T, of *topic, at int64) parcel {
	b := lay{base: at, records: 1, value: 100}.bytes(t)
	return parcel{stored: b, after: func() {}, stretch: &stretch{topic: of, bytes: b, Frame: format.Frame{
		Topic: of.Name, TopicID: of.ID, First: at, Next: at + 1, Batches: 1, Records: 1, Raw: int64(len(b)), Sum: format.Sum(b),
	}}}
}

func TestATopicFindsAPackWhileOthersKeepTheirsOpen(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	topics := []*topic{large("a"), large("b"), large("c")}
	p, group := packing(ctx, w, topics...)
	put := func(of *topic, at int64) {
		t.Helper()
		if err := p.put(ctx, frame(t, of, at)); err != nil {
			t.Fatalf("frame %d of %s: %v", at, of.Name, err)
		}
		if len(p.open) > lanesAtOnce {
			t.Fatalf("%d lanes are open", len(p.open))
		}
	}
	for at := range int64(3) { // a and b open all they may, and send no more
		put(topics[0], at)
		put(topics[1], at)
	}
	for at := range int64(100) {
		put(topics[2], at)
	}
	p.finish()
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	frames := 0
	for _, pack := range p.packs {
		frames += len(pack.Frames)
	}
	if frames != 106 {
		t.Errorf("%d frames in %d packs", frames, len(p.packs))
	}
}

func TestALotOfBigTopicsAndSmallPacksComeToAnEnd(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	w := newWorld(t)
	for _, topic := range []string{"a", "b", "c"} {
		w.create(topic, 4)
		for p := range int32(4) {
			for i := range 5 {
				w.produce(topic, p, big(100*i, 100)...)
			}
		}
	}
	for _, size := range []int64{4 << 10, 64 << 10, 300 << 10} {
		t.Run(fmt.Sprintf("packs of %d KiB", size>>10), func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			o := w.options("*")
			o.Repository, o.PackSize, o.Memory = w.anew(), size, smallestMemory
			report, err := Run(ctx, o)
			if err != nil || report.Records != 3*4*500 {
				t.Errorf("%d records: %v", report.Records, err)
			}
		})
	}
}
