package repository

import (
	"context"
	"errors"
	"fmt"

	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Frame reads the batches of a frame: fetched, decrypted, sum checked,
// decompressed as a unit. buf may be reused. Batches are whole: the first and
// the last may reach over From and To.
func (r *Repository) Frame(ctx context.Context, ref Ref, buf []byte) ([]byte, error) {
	b, err := r.frame(ctx, ref, buf)
	if gcerrors.Code(err) == gcerrors.NotFound {
		err = fmt.Errorf("%w: the pack is missing: %w", ErrDamaged, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s/%d at offset %d from pack %s: %w", ref.Topic, ref.Partition, ref.First, ref.Pack.ID, err)
	}
	return b, nil
}

func (r *Repository) frame(ctx context.Context, ref Ref, buf []byte) ([]byte, error) {
	if ref.Length == 0 {
		return buf[:0], nil
	}
	if err := ref.Check(ref.Pack.Size); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if ref.Codec == format.Plain {
		b, err := r.stored(ctx, ref, buf)
		return b, damaged(err)
	}
	scratch, _ := r.scratch.Get().(*[]byte)
	if scratch == nil {
		scratch = new([]byte)
	}
	defer r.scratch.Put(scratch)
	stored, err := r.stored(ctx, ref, *scratch)
	if err != nil {
		return nil, damaged(err)
	}
	*scratch = stored
	b, err := r.unpack.Frame(buf, stored, ref.Codec, ref.Raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return b, nil
}

// stored reads a frame's stored bytes and checks their sum. A sum that does not
// fit is looked at once more: the bytes may have changed on the way.
func (r *Repository) stored(ctx context.Context, ref Ref, buf []byte) ([]byte, error) {
	var b []byte
	for range 2 {
		var err error
		if b, err = r.section(ctx, ref.Pack, ref.Offset, ref.Length, buf); err != nil {
			return nil, err
		}
		if format.Sum(b) == ref.Sum {
			return b, nil
		}
	}
	return nil, errSum
}

// damaged marks what says that the bytes are not as they were written.
func damaged(err error) error {
	if errors.Is(err, errSum) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

var errSum = errors.New("its bytes do not have the checksum of the manifest")

// section reads length bytes at offset of a pack's plaintext.
func (r *Repository) section(ctx context.Context, p format.Pack, offset, length int64, buf []byte) ([]byte, error) {
	if !p.Encrypted {
		return r.fetch(ctx, packName(p.ID), offset, length, length, buf)
	}
	return r.decrypted(ctx, p, offset, length, buf)
}

// index reads the index of a pack of p.Size bytes, of which p.ID, p.Size and
// p.Encrypted are known, and fills in digest and frames, with their gaps.
func (r *Repository) index(ctx context.Context, p format.Pack) (format.Pack, error) {
	size, err := r.plainSize(ctx, p)
	if err != nil {
		return p, err
	}
	if size < format.TrailerSize {
		return p, fmt.Errorf("pack %s: %w: %d bytes are no pack", p.ID, ErrDamaged, size)
	}
	end, err := r.section(ctx, p, size-format.TrailerSize, format.TrailerSize, nil)
	if err != nil {
		return p, fmt.Errorf("pack %s: %w", p.ID, err)
	}
	trailer, err := format.ReadTrailer(end, size)
	if err != nil {
		return p, fmt.Errorf("pack %s: %w: %w", p.ID, ErrDamaged, err)
	}
	b, err := r.section(ctx, p, trailer.Offset, trailer.Length, nil)
	if err != nil {
		return p, fmt.Errorf("pack %s: %w", p.ID, err)
	}
	if p.Frames, err = format.ReadIndex(b, trailer); err != nil {
		return p, fmt.Errorf("pack %s: %w: %w", p.ID, ErrDamaged, err)
	}
	p.Digest = trailer.Digest
	return p, nil
}
