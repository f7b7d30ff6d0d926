package git

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// store is one kept bare clone on disk. Reading is serialised, go-git's
// storage is not safe for concurrent use; a transfer writes beside the readers
// and is joined in when it is complete.
type store struct {
	dir     string
	damaged atomic.Bool // something that must be there could not be read
	gone    atomic.Bool // a newer clone took over

	mu  sync.Mutex
	sto *filesystem.Storage
}

const (
	completeFile = "ottla-complete" // written after the first whole transfer
	tipPrefix    = "refs/ottla/"    // tips of followed refs, the commits that are surely whole
	objectCache  = 16 * cache.MiByte
)

func openStore(dir string) *store {
	return &store{dir: dir, sto: storageAt(dir, true)}
}

// storageAt opens the files. To read, it remembers what is there, which saves
// two system calls an object; a new pack is seen by opening it again.
func storageAt(dir string, read bool) *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(dir, osfs.WithBoundOS()),
		cache.NewObjectLRU(objectCache), filesystem.Options{KeepDescriptors: read, ExclusiveAccess: read})
}

// createStore makes an empty clone. Until markComplete it is nothing that a
// next start would keep.
func createStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := openStore(dir)
	if err := s.sto.Init(); err != nil {
		return nil, fmt.Errorf("create the clone: %w", err)
	}
	return s, s.sto.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, "refs/heads/main"))
}

func (s *store) markComplete() error {
	return os.WriteFile(filepath.Join(s.dir, completeFile), nil, 0o600)
}

func (s *store) isComplete() bool {
	_, err := os.Stat(filepath.Join(s.dir, completeFile))
	return err == nil
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sto.Close()
}

// addPack stores a pack whole or not at all.
func (s *store) addPack(pack io.Reader) error {
	writer := storageAt(s.dir, false)
	err := packfile.UpdateObjectStorage(writer, pack)
	if err != nil && !errors.Is(err, packfile.ErrEmptyPackfile) {
		s.sweep()
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.sto
	s.sto = storageAt(s.dir, true)
	return old.Close()
}

// sweep removes what go-git leaves of a transfer that broke off.
func (s *store) sweep() {
	left, _ := filepath.Glob(filepath.Join(s.dir, "objects", "pack", "tmp_pack_*"))
	for _, f := range left {
		_ = os.Remove(f)
	}
}

// packCount is how many packs the clone has collected.
func (s *store) packCount() int {
	found, _ := filepath.Glob(filepath.Join(s.dir, "objects", "pack", "*.pack"))
	return len(found)
}

// boundary is where our history ends although the remote's goes on.
func (s *store) boundary() ([]plumbing.Hash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sto.Shallow()
}

func (s *store) moveBoundary(cut, complete []plumbing.Hash) error {
	if len(cut) == 0 && len(complete) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := s.sto.Shallow()
	if err != nil {
		return fmt.Errorf("read the boundary: %w", err)
	}
	for _, h := range cut {
		if !slices.Contains(now, h) {
			now = append(now, h)
		}
	}
	now = slices.DeleteFunc(now, func(h plumbing.Hash) bool { return slices.Contains(complete, h) })
	return s.sto.SetShallow(now)
}

// tip is where a followed ref was last; zero if it never was.
func (s *store) tip(name string) plumbing.Hash {
	s.mu.Lock()
	defer s.mu.Unlock()
	ref, err := s.sto.Reference(plumbing.ReferenceName(tipPrefix + name))
	if err != nil {
		return plumbing.ZeroHash
	}
	return ref.Hash()
}

func (s *store) setTip(name string, h plumbing.Hash) error {
	if s.tip(name) == h {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sto.SetReference(plumbing.NewHashReference(plumbing.ReferenceName(tipPrefix+name), h))
}

func (s *store) tips() ([]plumbing.Hash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refs, err := s.sto.IterReferences()
	if err != nil {
		return nil, err
	}
	var out []plumbing.Hash
	err = refs.ForEach(func(r *plumbing.Reference) error {
		if r.Type() == plumbing.HashReference {
			out = append(out, r.Hash())
		}
		return nil
	})
	return out, err
}

// commit reads a commit, or the one an annotated tag points to.
func (s *store) commit(h plumbing.Hash) (*object.Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range 10 { // a tag of a tag of a tag
		tag, err := object.GetTag(s.sto, h)
		if err != nil {
			break
		}
		h = tag.Target
	}
	return object.GetCommit(s.sto, h)
}

func (s *store) tree(h plumbing.Hash) (*object.Tree, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := object.GetTree(s.sto, h)
	return t, s.noted(err)
}

func (s *store) size(h plumbing.Hash) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.sto.EncodedObjectSize(h)
	return n, s.noted(err)
}

func (s *store) blob(h plumbing.Hash) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := readBlob(s.sto, h)
	return b, s.noted(err)
}

// noted remembers that the clone is damaged, so that the next fetch makes a
// new one.
func (s *store) noted(err error) error {
	if err != nil && s.gone.Load() {
		return fmt.Errorf("the snapshot is too old, its clone was replaced: %w", err)
	}
	if err != nil {
		s.damaged.Store(true)
		return fmt.Errorf("the kept clone is damaged, the next fetch makes a new one: %w", err)
	}
	return nil
}

func readBlob(sto interface {
	EncodedObject(plumbing.ObjectType, plumbing.Hash) (plumbing.EncodedObject, error)
}, h plumbing.Hash) ([]byte, error) {
	o, err := sto.EncodedObject(plumbing.BlobObject, h)
	if err != nil {
		return nil, err
	}
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

// whole looks every object of a commit up, without reading files.
func (s *store) whole(h plumbing.Hash) (*object.Commit, error) {
	c, err := s.commit(h)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return c, s.wholeTree(c.TreeHash, map[plumbing.Hash]bool{})
}

func (s *store) wholeTree(h plumbing.Hash, seen map[plumbing.Hash]bool) error {
	if seen[h] {
		return nil
	}
	seen[h] = true
	t, err := object.GetTree(s.sto, h)
	if err != nil {
		return fmt.Errorf("tree %s: %w", h, err)
	}
	for _, e := range t.Entries {
		switch e.Mode {
		case filemode.Dir:
			err = s.wholeTree(e.Hash, seen)
		case filemode.Submodule:
		default:
			_, err = s.sto.EncodedObjectSize(e.Hash) // HasEncodedObject sees no packs with ExclusiveAccess
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return nil
}
