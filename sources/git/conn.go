package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// conn is one conversation with a remote: its refs once, then at most one
// transfer.
type conn interface {
	list(context.Context) (advert, error)
	fetch(context.Context, request) (transfer, error)
	Close() error
}

// advert is what a remote says it has.
type advert struct {
	refs    map[string]plumbing.Hash // by full name
	anyHash bool                     // a commit may be asked for that no ref points to
}

// request asks for objects. The boundary says where our own history ends, so
// that the remote never takes a commit below it for one we have: after a force
// push to an older commit it would send nothing.
type request struct {
	wants, haves, boundary []plumbing.Hash
	depth                  int // commits from the wants; 0: all that is new
}

// transfer is a pack on its way, and how the boundary changes once it is
// stored.
type transfer struct {
	pack          io.ReadCloser
	cut, complete []plumbing.Hash
}

// everything is the depth by which Git asks for the whole history.
const everything = 0x7fffffff

// dial opens a conversation by the URL's scheme.
func (r *Repository) dial(ctx context.Context, received *atomic.Int64) (conn, error) {
	switch r.addr.scheme {
	case "file":
		return dialLocal(r.addr.path)
	case "ssh":
		return r.dialSSH(ctx, received)
	}
	return r.dialHTTP(received)
}

// wire is a conversation in Git's own protocol, version 0, over HTTP or SSH.
type wire struct {
	session transport.UploadPackSession
	caps    *capability.List
	close   func() error
}

func (w *wire) list(ctx context.Context) (advert, error) {
	got, err := w.session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return advert{}, err
	}
	w.caps = got.Capabilities
	a := advert{refs: got.References}
	for _, c := range []capability.Capability{"allow-reachable-sha1-in-want", "allow-any-sha1-in-want"} {
		a.anyHash = a.anyHash || w.caps.Supports(c)
	}
	return a, nil
}

func (w *wire) fetch(ctx context.Context, q request) (transfer, error) {
	up := packp.NewUploadPackRequestFromCapabilities(w.caps)
	up.Wants, up.Haves = q.wants, q.haves
	if w.caps.Supports(capability.NoProgress) {
		_ = up.Capabilities.Set(capability.NoProgress)
	}
	if w.caps.Supports(capability.Shallow) {
		_ = up.Capabilities.Set(capability.Shallow)
		up.Shallows, up.Depth = q.boundary, packp.DepthCommits(q.depth)
	}
	answer, err := w.session.UploadPack(ctx, up)
	if errors.Is(err, transport.ErrEmptyUploadPackRequest) {
		return transfer{}, nil // nothing is missing
	}
	if err != nil {
		return transfer{}, err
	}
	return transfer{pack: packOf(up, answer), cut: answer.Shallows, complete: answer.Unshallows}, nil
}

// packOf separates the pack from what a server says beside it.
func packOf(up *packp.UploadPackRequest, answer *packp.UploadPackResponse) io.ReadCloser {
	kind := sideband.Sideband
	switch {
	case up.Capabilities.Supports(capability.Sideband64k):
		kind = sideband.Sideband64k
	case !up.Capabilities.Supports(capability.Sideband):
		return answer
	}
	return struct {
		io.Reader
		io.Closer
	}{sideband.NewDemuxer(kind, answer), answer}
}

func (w *wire) Close() error { return w.close() }

// receive stores a transfer: objects first, then the new boundary, so that a
// crash between the two leaves a history that looks shorter, never one with
// holes.
func (r *Repository) receive(st *store, t transfer) error {
	if t.pack == nil {
		return nil
	}
	err := st.addPack(&limitedReader{r: t.pack, left: r.opts.MaxFetch, max: r.opts.MaxFetch})
	if cerr := t.pack.Close(); err == nil && cerr != nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("receive objects: %w", err)
	}
	return st.moveBoundary(t.cut, t.complete)
}

// limitedReader fails where io.LimitReader would pretend the end.
type limitedReader struct {
	r         io.Reader
	left, max int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n, fmt.Errorf("the remote sent more than %d bytes in one transfer", l.max)
	}
	return n, err
}
