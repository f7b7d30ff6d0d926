package format

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// The kinds of sealed objects. A series of another room may have its own.
const (
	KindManifest     = "manifest"
	KindPolicy       = "policy"
	KindLease        = "lease"
	KindRemoval      = "removal"
	KindVerification = "verification"
	KindMove         = "move"
	KindRestore      = "restore"
)

// MaxSealed is how large a sealed object may be when it is not compressed. It
// is some three million frames in one complete manifest.
const MaxSealed = 1 << 30

// ErrNewer says that a newer Ottla wrote this.
var ErrNewer = errors.New("written by a newer Ottla: upgrade this one to read it")

// head is the first line of a sealed object. ID is random: two objects of equal
// content differ, so whoever wrote one can tell it from another writer's.
type head struct {
	Ottla   string `json:"ottla"`
	Kind    string `json:"kind"`
	Version int    `json:"version"`
	ID      string `json:"id"`
}

// foot is the third line.
type foot struct {
	Key       string `json:"key,omitempty"`
	Signature string `json:"signature"`
}

const (
	what     = "backup"
	unsigned = "unsigned"
)

// Seal makes the bytes of a numbered object: a line that says what it is, a
// line of JSON, and a line with the ed25519 signature of the two, where there is
// a key. Manifests and moves are zstd-compressed. No two calls give the same bytes.
func Seal(kind string, value any, key ed25519.PrivateKey) ([]byte, error) {
	id := make([]byte, 8)
	rand.Read(id) // never fails: crypto/rand
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(head{what, kind, Version, hex.EncodeToString(id)}); err != nil {
		return nil, fmt.Errorf("seal a %s: %w", kind, err)
	}
	if err := enc.Encode(value); err != nil {
		return nil, fmt.Errorf("seal a %s: %w", kind, err)
	}
	if err := enc.Encode(sign(b.Bytes(), key)); err != nil {
		return nil, fmt.Errorf("seal a %s: %w", kind, err)
	}
	if b.Len() > MaxSealed {
		return nil, fmt.Errorf("seal a %s: %d bytes are more than the %d that one object may have", kind, b.Len(), MaxSealed)
	}
	if kind != KindManifest && kind != KindMove {
		return b.Bytes(), nil
	}
	return deflate(b.Bytes())
}

func sign(lines []byte, key ed25519.PrivateKey) foot {
	if len(key) != ed25519.PrivateKeySize {
		return foot{Signature: unsigned}
	}
	return foot{
		Key:       base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)),
		Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(key, lines)),
	}
}

// Open reads what Seal made into value, and returns who signed it, nil if
// nobody did. A wrong kind, a newer version, an unknown field, bytes behind the
// end and a signature that does not fit are errors.
func Open(b []byte, kind string, value any) (ed25519.PublicKey, error) {
	b, err := plain(b)
	if err != nil {
		return nil, fmt.Errorf("open a %s: %w", kind, err)
	}
	body, signer, err := unseal(b, kind)
	if err != nil {
		return nil, fmt.Errorf("open a %s: %w", kind, err)
	}
	if err := strict(body, value); err != nil {
		return nil, fmt.Errorf("open a %s: %w", kind, err)
	}
	return signer, nil
}

// plain decompresses what is compressed.
func plain(b []byte) ([]byte, error) {
	if !bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
		return b, nil
	}
	return inflate(b, MaxSealed)
}

// unseal takes the three lines apart and checks the first and the last.
func unseal(b []byte, kind string) (body []byte, signer ed25519.PublicKey, err error) {
	lines := bytes.SplitAfter(b, []byte("\n"))
	if len(lines) != 4 || len(lines[3]) != 0 {
		return nil, nil, errors.New("it is not three lines: it was cut off, or is no object of Ottla's")
	}
	if err := checkHead(lines[0], kind); err != nil {
		return nil, nil, err
	}
	var f foot
	if err := strict(lines[2], &f); err != nil {
		return nil, nil, fmt.Errorf("its signature line: %w", err)
	}
	signer, err = f.verify(b[:len(lines[0])+len(lines[1])])
	return lines[1], signer, err
}

func checkHead(line []byte, kind string) error {
	// The version comes first: a newer head may have more fields.
	var h head
	if err := json.Unmarshal(line, &h); err != nil || h.Ottla != what {
		return errors.New(`its first line is not {"ottla":"backup",…}: it is no object of Ottla's, or damaged`)
	}
	if h.Version > Version {
		return fmt.Errorf("format %d: %w", h.Version, ErrNewer)
	}
	if h.Version < 1 {
		return fmt.Errorf("there is no format %d", h.Version)
	}
	if err := strict(line, &h); err != nil {
		return fmt.Errorf("its first line: %w", err)
	}
	if h.Kind != kind {
		return fmt.Errorf("it is a %q", h.Kind)
	}
	return nil
}

// verify returns the signer, nil where the object says that it has none.
func (f foot) verify(lines []byte) (ed25519.PublicKey, error) {
	if f.Key == "" && f.Signature == unsigned {
		return nil, nil
	}
	key, err := base64.StdEncoding.DecodeString(f.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, errors.New("its signature names no ed25519 key")
	}
	signature, err := base64.StdEncoding.DecodeString(f.Signature)
	if err != nil || !ed25519.Verify(key, lines, signature) {
		return nil, errors.New("its signature does not fit: it was changed after it was written")
	}
	return key, nil
}

// strict decodes exactly one JSON value of known fields.
func strict(b []byte, value any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(value); err != nil {
		return fmt.Errorf("read its JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there are bytes behind its JSON")
	}
	return nil
}

func deflate(b []byte) ([]byte, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return z.EncodeAll(b, nil), nil
}

// inflate decompresses at most limit bytes.
func inflate(b []byte, limit int64) ([]byte, error) {
	z, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	defer z.Close()
	return readUpTo(z, nil, limit)
}
