// Package repository is a backup repository in a bucket: numbered objects of
// which none is ever overwritten, packs, the lease, and points that stand on
// each other. Everything is written only if absent; a point exists when its
// manifest does.
//
// Memory: a pack that is being written holds at most 24 MiB (uploads), a frame
// that is being read its stored and its raw bytes; small objects are cached up
// to 64 MiB, and decoded manifests up to some 200,000 frames and partitions.
package repository

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"filippo.io/age"
	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/store"
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
type Repository struct {
	o     Options
	root  string // namespace/name/cluster/
	cache *cache
	clock clock

	mu        sync.Mutex
	manifests map[int64]*decoded // of immutable objects, bounded by weight
	weight    int
	keys      map[string]*sealedPack // of encrypted packs, bounded
	bad       map[int64]bool         // points that were found not to be good

	unpack  *format.Decompressor
	scratch sync.Pool // of *[]byte: stored bytes of compressed frames
}

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

// Open names a repository; one that nobody has written to is empty. The bucket
// is first reached by what is called next.
func Open(_ context.Context, o Options) (*Repository, error) {
	if o.Bucket == nil {
		return nil, errors.New("open a backup repository: no bucket")
	}
	if o.Identity.Namespace == "" {
		o.Identity.Namespace = "default"
	}
	root, err := rootOf(o.Identity)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Writer == "" {
		o.Writer = "unnamed"
	}
	unpack, err := format.NewDecompressor()
	if err != nil {
		return nil, err
	}
	return &Repository{
		o: o, root: root, cache: newCache(64 << 20), unpack: unpack,
		manifests: map[int64]*decoded{}, keys: map[string]*sealedPack{}, bad: map[int64]bool{},
	}, nil
}

// Identity is whose backups these are.
func (r *Repository) Identity() format.Identity { return r.o.Identity }

// page is what a person finds in the bucket.
const page = `# A backup of Kafka topics

Ottla wrote this: backups of the Kafka cluster %s, made by the KafkaBackup
%s/%s. Nothing in here is ever overwritten. Do not add, change or delete
anything by hand: a point may stand on what older points wrote.

    ottla backup list   --store URL     what points there are
    ottla backup verify --store URL     whether they are whole
    ottla restore       --store URL     give topics back
    ottla backup extract --store URL    plain .log segments or JSON lines

points/ holds one manifest for every point, packs/ the data. How to read them
without Ottla is written in docs/reference/backup-format.md of Ottla's
repository, https://github.com/ottla-io/ottla, and in its releases. Objects
are format %d.
`

const readme = "README.md"

// Begin makes sure that the repository can be written: the first time it probes
// the store and leaves a page that says what this is.
func (r *Repository) Begin(ctx context.Context) error {
	there, err := r.o.Bucket.Exists(ctx, r.root+readme)
	if err != nil {
		return fmt.Errorf("begin a backup: look for %s: %w", readme, err)
	}
	if there {
		return nil
	}
	if err := store.Probe(ctx, r.o.Bucket); err != nil {
		return fmt.Errorf("begin a backup: %w", err)
	}
	i := r.o.Identity
	err = r.put(ctx, readme, "text/markdown", fmt.Appendf(nil, page, i.Cluster, i.Namespace, i.Name, format.Version))
	if err != nil && !errors.Is(err, ErrTaken) {
		return fmt.Errorf("begin a backup: %w", err)
	}
	return nil
}

// Reader reads an object's bytes for whoever exports them.
func (r *Repository) Reader(ctx context.Context, name string) (io.ReadCloser, error) {
	b, err := r.o.Bucket.NewReader(ctx, r.root+name, nil)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
}

// step tells whoever listens that something is about to be written, or was.
func (r *Repository) step(when, name string) {
	if r.o.Step != nil {
		r.o.Step(when + " " + name)
	}
}
