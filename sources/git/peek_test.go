package git_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ottla-io/ottla/integration/gitservers"
	"github.com/ottla-io/ottla/sources/git"
)

func received(r *git.Repository, op git.Operation) (n int64) {
	for _, s := range r.Stats() {
		if s.Operation == op {
			n += s.Bytes
		}
	}
	return n
}

func TestPollOfAnUnchangedBranchCostsLittleHoweverManyRefsThereAre(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	head := remote.CommitFile("a", "1")
	var packed strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&packed, "%s refs/heads/feature/%d\n", head, i)
	}
	must(t, os.WriteFile(remote.Bare()+"/packed-refs", []byte(packed.String()), 0o644))
	server := gitservers.HTTP(t, gitservers.HTTPOptions{Root: remote.Root})
	repo := open(t, git.Options{URL: server.URL(remote.Name)})
	main := repo.Follow(git.Ref{Branch: "main"})
	fetch(t, main)
	fetch(t, main) // learns the server's protocol
	before := received(repo, git.Poll)
	fetch(t, main)
	cost := received(repo, git.Poll) - before
	t.Logf("%d bytes a poll, %d for the whole list", cost, received(repo, git.Clone))
	if cost > 200 {
		t.Fatalf("%d bytes for a poll of one branch", cost)
	}
	want := remote.CommitFile("a", "2")
	if got := fetch(t, main); got.Revision != want {
		t.Fatalf("revision %s, want %s", got.Revision, want)
	}
	remote.Serve("update-ref", "-d", "refs/heads/main")
	refused(t, main, git.ErrRefNotFound)
}

// between puts a handler between us and a real server.
func between(t *testing.T, remote *gitservers.Repo, wrap func(http.Handler) http.Handler) git.Options {
	t.Helper()
	server := gitservers.HTTP(t, gitservers.HTTPOptions{Root: remote.Root})
	target, err := url.Parse(server.Base)
	must(t, err)
	front := httptest.NewServer(wrap(httputil.NewSingleHostReverseProxy(target)))
	t.Cleanup(front.Close)
	return git.Options{URL: front.URL + "/" + remote.Name, Dir: t.TempDir()}
}

func TestServerOfTheOldProtocolAndARedirectWork(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(http.Handler) http.Handler{
		"version 0": func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Header.Del("Git-Protocol")
				next.ServeHTTP(w, r)
			})
		},
		"redirect": func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if path, ok := strings.CutPrefix(r.URL.Path, "/moved/"); ok {
					r.URL.Path = "/" + path
					next.ServeHTTP(w, r)
					return
				}
				http.Redirect(w, r, "/moved"+r.URL.RequestURI(), http.StatusMovedPermanently)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			remote := gitservers.NewRepo(t)
			remote.CommitFile("a", "1")
			main := open(t, between(t, remote, wrap)).Follow(git.Ref{Branch: "main"})
			for range 3 {
				fetch(t, main)
			}
			remote.CommitFile("a", "2")
			read(t, fetch(t, main).Tree, "a", "2")
		})
	}
}

// half lets half of what a handler writes through and then breaks off.
type half struct {
	http.ResponseWriter
	left int
}

func (h *half) Write(p []byte) (int, error) {
	if h.left -= len(p); h.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return h.ResponseWriter.Write(p)
}

// noise is content that no pack makes smaller.
func noise(t *testing.T) string {
	t.Helper()
	data := make([]byte, 400_000)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTransferThatBreaksOffChangesNothingAndLeavesNothing(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.CommitFile("a", "1")
	var broken atomic.Bool
	o := between(t, remote, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if broken.Load() && r.ContentLength > 100 {
				w = &half{ResponseWriter: w, left: 40_000}
			}
			next.ServeHTTP(w, r)
		})
	})
	main := open(t, o).Follow(git.Ref{Branch: "main"})
	before := fetch(t, main)
	remote.CommitFile("b", noise(t))
	broken.Store(true)
	for range 3 {
		refused(t, main, nil)
	}
	read(t, before.Tree, "a", "1")
	left, _ := filepath.Glob(filepath.Join(o.Dir, "*", "clone-*", "objects", "pack", "tmp_*"))
	if len(left) > 0 {
		t.Fatalf("left behind: %v", left)
	}
	broken.Store(false)
	if got := fetch(t, main); got.Revision != remote.Head() {
		t.Fatalf("revision %s", got.Revision)
	}
}

func TestTransferLargerThanAllowedIsGivenUp(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.CommitFile("b", noise(t))
	err := failing(t, open(t, git.Options{URL: remote.URL(), MaxFetch: 10_000}).Follow(git.Ref{Branch: "main"}), nil)
	if !strings.Contains(err.Error(), "more than 10000 bytes") {
		t.Fatal(err)
	}
}

func TestOptionsPrintTheirRepositoryOnly(t *testing.T) {
	t.Parallel()
	o := git.Options{URL: "https://" + canary + "@git.example.com/a/b", Dir: t.TempDir(), Token: constant(canary)}
	r := open(t, o)
	text := fmt.Sprintf("%v %+v %#v %s %v %+v %#v", o, o, o, o, r, r, r)
	if strings.Contains(text, canary) || !strings.Contains(text, "https://git.example.com/a/b") {
		t.Fatal(text)
	}
}
