// Package repository is a backup repository in a bucket: numbered objects of
// which none is ever overwritten, packs, the lease, and points that stand on
// each other. Everything is written only if absent; a point exists when its
// manifest does.
package repository

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"time"

	"filippo.io/age"
	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Options are what a repository is opened with.
type Options struct {
	Bucket     *blob.Bucket // of the store; Open takes PREFIX/namespace/name/cluster of it
	Identity   format.Identity
	Key        ed25519.PrivateKey  // signs what is written; nil leaves it unsigned
	Trusted    []ed25519.PublicKey // who may have signed what is read; none trusts anybody, and Signer is shown
	Recipients []age.Recipient     // packs are encrypted to them; none leaves packs plain
	Identities []age.Identity      // read encrypted packs
	Writer     string              // who we are: host/pid/random
	Now        func() time.Time
	// Step is called by name before and after every write. It may be nil.
	Step func(string)
}

// Repository is one backup repository. It is safe for concurrent use.
type Repository struct{ _ int }

var (
	// ErrNoPoint says that there is no such point, or none at all.
	ErrNoPoint = errors.New("no such point")
	// ErrTaken says that another writer committed that number first.
	ErrTaken = errors.New("another writer was first")
	// ErrLease says that the lease is not ours, or no more.
	ErrLease = errors.New("the lease is not ours")
	// ErrDamaged is behind every error that says the repository is not as it was written.
	ErrDamaged = errors.New("the backup repository is damaged")
)

// Open reads what there is; a repository that nobody has written to is empty.
func Open(ctx context.Context, o Options) (*Repository, error) { panic("unbuilt") }

// Find lists the repositories in a bucket.
func Find(ctx context.Context, b *blob.Bucket) ([]format.Identity, error) { panic("unbuilt") }

// Identity is whose backups these are.
func (r *Repository) Identity() format.Identity { panic("unbuilt") }

// Begin makes sure that the repository can be written: the first time it probes
// the store and leaves a page that says what this is.
func (r *Repository) Begin(ctx context.Context) error { panic("unbuilt") }

// Series is a run of numbered objects of one kind below one name: policies,
// leases, removals, verifications, restores/NAME, snapshots/NAME, evidence/NAME.
type Series struct{ _ int }

// Series returns the series of that name. kind is what Seal writes.
func (r *Repository) Series(name, kind string) *Series { panic("unbuilt") }

// Append writes value under the next number, only if absent; ErrTaken if
// another writer was first: read Newest again and decide anew.
func (s *Series) Append(ctx context.Context, value any) (number int64, err error) { panic("unbuilt") }

// Put writes value under that number, only if absent; ErrTaken if it is there.
func (s *Series) Put(ctx context.Context, number int64, value any) error { panic("unbuilt") }

// Newest reads the highest number into value; 0 if there is none.
func (s *Series) Newest(ctx context.Context, value any) (number int64, err error) { panic("unbuilt") }

// Each calls each with every number in order and a function that reads it.
func (s *Series) Each(ctx context.Context, each func(number int64, written time.Time, read func(value any) error) error) error {
	panic("unbuilt")
}

// Lease is the right to write to a repository. It renews itself until released.
type Lease struct{ _ int }

// Acquire takes the lease, or returns a *HeldError that says who has it until when.
func (r *Repository) Acquire(ctx context.Context, ttl time.Duration) (*Lease, error) {
	panic("unbuilt")
}

// HeldError says that another writer has the lease.
type HeldError struct {
	Holder string
	Until  time.Time
}

// Error says who and until when.
func (e *HeldError) Error() string { panic("unbuilt") }

// Context ends when the lease is lost or released.
func (l *Lease) Context() context.Context { panic("unbuilt") }

// Release gives the lease back.
func (l *Lease) Release(ctx context.Context) error { panic("unbuilt") }

// Entry is one point in a listing.
type Entry struct {
	Manifest format.Manifest // what is in its own object: Parts are only what was new
	Written  time.Time       // by the store's clock
	Removed  string          // why a tombstone dropped it; "" if none did
	Verified []format.Verification
	Size     int64  // bytes of the packs that were new
	Bad      string // why it is no good point: a verify failed, a pack is missing; "" if it is good
	Signer   ed25519.PublicKey
}

// Points lists all points, oldest first, dropped ones too. A manifest that
// cannot be read is an error: it is never left out.
func (r *Repository) Points(ctx context.Context) ([]Entry, error) { panic("unbuilt") }

// Point is a point with everything it stands on.
type Point struct {
	format.Manifest
	Written time.Time
	refs    map[partition][]Ref
}

type partition struct {
	topic     string
	partition int32
}

// Ref is what a point takes of a frame: the offsets [From, To) of it.
type Ref struct {
	format.Frame
	Pack format.Pack // without Frames
	From int64
	To   int64
}

// Point reads point number n and what it stands on. A dropped point can be read
// until it is swept.
func (r *Repository) Point(ctx context.Context, n int64) (*Point, error) { panic("unbuilt") }

// Newest reads the newest good point, or ErrNoPoint.
func (r *Repository) Newest(ctx context.Context) (*Point, error) { panic("unbuilt") }

// Refs are the frames of a partition in offset order. They cover [Start, End)
// without hole or overlap.
func (p *Point) Refs(topic string, partition int32) []Ref { panic("unbuilt") }

// Frame reads the batches of a frame: fetched, decrypted, sum checked,
// decompressed as a unit. buf may be reused. Batches are whole: the first and
// the last may reach over From and To.
func (r *Repository) Frame(ctx context.Context, ref Ref, buf []byte) ([]byte, error) {
	panic("unbuilt")
}

// PackWriter streams one pack into the bucket while frames are added. It is for
// one goroutine.
type PackWriter struct{ _ int }

// NewPack begins a pack. Nothing appears in the bucket before Close.
func (r *Repository) NewPack(ctx context.Context) (*PackWriter, error) { panic("unbuilt") }

// Add writes the stored bytes of a frame, which f describes; Offset, Length and
// Sum are filled in. It blocks while the bucket is slower than we are.
func (w *PackWriter) Add(f format.Frame, stored []byte) error { panic("unbuilt") }

// Size is the bytes so far.
func (w *PackWriter) Size() int64 { panic("unbuilt") }

// Close writes the index and waits until the object stands.
func (w *PackWriter) Close() (format.Pack, error) { panic("unbuilt") }

// Abort leaves nothing behind.
func (w *PackWriter) Abort() { panic("unbuilt") }

// Commit writes the manifest, numbered after the newest; the parent must still
// be the newest, the lease ours, the run younger than half the sweep grace, and
// every pack present. It fills in Version, Number, Backup and Writer.
func (r *Repository) Commit(ctx context.Context, l *Lease, m format.Manifest) (*Point, error) {
	panic("unbuilt")
}

// Reader reads an object's bytes for whoever exports them.
func (r *Repository) Reader(ctx context.Context, name string) (io.ReadCloser, error) {
	panic("unbuilt")
}
