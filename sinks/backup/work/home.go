package work

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

// home is an open backup repository, and what it takes to use it.
type home struct {
	*repository.Repository
	at     string // store and identity, for telling whether it is still the same
	with   means
	sealed bool // packs are encrypted, and nothing here can read them

	swept, verified daily                            // by this process
	stays           atomic.Pointer[repository.Swept] // what the last sweep left where it is
}

// daily is work that looks at a whole repository, however little is new in it:
// once a day is often enough. It is safe for concurrent use.
type daily struct {
	mu sync.Mutex
	at time.Time // when it was last done
}

func (d *daily) due(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return now.Sub(d.at) >= 24*time.Hour
}

func (d *daily) done(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = now
}

// storeOf finds where a document's backups are: the configured store, with the
// document's secrets where it brought some.
func (s *Service) storeOf(spec backup.Spec, m means) (Store, error) {
	p, err := backup.PlaceOf(spec)
	if err != nil {
		return Store{}, err
	}
	plain := make([]backup.Store, len(s.o.Stores))
	for i, one := range s.o.Stores {
		plain[i] = one.Store
	}
	found, at, words := backup.FindStore(plain, p, s.o.StateDir)
	if words != "" {
		return Store{}, errors.New(words)
	}
	out := Store{Store: found, Options: store.Options{}}
	if i := slices.IndexFunc(s.o.Stores, func(one Store) bool { return one.Name == found.Name }); i >= 0 {
		out = s.o.Stores[i]
	}
	out.Options.URL = at
	out.Options = m.over(out.Options)
	return out, nil
}

// over puts the credentials that a document brought in place of configured ones.
func (m means) over(o store.Options) store.Options {
	switch {
	case m.secret("s3.accessKeyID") != nil:
		o.S3 = &store.S3{AccessKeyID: m.secret("s3.accessKeyID"), SecretAccessKey: m.secret("s3.secretAccessKey")}
	case m.secret("gcs.serviceAccount") != nil:
		o.GCS = &store.GCS{ServiceAccountJSON: m.secret("gcs.serviceAccount")}
	case m.secret("azure.accountKey") != nil:
		o.Azure = &store.Azure{AccountKey: m.secret("azure.accountKey")}
	case m.secret("azure.sasToken") != nil:
		o.Azure = &store.Azure{SASToken: m.secret("azure.sasToken")}
	case m.secret("azure.clientID") != nil:
		o.Azure = &store.Azure{
			ClientID: m.secret("azure.clientID"), TenantID: m.secret("azure.tenantID"), ClientSecret: m.secret("azure.clientSecret"),
		}
	}
	return o
}

// open opens a repository in a store. It is kept open under its key until
// something else is to be reached there.
func (s *Service) open(ctx context.Context, key string, st Store, id format.Identity, m means) (*home, error) {
	at := strings.Join([]string{st.Options.URL, id.Namespace, id.Name, id.Cluster}, "#")
	if known := s.homes.get(key); known != nil && known.at == at && known.with.same(m) {
		return known, nil
	}
	bucket, err := s.bucket(ctx, key, st)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", st.Name, err)
	}
	repo, err := repository.Open(ctx, repository.Options{
		Bucket: bucket, Identity: id, Key: s.o.Key, Trusted: s.o.Trusted, Writer: s.o.Writer, Now: s.o.Now, Step: s.o.Step,
		Recipients: st.Recipients, Identities: st.Identities,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the backup repository in store %s: %w", st.Name, err), bucket.Close())
	}
	h := &home{Repository: repo, at: at, with: m, sealed: st.sealed()}
	s.homes.put(key, h, bucket)
	return h, nil
}

func (s *Service) bucket(ctx context.Context, key string, st Store) (*blob.Bucket, error) {
	if key == ownHome && s.o.Shelf != nil {
		return shelved(s.o.Shelf), nil
	}
	return s.engine.store(ctx, st.Options)
}

// ownHome is the key of the repository of jobs that have no backup.
const ownHome = "own"

// homes are the open repositories by what uses them.
type homes struct {
	mu   sync.Mutex
	open map[string]*home
	all  []*blob.Bucket // closed at the end: somebody may still read one that was replaced
}

func (h *homes) get(key string) *home {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open[key]
}

func (h *homes) put(key string, one *home, bucket *blob.Bucket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open[key], h.all = one, append(h.all, bucket)
}

func (h *homes) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.all {
		_ = b.Close()
	}
	h.open, h.all = map[string]*home{}, nil
}

// homeOf opens the repository that a KafkaBackup of that name writes to.
func (s *Service) homeOf(ctx context.Context, id reconcile.ID, spec backup.Spec, m means) (*home, error) {
	st, err := s.storeOf(spec, m)
	if err != nil {
		return nil, err
	}
	source, err := s.sourceID(ctx, spec, m)
	if err != nil {
		return nil, err
	}
	namespace, name := nameOf(id)
	return s.open(ctx, id.String(), st, format.Identity{Namespace: namespace, Name: name, Cluster: source}, m)
}

// nameOf is the document's namespace and name: the last two parts of an id.
func nameOf(id reconcile.ID) (namespace, name string) {
	parts := strings.Split(id.Name, "/")
	return parts[len(parts)-2], parts[len(parts)-1]
}

// errNoBackup says that no backup is meant by what a document refers to.
var errNoBackup = errors.New("there is no such backup")

// homeRef opens the repository that a backupRef means: of the KafkaBackup of
// that name, or in the storage that the reference says. Where several source
// clusters have one it must say which.
func (s *Service) homeRef(ctx context.Context, id reconcile.ID, spec backup.Spec, m means) (*home, error) {
	where, with := spec, m
	b, declared := s.declaredBackup(spec[backup.FieldBackup])
	if spec[backup.FieldStorage] == "" {
		if !declared {
			return nil, fmt.Errorf("%w: no KafkaBackup %s is declared; give backupRef.storage", errNoBackup, spec[backup.FieldBackup])
		}
		where, with = b.spec, b.means
	}
	st, err := s.storeOf(where, with)
	if err != nil {
		return nil, err
	}
	ref, err := s.identify(ctx, st, spec)
	if errors.Is(err, errNoBackup) && declared {
		// It has not run yet: what it will be called is known.
		ref.Namespace, ref.Name, _ = strings.Cut(spec[backup.FieldBackup], "/")
		ref.Cluster, err = s.sourceID(ctx, b.spec, b.means)
	}
	if err != nil {
		return nil, err
	}
	return s.open(ctx, id.String(), st, ref, with)
}

// identify finds the one repository of a name in a store.
func (s *Service) identify(ctx context.Context, st Store, spec backup.Spec) (format.Identity, error) {
	namespace, name, _ := strings.Cut(spec[backup.FieldBackup], "/")
	if spec[backup.FieldSource] != "" {
		return format.Identity{Namespace: namespace, Name: name, Cluster: spec[backup.FieldSource]}, nil
	}
	bucket, err := s.engine.store(ctx, st.Options)
	if err != nil {
		return format.Identity{}, fmt.Errorf("open store %s: %w", st.Name, err)
	}
	defer func() { _ = bucket.Close() }()
	all, err := repository.Find(ctx, bucket)
	if err != nil {
		return format.Identity{}, fmt.Errorf("list the backups in store %s: %w", st.Name, err)
	}
	var found []format.Identity
	var clusters []string
	for _, one := range all {
		if one.Namespace == namespace && one.Name == name {
			found, clusters = append(found, one), append(clusters, one.Cluster)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return format.Identity{}, fmt.Errorf("%w: store %s holds none of the name %s/%s", errNoBackup, st.Name, namespace, name)
	default:
		return format.Identity{}, fmt.Errorf("%s/%s in store %s is a backup of the clusters %s: say which with the annotation %s",
			namespace, name, st.Name, strings.Join(clusters, " and "), reconcile.SourceClusterMark)
	}
}

// own opens the repository of jobs that belong to no backup: a directory below
// the state directory, or a shelf.
func (s *Service) own(ctx context.Context) (*home, error) {
	st := Store{Store: backup.Store{Name: "state directory"}}
	st.Options.URL = (&url.URL{Scheme: "file", Path: path.Join(s.o.StateDir, "jobs"), RawQuery: "create_dir=true"}).String()
	return s.open(ctx, ownHome, st, format.Identity{Namespace: FinalNamespace, Name: "jobs", Cluster: s.o.Cluster}, nil)
}
