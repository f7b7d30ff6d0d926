package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// protocol is what is known of the versions a server speaks.
type protocol int

const (
	unasked protocol = iota
	version0
	version2
)

// peek asks for the few refs that are followed by protocol version 2, which
// go-git does not speak: a kilobyte where the list of all refs may be a
// megabyte. False says that the long way must be taken: another scheme, an
// older server, a redirect. Its caller holds the turn.
func (r *Repository) peek(ctx context.Context, prefixes []string) (refs map[string]plumbing.Hash, ok bool, err error) {
	if r.speaks == version0 || r.addr.scheme == "file" || r.addr.scheme == "ssh" {
		return nil, false, nil
	}
	var received atomic.Int64
	defer func() { r.meter.add(Poll, err != nil, received.Load()) }()
	t, err := r.opts.httpTransport()
	if err != nil {
		return nil, false, err
	}
	defer t.CloseIdleConnections()
	client := &http.Client{
		Transport:     &statusTransport{next: t, received: &received},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if r.speaks == unasked {
		if r.speaks, err = r.askVersion(ctx, client); r.speaks != version2 {
			return nil, false, err
		}
	}
	refs, err = r.lsRefs(ctx, client, prefixes)
	if err != nil {
		r.speaks = unasked
	}
	return refs, err == nil, err
}

// askVersion learns whether the server speaks version 2.
func (r *Repository) askVersion(ctx context.Context, client *http.Client) (protocol, error) {
	body, err := r.post2(ctx, client, http.MethodGet, "/info/refs?service=git-upload-pack", nil)
	if err != nil {
		return unasked, err
	}
	lines := pktline.NewScanner(bytes.NewReader(body))
	for range 3 { // the service's name and a flush may come first
		if lines.Scan() && strings.TrimSpace(string(lines.Bytes())) == "version 2" {
			return version2, nil
		}
	}
	return version0, nil
}

// lsRefs is the command of that name; see Git's protocol-v2.
func (r *Repository) lsRefs(ctx context.Context, client *http.Client, prefixes []string) (map[string]plumbing.Hash, error) {
	var q bytes.Buffer
	e := pktline.NewEncoder(&q)
	if err := e.EncodeString("command=ls-refs\n"); err != nil {
		return nil, err
	}
	q.WriteString("0001") // the delimiter
	for _, p := range prefixes {
		if err := e.EncodeString("ref-prefix " + p + "\n"); err != nil {
			return nil, err
		}
	}
	if err := e.Flush(); err != nil {
		return nil, err
	}
	body, err := r.post2(ctx, client, http.MethodPost, "/git-upload-pack", &q)
	if err != nil {
		return nil, err
	}
	return parseLsRefs(body)
}

func parseLsRefs(body []byte) (map[string]plumbing.Hash, error) {
	refs := map[string]plumbing.Hash{}
	lines := pktline.NewScanner(bytes.NewReader(body))
	for lines.Scan() {
		line := strings.TrimSpace(string(lines.Bytes()))
		if line == "" { // the flush: the list is whole
			return refs, nil
		}
		fields := strings.Fields(line)
		if len(fields) < 2 || !plumbing.IsHash(fields[0]) {
			return nil, errors.New("the server's list of refs cannot be read")
		}
		refs[fields[1]] = plumbing.NewHash(fields[0])
	}
	return nil, errors.New("the server's list of refs ends too early")
}

// post2 sends one request of version 2. A redirect gives an empty body: go-git
// follows those, with care for the credentials.
func (r *Repository) post2(ctx context.Context, client *http.Client, method, path string, body *bytes.Buffer) ([]byte, error) {
	var reader io.Reader
	if body != nil {
		reader = body
	}
	q, err := http.NewRequestWithContext(ctx, method, r.addr.String()+path, reader)
	if err != nil {
		return nil, err
	}
	auth, err := r.opts.httpAuth(r.addr)
	if err != nil {
		return nil, err
	}
	if a, ok := auth.(githttp.AuthMethod); ok {
		a.SetAuth(q)
	}
	q.Header.Set("Git-Protocol", "version=2")
	if body != nil {
		q.Header.Set("Content-Type", "application/x-git-upload-pack-request")
		q.Header.Set("Accept", "application/x-git-upload-pack-result")
	}
	answer, err := client.Do(q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, nil
	}
	data, err := io.ReadAll(&limitedReader{r: answer.Body, left: r.opts.MaxFetch, max: r.opts.MaxFetch})
	if err != nil {
		return nil, fmt.Errorf("read the list of refs: %w", err)
	}
	return data, nil
}

// unchanged answers from the kept clone if the remote's refs point to what is
// here already; nil if they do not, or cannot be asked the short way.
func (r *Repository) unchanged(ctx context.Context, st *store, refs map[Ref]found) (map[Ref]answer, error) {
	var prefixes []string
	for ref := range refs {
		if st.tip(ref.key()).IsZero() {
			return nil, nil
		}
		prefixes = append(prefixes, strings.TrimSuffix(ref.Pattern(), "*"))
	}
	has, ok, err := r.peek(ctx, prefixes)
	if err != nil || !ok {
		return nil, err
	}
	answers := map[Ref]answer{}
	for ref := range refs {
		at, err := ref.lookUp(has)
		if err != nil || !st.has(at.hash) {
			return nil, nil // the long way fetches it, or knows the names nearest to it
		}
		s, err := r.read(st, ref, at)
		if err != nil {
			return nil, err
		}
		answers[ref] = answer{snapshot: s}
	}
	return answers, nil
}
