package repository

import (
	"context"
	"fmt"
	"math"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

// frameReader reads and checks frames. It is for one goroutine, and holds one
// frame at a time.
type frameReader struct {
	v     *verifier
	check batchCheck
	buf   []byte
}

func (v *verifier) reader() *frameReader {
	return &frameReader{v: v, check: batchCheck{dec: batch.NewDecoder()}}
}

// read calls each with the records of a frame, and says what is wrong with it.
func (f *frameReader) read(ctx context.Context, ref Ref, each func(batch.Record)) (string, error) {
	defer f.v.advance(ref.Length)
	b, err := f.v.r.Frame(ctx, ref, f.buf)
	if err != nil {
		words, err := damage(err)
		if words != "" {
			words = packName(ref.Pack.ID) + ": " + words
		}
		return words, err
	}
	f.buf = b
	if err := f.check.read(ref.Frame, b, each); err != nil {
		return fmt.Sprintf("%s: %s: %s", packName(ref.Pack.ID), frameName(ref.Frame), err), nil
	}
	return "", nil
}

// data reads every record that the points contain, once, and works out the
// record digests.
func (v *verifier) data(ctx context.Context) error {
	return inParallel(ctx, v.tracks.all, func(ctx context.Context, t *track) error {
		read, d := v.reader(), newDigests(t)
		for _, ref := range t.refs {
			if err := v.trackFrame(ctx, read, t, d, ref); err != nil {
				return err
			}
		}
		d.upTo(math.MaxInt64)
		return nil
	})
}

// trackFrame reads one frame of a track. A frame that is damaged is told to the
// points that contain it, and their digest is left out.
func (v *verifier) trackFrame(ctx context.Context, read *frameReader, t *track, d *digests, ref Ref) error {
	if ref.Pack.ID == "" {
		return nil
	}
	u := v.uses[ref.Pack.ID]
	if u.unreadable() {
		d.wrong = append(d.wrong, extent{start: ref.From, end: ref.To})
		v.advance(ref.Length)
		return nil
	}
	var words string
	words, err := read.read(ctx, ref, func(r batch.Record) {
		if r.Offset >= ref.From && r.Offset < ref.To {
			d.add(r)
		}
	})
	if words == "" || err != nil {
		return err
	}
	d.wrong = append(d.wrong, extent{start: ref.From, end: ref.To})
	place{t, ref}.tell(func(f *finding) { f.damaged(words) })
	return nil
}

// unreadable tells packs that were found broken before, and those that cannot
// be decrypted here.
func (u *use) unreadable() bool {
	return u.broken || u.sealed
}

// subset reads the frames of a share of the packs: those that come, by name,
// behind the one that the last subset ended with. So every pack has its turn,
// however many are added or swept in between.
func (v *verifier) subset(ctx context.Context) error {
	chosen := turn(sortedKeys(v.uses), v.last, v.o.Share)
	if len(chosen) == 0 {
		return nil
	}
	v.last = chosen[len(chosen)-1]
	for _, id := range chosen {
		for _, places := range v.uses[id].frames {
			v.total += places[0].ref.Length
		}
	}
	return inParallel(ctx, chosen, func(ctx context.Context, id string) error {
		u, read := v.uses[id], v.reader()
		if u.unreadable() {
			return nil
		}
		for _, offset := range sortedKeys(u.frames) {
			places := u.frames[offset]
			words, err := read.read(ctx, places[0].ref, func(batch.Record) {})
			if err != nil {
				return err
			}
			for _, p := range places {
				if words != "" {
					p.tell(func(f *finding) { f.damaged(words) })
				}
			}
		}
		return nil
	})
}

// turn chooses a share of sorted names, at least one, beginning behind last and
// going round.
func turn(names []string, last string, share float64) []string {
	n := min(len(names), max(1, int(math.Ceil(share*float64(len(names))))))
	first := 0
	for first < len(names) && names[first] <= last {
		first++
	}
	chosen := make([]string, 0, n)
	for i := range n {
		chosen = append(chosen, names[(first+i)%len(names)])
	}
	return chosen
}
