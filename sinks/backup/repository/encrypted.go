package repository

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// age encrypts in chunks of 64 KiB, each 16 bytes longer when encrypted.
const (
	chunk  = 64 << 10
	sealed = chunk + 16
)

// sealedPack is what is kept of an encrypted pack: its beginning and its end,
// which age looks at each time, and the key of the file once an identity opened it.
type sealedPack struct {
	head, tail []byte
	size       int64
	key        []byte
	payload    int64 // where the chunks begin
	plain      int64
}

// errSealed says that we cannot decrypt a pack: nothing about the pack itself.
var errSealed = errors.New("the pack is encrypted")

// sealedKept bounds how many are kept: some 9 MiB.
const sealedKept = 64

// decrypted reads a range of an encrypted pack's plaintext with one request.
func (r *Repository) decrypted(ctx context.Context, p format.Pack, offset, length int64, buf []byte) ([]byte, error) {
	s, err := r.unlock(ctx, p)
	if err != nil {
		return nil, err
	}
	if offset < 0 || length < 0 || offset > s.plain-length {
		return nil, fmt.Errorf("%w: bytes [%d, +%d) of %d", ErrDamaged, offset, length, s.plain)
	}
	from := s.payload + offset/chunk*sealed
	to := min(s.payload+(offset+length+chunk-1)/chunk*sealed, s.size)
	middle, err := r.fetch(ctx, packName(p.ID), from, to-from, to-from, nil)
	if err != nil {
		return nil, err
	}
	at := &pieces{s: s, middle: middle, from: from}
	plain, _, err := age.DecryptReaderAt(at, s.size, age.NewInjectedFileKeyIdentity(s.key))
	if err != nil {
		return nil, fmt.Errorf("%w: decrypt: %w", ErrDamaged, err)
	}
	if int64(cap(buf)) < length {
		buf = make([]byte, length)
	}
	buf = buf[:length]
	if n, err := plain.ReadAt(buf, offset); err != nil && (!errors.Is(err, io.EOF) || int64(n) < length) {
		return nil, fmt.Errorf("%w: decrypt: %w", ErrDamaged, err)
	}
	return buf, nil
}

func (r *Repository) plainSize(ctx context.Context, p format.Pack) (int64, error) {
	if !p.Encrypted {
		return p.Size, nil
	}
	s, err := r.unlock(ctx, p)
	if err != nil {
		return 0, fmt.Errorf("pack %s: %w", p.ID, err)
	}
	return s.plain, nil
}

// unlock finds the key of an encrypted pack.
func (r *Repository) unlock(ctx context.Context, p format.Pack) (*sealedPack, error) {
	r.mu.Lock()
	s := r.keys[p.ID]
	r.mu.Unlock()
	if s != nil && s.size == p.Size {
		return s, nil
	}
	if len(r.o.Identities) == 0 {
		return nil, fmt.Errorf("%w, and no age identity is given", errSealed)
	}
	s = &sealedPack{size: p.Size}
	var err error
	// A header is some 100 to 200 bytes a recipient.
	if s.head, err = r.fetch(ctx, packName(p.ID), 0, min(sealed, p.Size), sealed, nil); err != nil {
		return nil, err
	}
	tail := min(sealed, p.Size)
	if s.tail, err = r.fetch(ctx, packName(p.ID), p.Size-tail, tail, sealed, nil); err != nil {
		return nil, err
	}
	if err := s.open(r.o.Identities); err != nil {
		return nil, err
	}
	r.remember(p.ID, s)
	return s, nil
}

func (r *Repository) remember(id string, s *sealedPack) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for old := range r.keys {
		if len(r.keys) < sealedKept {
			break
		}
		delete(r.keys, old)
	}
	r.keys[id] = s
}

// open finds the key of the file and where its chunks begin.
func (s *sealedPack) open(identities []age.Identity) error {
	header, err := age.ExtractHeader(bytes.NewReader(s.head))
	if err != nil {
		return fmt.Errorf("%w: it does not begin like an age file: %w", ErrDamaged, err)
	}
	if s.key, err = age.DecryptHeader(header, identities...); err != nil {
		var none *age.NoIdentityMatchError
		if errors.As(err, &none) {
			return fmt.Errorf("%w to others: no age identity that is given opens it", errSealed)
		}
		return fmt.Errorf("%w: decrypt its header: %w", ErrDamaged, err)
	}
	const nonce = 16
	s.payload = int64(len(header)) + nonce
	_, s.plain, err = age.DecryptReaderAt(&pieces{s: s}, s.size, age.NewInjectedFileKeyIdentity(s.key))
	if err != nil {
		return fmt.Errorf("%w: decrypt its end: %w", ErrDamaged, err)
	}
	return nil
}

// pieces is the parts of an encrypted pack that are at hand, as if it were all.
type pieces struct {
	s      *sealedPack
	middle []byte
	from   int64
}

// ReadAt implements io.ReaderAt.
func (p *pieces) ReadAt(b []byte, off int64) (int, error) {
	for _, piece := range []struct {
		bytes []byte
		from  int64
	}{{p.middle, p.from}, {p.s.head, 0}, {p.s.tail, p.s.size - int64(len(p.s.tail))}} {
		if off < piece.from || off >= piece.from+int64(len(piece.bytes)) {
			continue
		}
		n := copy(b, piece.bytes[off-piece.from:])
		if n < len(b) && off+int64(n) < p.s.size {
			more, err := p.ReadAt(b[n:], off+int64(n))
			return n + more, err
		}
		if n < len(b) {
			return n, io.EOF
		}
		return n, nil
	}
	return 0, io.EOF
}
