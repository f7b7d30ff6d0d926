package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// local is a conversation with a repository on this machine. It reads its
// object store itself, so that file:// needs no git program.
type local struct {
	dir string // the one that holds refs and packed-refs
	sto storer.Storer
}

func dialLocal(path string) (conn, error) {
	repo, err := gogit.PlainOpenWithOptions(path, &gogit.PlainOpenOptions{EnableDotGitCommonDir: true})
	if errors.Is(err, gogit.ErrRepositoryNotExists) {
		return nil, transport.ErrRepositoryNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	}
	sto, ok := repo.Storer.(*filesystem.Storage)
	if !ok {
		return nil, fmt.Errorf("open the repository: storage is a %T", repo.Storer)
	}
	return &local{dir: commonDir(sto.Filesystem().Root()), sto: sto}, nil
}

func (l *local) Close() error { return nil }

func (l *local) list(context.Context) (advert, error) {
	refs, err := readRefs(l.dir)
	if err != nil {
		return advert{}, fmt.Errorf("list refs: %w", err)
	}
	if len(refs) == 0 {
		return advert{}, transport.ErrEmptyRemoteRepository
	}
	return advert{refs: refs, anyHash: true}, nil
}

// fetch packs what the other side lacks: commits down to the depth or to what
// it has, and of their trees all that its newest commits do not hold already.
func (l *local) fetch(ctx context.Context, q request) (transfer, error) {
	c := collector{ctx: ctx, sto: l.sto, seen: map[plumbing.Hash]bool{}}
	for _, h := range q.haves {
		c.know(h)
	}
	known := len(c.order)
	t, err := c.commits(q)
	if err != nil {
		return transfer{}, err
	}
	objects := slices.Clone(c.order[known:])
	r, w := io.Pipe()
	go func() {
		_, err := packfile.NewEncoder(w, l.sto, false).Encode(objects, 0)
		_ = w.CloseWithError(err)
	}()
	t.pack = r
	return t, nil
}

// collector gathers objects, each once.
type collector struct {
	ctx   context.Context
	sto   storer.EncodedObjectStorer
	seen  map[plumbing.Hash]bool
	order []plumbing.Hash
}

func (c *collector) add(h plumbing.Hash) (isNew bool) {
	if c.seen[h] {
		return false
	}
	c.seen[h] = true
	c.order = append(c.order, h)
	return true
}

// know marks a commit the other side has, and its tree. One that is gone here
// teaches nothing.
func (c *collector) know(h plumbing.Hash) {
	if commit, err := object.GetCommit(c.sto, h); err == nil {
		_ = c.tree(commit.TreeHash)
		c.add(h)
	}
}

func (c *collector) tree(h plumbing.Hash) error {
	if !c.add(h) {
		return nil
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	t, err := object.GetTree(c.sto, h)
	if err != nil {
		return fmt.Errorf("tree %s: %w", h, err)
	}
	for _, e := range t.Entries {
		switch e.Mode {
		case filemode.Submodule:
		case filemode.Dir:
			err = c.tree(e.Hash)
		default:
			c.add(e.Hash)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// commits walks level by level, so that the depth is the shortest way from a
// want.
func (c *collector) commits(q request) (transfer, error) {
	var t transfer
	level, visited := []plumbing.Hash{}, map[plumbing.Hash]bool{}
	for _, h := range q.wants {
		at, err := c.peel(h)
		if err != nil {
			return t, err
		}
		if c.sto.HasEncodedObject(at) != nil {
			return t, fmt.Errorf("commit %s: %w", at, ErrRefNotFound)
		}
		level = append(level, at)
	}
	for depth := 1; len(level) > 0; depth++ {
		var next []plumbing.Hash
		for _, h := range level {
			// what the other side has ends a plain fetch, not one that deepens
			if visited[h] || q.depth == 0 && slices.Contains(q.haves, h) {
				continue
			}
			visited[h] = true
			parents, err := c.commit(h)
			if err != nil {
				return t, err
			}
			switch atEnd := depth == q.depth && len(parents) > 0; {
			case atEnd:
				t.cut = append(t.cut, h)
			case slices.Contains(q.boundary, h):
				t.complete = append(t.complete, h)
			}
			if depth != q.depth {
				next = append(next, parents...)
			}
		}
		level = next
	}
	return t, nil
}

func (c *collector) commit(h plumbing.Hash) ([]plumbing.Hash, error) {
	commit, err := object.GetCommit(c.sto, h)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", h, err)
	}
	c.add(h)
	return commit.ParentHashes, c.tree(commit.TreeHash)
}

// peel goes through annotated tags, which are sent too.
func (c *collector) peel(h plumbing.Hash) (plumbing.Hash, error) {
	for {
		tag, err := object.GetTag(c.sto, h)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return h, nil
		}
		if err != nil {
			return h, fmt.Errorf("tag %s: %w", h, err)
		}
		c.add(h)
		h = tag.Target
	}
}
