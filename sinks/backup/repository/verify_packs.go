package repository

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// use is a pack and who needs which frames of it.
type use struct {
	pack   format.Pack // as the manifests have it, without frames
	frames map[int64][]place
	broken bool // damaged: its frames are not read
	sealed bool // nobody here can decrypt it
}

// place is where a frame belongs.
type place struct {
	track *track
	ref   Ref
}

// uses gathers the packs that tracks reach.
func uses(tracks []*track) map[string]*use {
	all := map[string]*use{}
	for _, t := range tracks {
		for _, ref := range t.refs {
			if ref.Pack.ID == "" {
				continue // gaps only: it stands in a manifest
			}
			u := all[ref.Pack.ID]
			if u == nil {
				u = &use{pack: ref.Pack, frames: map[int64][]place{}}
				all[ref.Pack.ID] = u
			}
			u.frames[ref.Offset] = append(u.frames[ref.Offset], place{t, ref})
		}
	}
	return all
}

// tell calls each with the points that contain some of the frame.
func (p place) tell(each func(*finding)) {
	for _, s := range p.track.of {
		if s.overlaps(extent{start: p.ref.From, end: p.ref.To}) {
			each(s.of)
		}
	}
}

// tell calls each with the points that need the pack.
func (u *use) tell(each func(*finding)) {
	for _, places := range u.frames {
		for _, p := range places {
			p.tell(each)
		}
	}
}

func (u *use) damaged(words string) { u.tell(func(f *finding) { f.damaged(words) }) }

// packStructure checks that every pack stands as the manifests say, without its data.
func (v *verifier) packStructure(ctx context.Context) error {
	have := map[string]stored{}
	for _, o := range v.stock.packs {
		have[o.id] = o
	}
	defer v.sealedPacks()
	return inParallel(ctx, sortedKeys(v.uses), func(ctx context.Context, id string) error {
		u := v.uses[id]
		words, err := v.onePack(ctx, u, have)
		if err != nil {
			return err
		}
		if words != "" {
			u.broken = true
			u.damaged(packName(id) + ": " + words)
		}
		if v.o.Level == Structure {
			v.advance(u.pack.Size)
		}
		return nil
	})
}

// onePack says what is wrong with a pack.
func (v *verifier) onePack(ctx context.Context, u *use, have map[string]stored) (string, error) {
	o, there := have[u.pack.ID]
	switch {
	case !there:
		return "the pack is missing", nil
	case o.size != u.pack.Size:
		return fmt.Sprintf("it has %d bytes, %d were written", o.size, u.pack.Size), nil
	}
	p, err := v.r.index(ctx, format.Pack{ID: u.pack.ID, Size: u.pack.Size, Encrypted: u.pack.Encrypted})
	if errors.Is(err, errSealed) {
		u.sealed = true
		return "", nil
	}
	if err != nil {
		return damage(err)
	}
	if p.Digest != u.pack.Digest {
		return "its index is not the one that the manifest names: the pack was changed or another was put in its place", nil
	}
	return missingFrame(u, p.Frames), nil
}

// sealedPacks tells what was not looked into. Where the identities here open
// none of the packs they are the wrong ones, which says nothing of the points;
// a pack among others that they do open is not ours.
func (v *verifier) sealedPacks() {
	opened := false
	for _, u := range v.uses {
		opened = opened || u.pack.Encrypted && !u.sealed && !u.broken
	}
	for id, u := range v.uses {
		switch {
		case !u.sealed:
		case opened:
			u.broken = true
			u.damaged(packName(id) + ": it is encrypted to somebody else, while others of this repository can be read")
		default:
			u.tell(func(f *finding) {
				f.sealed = true
				f.note("the packs are encrypted, and no age identity here opens them: only that they are present, and their sizes, were checked")
			})
		}
	}
}

// missingFrame says which frame of the manifests the index does not have.
func missingFrame(u *use, frames []format.Frame) string {
	at := map[int64]format.Frame{}
	for _, f := range frames {
		at[f.Offset] = f
	}
	for _, offset := range sortedKeys(u.frames) {
		want, got := u.frames[offset][0].ref.Frame, at[offset]
		want.Gaps, got.Gaps = nil, nil
		want.TakeFrom, want.TakeTo = 0, 0
		if !reflect.DeepEqual(want, got) {
			return fmt.Sprintf("%s is in the manifest, but the pack's index says otherwise", frameName(want))
		}
	}
	return ""
}

// frameName is a frame for people.
func frameName(f format.Frame) string {
	return fmt.Sprintf("%s/%d offsets [%d, %d)", f.Topic, f.Partition, f.First, f.Next)
}

// damage tells what an error says of an object from what it says of the store:
// the one is a finding, the other ends the verification.
func damage(err error) (string, error) {
	if errors.Is(err, ErrDamaged) || errors.Is(err, format.ErrNewer) || gcerrors.Code(err) == gcerrors.NotFound {
		return err.Error(), nil
	}
	return "", err
}
