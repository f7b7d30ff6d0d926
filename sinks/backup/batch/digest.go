package batch

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

// Digest is a record digest: SHA-256 over timestamp, key, value and headers of
// records in order, each length-prefixed, null told from empty. It does not
// depend on offsets, batching or codec. A record goes in as: timestamp (8
// bytes), key, value, number of headers (4), and of each header key and value;
// bytes after their length (4), null as length -1; numbers big-endian. It is
// for one goroutine.
type Digest struct {
	sum     hash.Hash
	pending []byte
	records int64
}

// pendingMost is how much is gathered before it is summed: short writes cost more.
const pendingMost = 32 << 10

// NewDigest returns the digest of no records.
func NewDigest() *Digest { return &Digest{sum: sha256.New()} }

// Add goes on with one record.
func (d *Digest) Add(r Record) {
	d.records++
	d.pending = appendInt64(d.pending, r.Timestamp)
	d.field(r.Key)
	d.field(r.Value)
	d.pending = appendLen(d.pending, len(r.Headers))
	for _, h := range r.Headers {
		d.bytes(h.Key)
		d.field(h.Value)
	}
	if len(d.pending) >= pendingMost {
		d.flush()
	}
}

func (d *Digest) field(b []byte) {
	if b == nil {
		d.pending = appendLen(d.pending, -1)
		return
	}
	d.bytes(b)
}

func (d *Digest) bytes(b []byte) {
	d.pending = appendLen(d.pending, len(b))
	if len(b) < pendingMost {
		d.pending = append(d.pending, b...)
		return
	}
	d.flush()
	d.sum.Write(b)
}

func (d *Digest) flush() {
	d.sum.Write(d.pending)
	d.pending = d.pending[:0]
}

// Sum is the digest so far, in hex, and of how many records.
func (d *Digest) Sum() (digest string, records int64) {
	d.flush()
	return hex.EncodeToString(d.sum.Sum(nil)), d.records
}
