package repository

import (
	"context"
	"errors"
	"fmt"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// rewriteSize is where a new pack is closed.
const rewriteSize = 64 << 20

// rewriteAll copies what is live out of packs that are mostly dead, several of
// them into one new pack. What is in the new one is not deleted in the old: the
// next sweep does that, a grace after the move.
func (s *sweeper) rewriteAll(ctx context.Context, packs []*live) error {
	for len(packs) > 0 {
		n, size := 1, packs[0].bytes()
		for n < len(packs) && size+packs[n].bytes() <= rewriteSize {
			size += packs[n].bytes()
			n++
		}
		if err := s.rewrite(ctx, packs[:n]); err != nil {
			return err
		}
		packs = packs[n:]
	}
	return nil
}

// rewrite makes one pack of several.
func (s *sweeper) rewrite(ctx context.Context, packs []*live) error {
	if s.dry {
		for _, l := range packs {
			s.swept.Moved += l.bytes()
		}
		return nil
	}
	if err := s.hold(ctx); err != nil {
		return err
	}
	w, err := s.r.NewPack(ctx)
	if err != nil {
		return err
	}
	defer w.Abort()
	var made []format.Move
	frames := int64(0)
	for _, l := range packs {
		m, err := s.copyLive(ctx, w, l, &frames)
		if err != nil {
			return err
		}
		if m != nil {
			made = append(made, *m)
		}
	}
	if len(made) == 0 {
		return nil
	}
	to, err := w.Close()
	if err != nil {
		return err
	}
	return s.record(ctx, made, to)
}

// record writes the moves; from then on readers go to the new pack.
func (s *sweeper) record(ctx context.Context, made []format.Move, to format.Pack) error {
	if err := s.l.check(ctx, s.r); err != nil {
		return err
	}
	for _, m := range made {
		m.To = to
		if err := s.r.append(ctx, moves, format.KindMove, m); err != nil {
			return err
		}
		for _, i := range m.At {
			s.swept.Moved += to.Frames[i].Length
		}
	}
	return nil
}

// copyLive adds the live frames of a pack to another. A pack that cannot be read
// is left as it is, nil without an error: what can be read of it stays readable.
// Frames of it that were copied before are then dead weight, and no move names them.
func (s *sweeper) copyLive(ctx context.Context, w *PackWriter, l *live, frames *int64) (*format.Move, error) {
	index, err := s.r.index(ctx, format.Pack{ID: l.pack.ID, Size: l.pack.Size, Encrypted: l.pack.Encrypted})
	if err != nil {
		return nil, s.unmoved(l, err)
	}
	m := &format.Move{From: l.pack.ID, At: map[int64]int64{}}
	var buf []byte
	for _, f := range index.Frames {
		if _, ok := l.frames[f.Offset]; !ok {
			continue
		}
		if buf, err = s.r.stored(ctx, Ref{Frame: f, Pack: l.pack}, buf); err != nil {
			return nil, s.unmoved(l, damaged(err))
		}
		if err := w.Add(f, buf); err != nil {
			return nil, err
		}
		m.At[f.Offset] = *frames
		*frames++
	}
	if len(m.At) != len(l.frames) {
		return nil, s.unmoved(l, fmt.Errorf("%w: its index lacks frames that a manifest names", ErrDamaged))
	}
	return m, nil
}

// unmoved notes a pack that stays, or returns what is wrong with the store.
func (s *sweeper) unmoved(l *live, err error) error {
	words, err := damage(err)
	if errors.Is(err, errSealed) {
		words, err = "it is mostly dead, but encrypted, and no age identity here opens it", nil
	}
	if err == nil {
		s.swept.Deferred = append(s.swept.Deferred, fmt.Sprintf("%s is not rewritten: %s", packName(l.pack.ID), words))
	}
	return err
}
