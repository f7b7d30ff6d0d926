package format

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// A pack is packMagic, the stored bytes of frames one after another, the index,
// and the trailer. With recipients all of it is one age file.
const (
	packMagic    = "ottlapk1"
	trailerMagic = "1kpaltto"
)

// TrailerSize is how many bytes the trailer has, and so how many at the end of
// a pack to read first.
const TrailerSize = 8 + 8 + sha256.Size + 4 + 8

// MaxIndex is how large the index of a pack may be when it is not compressed.
const MaxIndex = 256 << 20

// Trailer is the end of a pack: where its index stands.
type Trailer struct {
	Offset int64  // of the index
	Length int64  // of the index, compressed
	Digest string // hex SHA-256 of the index as it is stored
}

// PackHead is what a pack begins with.
func PackHead() []byte { return []byte(packMagic) }

// AppendIndex appends index and trailer of a pack to dst. offset is where the
// index will stand: behind the last frame. digest is Pack.Digest.
func AppendIndex(dst []byte, offset int64, frames []Frame) (out []byte, digest string, err error) {
	b, err := json.Marshal(frames)
	if err != nil {
		return nil, "", fmt.Errorf("write the index of a pack: %w", err)
	}
	if len(b) > MaxIndex {
		return nil, "", fmt.Errorf("write the index of a pack: %d bytes are more than the %d it may have", len(b), MaxIndex)
	}
	if b, err = deflate(b); err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(b)
	dst = append(dst, b...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(max(0, offset)))
	dst = binary.BigEndian.AppendUint64(dst, uint64(len(b)))
	dst = append(dst, sum[:]...)
	dst = binary.BigEndian.AppendUint32(dst, Version)
	dst = append(dst, trailerMagic...)
	return dst, hex.EncodeToString(sum[:]), nil
}

// ReadTrailer reads the last TrailerSize bytes of a pack of size bytes (of its
// plaintext, where it is encrypted).
func ReadTrailer(b []byte, size int64) (Trailer, error) {
	if len(b) != TrailerSize || string(b[TrailerSize-8:]) != trailerMagic {
		return Trailer{}, errors.New("it does not end like a pack: it was cut off, or is no pack")
	}
	if v := binary.BigEndian.Uint32(b[48:]); v > Version {
		return Trailer{}, fmt.Errorf("pack format %d: %w", v, ErrNewer)
	} else if v < 1 {
		return Trailer{}, fmt.Errorf("there is no pack format %d", v)
	}
	offset, length := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	room := uint64(max(0, size-TrailerSize))
	if offset < uint64(len(packMagic)) || length > MaxIndex || offset > room || length != room-offset {
		return Trailer{}, fmt.Errorf("its index is said to be %d bytes at %d of %d", length, offset, size)
	}
	return Trailer{Offset: size - TrailerSize - int64(length), Length: int64(length), Digest: hex.EncodeToString(b[16:48])}, nil
}

// ReadIndex reads the index that t points to, checks its digest, and that every
// frame can stand where it says.
func ReadIndex(b []byte, t Trailer) ([]Frame, error) {
	if Sum(b) != t.Digest {
		return nil, errors.New("the index of the pack does not have the checksum that its end names")
	}
	b, err := inflate(b, MaxIndex)
	if err != nil {
		return nil, fmt.Errorf("read the index of a pack: %w", err)
	}
	var frames []Frame
	if err := strict(b, &frames); err != nil {
		return nil, fmt.Errorf("read the index of a pack: %w", err)
	}
	for _, f := range frames {
		if err := f.Check(t.Offset); err != nil {
			return nil, fmt.Errorf("read the index of a pack: %w", err)
		}
	}
	return frames, nil
}
