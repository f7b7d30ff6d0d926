// Package sources is what is declared: where the newest revision of a
// repository comes from and how it is rendered to documents. The rooms below
// it meet Git, SOPS and kustomize; nothing here writes to a cluster.
package sources

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

// Snapshot is one revision of a repository as a read-only tree.
type Snapshot struct {
	Revision string // a commit hash, or a digest of a plain directory
	Ref      string // what was followed: "branch main", "tag v1.2.3", "directory"
	Author   string // name <address>; never a secret
	Subject  string // first line of the message
	Time     time.Time
	Tree     fs.FS
}

// Source gives the newest revision of one ref of one repository.
// Implementations are safe for concurrent use.
type Source interface {
	// Fetch asks the remote for what is new. A failed read is an error, never an
	// older or an empty snapshot.
	Fetch(context.Context) (Snapshot, error)
	// Descends tells whether older is newer itself or one of its ancestors. It
	// may have to fetch history to know.
	Descends(ctx context.Context, newer, older string) (bool, error)
}

// Rendered is a tree turned into documents.
type Rendered struct {
	Documents []reconcile.Document
	Plaintext []PlainSecret
	Notes     []string // for people: "large: rendered by stock kustomize, 4,000 documents"
}

// PlainSecret is a Secret of which values stand unencrypted in Git.
type PlainSecret struct {
	Name   string
	Origin reconcile.Origin
	Keys   []string
}

// Renderer turns a directory of a tree into documents, in a stable order.
// Errors name file and, where known, line, and never hold decrypted data.
type Renderer interface {
	Render(ctx context.Context, tree fs.FS, dir string) (Rendered, error)
}

// RetryAfterError is an error of a remote that said when to come back.
type RetryAfterError struct {
	After time.Duration
	Err   error
}

// Error names the pause the remote asked for.
func (e *RetryAfterError) Error() string {
	return fmt.Sprintf("%v (the server asks to wait %s)", e.Err, e.After)
}

// Unwrap returns the error behind it.
func (e *RetryAfterError) Unwrap() error { return e.Err }

// HintError is an error with a sentence on what to do about it.
type HintError struct {
	Err  error
	Hint string
}

// Error is the error's own text; the hint is a field for whoever prints it.
func (e *HintError) Error() string { return e.Err.Error() }

// Unwrap returns the error behind it.
func (e *HintError) Unwrap() error { return e.Err }
