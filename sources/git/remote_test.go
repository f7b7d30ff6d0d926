package git_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/integration/gitservers"
	"github.com/ottla-io/ottla/sources"
	"github.com/ottla-io/ottla/sources/git"
)

const canary = "canary-7f3a-secret"

// quiet fails if an error, a hint or a directory holds the canary.
func quiet(t *testing.T, dir string, err error) {
	t.Helper()
	text := fmt.Sprintf("%v %+v %#v %s", err, err, err, hintOf(err))
	_ = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		text += path
		return err
	})
	if strings.Contains(text, canary) {
		t.Fatalf("the secret shows: %s", text)
	}
}

func TestHTTPSWithPasswordAndOwnAuthority(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	want := remote.CommitFile("a", "1")
	server := gitservers.HTTP(t, gitservers.HTTPOptions{Root: remote.Root, User: "ada", Password: canary, TLS: true})
	good := git.Options{URL: server.URL(remote.Name), User: "ada", Password: constant(canary), CAFile: server.CAFile, Dir: t.TempDir()}
	if got := fetch(t, open(t, good).Follow(git.Ref{Branch: "main"})); got.Revision != want {
		t.Fatalf("revision %s, want %s", got.Revision, want)
	}
	quiet(t, good.Dir, nil)

	for what, c := range map[string]struct {
		spoil func(*git.Options)
		is    error
		hint  string
	}{
		"wrong password":    {func(o *git.Options) { o.Password = constant(canary + "x") }, git.ErrAuthentication, "expiry"},
		"no password":       {func(o *git.Options) { o.Password = nil }, git.ErrAuthentication, "expiry"},
		"bearer token":      {func(o *git.Options) { o.Password, o.Token = nil, constant(canary) }, git.ErrAuthentication, "expiry"},
		"user in the URL":   {func(o *git.Options) { o.URL, o.Password = server.WithUser(remote.Name, canary), nil }, git.ErrAuthentication, "expiry"},
		"unknown authority": {func(o *git.Options) { o.CAFile = "" }, nil, "CA file"},
		"no repository":     {func(o *git.Options) { o.URL = server.URL("gone.git") }, git.ErrRepositoryNotFound, "URL"},
		"empty password":    {func(o *git.Options) { o.Password = constant("") }, nil, ""},
		"unreadable secret": {func(o *git.Options) { o.Password = func() (string, error) { return "", os.ErrNotExist } }, os.ErrNotExist, ""},
	} {
		t.Run(what, func(t *testing.T) {
			o := good
			o.Dir = t.TempDir()
			c.spoil(&o)
			err := failing(t, open(t, o).Follow(git.Ref{Branch: "main"}), c.is)
			quiet(t, o.Dir, err)
			if !strings.Contains(hintOf(err), c.hint) {
				t.Errorf("hint %q lacks %q (%v)", hintOf(err), c.hint, err)
			}
			if strings.Contains(err.Error(), "<") {
				t.Errorf("the server's page is in the error: %v", err)
			}
		})
	}
}

func TestRotatedPasswordIsUsedAtTheNextFetch(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.CommitFile("a", "1")
	server := gitservers.HTTP(t, gitservers.HTTPOptions{Root: remote.Root, User: "ada", Password: "new"})
	password := "old"
	main := open(t, git.Options{URL: server.URL(remote.Name), User: "ada",
		Password: func() (string, error) { return password, nil }}).Follow(git.Ref{Branch: "main"})
	refused(t, main, git.ErrAuthentication)
	password = "new"
	fetch(t, main)
}

func TestClientCertificateIsShown(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.CommitFile("a", "1")
	server := gitservers.HTTP(t, gitservers.HTTPOptions{Root: remote.Root, TLS: true, ClientCert: true})
	o := git.Options{URL: server.URL(remote.Name), CAFile: server.CAFile, CertFile: server.CertFile, KeyFile: server.KeyFile}
	fetch(t, open(t, o).Follow(git.Ref{Branch: "main"}))
	o.CertFile, o.KeyFile = "", ""
	refused(t, open(t, o).Follow(git.Ref{Branch: "main"}), nil)
}

func TestProxyIsUsedAndItsPasswordNeverShown(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	remote.CommitFile("a", "1")
	server := gitservers.HTTP(t, gitservers.HTTPOptions{Root: remote.Root})
	seen := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Proxy-Authorization"), "Basic ") {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		seen++
		out := r.Clone(r.Context())
		out.RequestURI = ""
		answer, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = answer.Body.Close() }()
		w.WriteHeader(answer.StatusCode)
		_, _ = copyAll(w, answer)
	}))
	t.Cleanup(proxy.Close)
	o := git.Options{URL: server.URL(remote.Name), Proxy: proxy.URL, ProxyUser: "p", ProxyPassword: constant(canary), Dir: t.TempDir()}
	fetch(t, open(t, o).Follow(git.Ref{Branch: "main"}))
	if seen == 0 {
		t.Fatal("nothing went through the proxy")
	}
	o.ProxyPassword, o.Dir = nil, t.TempDir()
	quiet(t, o.Dir, failing(t, open(t, o).Follow(git.Ref{Branch: "main"}), nil))
}

func copyAll(w http.ResponseWriter, r *http.Response) (int64, error) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Body.Read(buf)
		_, _ = w.Write(buf[:n])
		if err != nil {
			return 0, nil
		}
	}
}

func TestSSHChecksTheHostAndTheKey(t *testing.T) {
	t.Parallel()
	remote := gitservers.NewRepo(t)
	want := remote.CommitFile("a", "1")
	server := gitservers.SSH(t, remote.Root)
	good := git.Options{URL: server.URL(remote.Name), SSHKeyFile: server.KeyFile, KnownHostsFile: server.KnownHosts}
	locked := func(o *git.Options) { o.SSHKeyFile, o.Passphrase = server.LockedKeyFile, constant(server.Passphrase) }
	for what, c := range map[string]struct {
		change func(*git.Options)
		is     error
		words  string
	}{
		"good":              {func(*git.Options) {}, nil, ""},
		"good passphrase":   {locked, nil, ""},
		"unknown host":      {func(o *git.Options) { o.KnownHostsFile = server.KnownHostsNobody }, git.ErrHostKey, "SHA256:"},
		"changed host":      {func(o *git.Options) { o.KnownHostsFile = server.KnownHostsOther }, git.ErrHostKey, "SHA256:"},
		"no known_hosts":    {func(o *git.Options) { o.KnownHostsFile += "-gone" }, os.ErrNotExist, ""},
		"stranger":          {func(o *git.Options) { o.SSHKeyFile = server.StrangerKeyFile }, git.ErrAuthentication, ""},
		"no passphrase":     {func(o *git.Options) { o.SSHKeyFile = server.LockedKeyFile }, errAny, "needs a passphrase"},
		"wrong passphrase":  {func(o *git.Options) { locked(o); o.Passphrase = constant(canary) }, errAny, "does not open"},
		"not a key":         {func(o *git.Options) { o.SSHKeyFile = server.KnownHosts }, errAny, "not a private SSH key"},
		"gone repository":   {func(o *git.Options) { o.URL = server.URL("gone.git") }, git.ErrRepositoryNotFound, ""},
		"quote in the path": {func(o *git.Options) { o.URL = server.URL("x';touch$IFS" + canary + ";'") }, git.ErrRepositoryNotFound, ""},
	} {
		t.Run(what, func(t *testing.T) {
			o := good
			c.change(&o)
			main := open(t, o).Follow(git.Ref{Branch: "main"})
			if c.is == nil {
				if got := fetch(t, main); got.Revision != want {
					t.Fatalf("revision %s, want %s", got.Revision, want)
				}
				return
			}
			is := c.is
			if errors.Is(is, errAny) {
				is = nil
			}
			err := failing(t, main, is)
			if !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v lacks %q", err, c.words)
			}
			if errors.Is(c.is, git.ErrHostKey) && !strings.Contains(hintOf(err), server.Address[len("127.0.0.1:"):]+" ") {
				t.Errorf("the hint has no line to add: %q", hintOf(err))
			}
		})
	}
}

var errAny = errors.New("any")

func TestServerThatAsksToWaitIsAskedLater(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]time.Duration{429: 7 * time.Second, 503: 7 * time.Second, 502: 0} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if want > 0 {
				w.Header().Set("Retry-After", "7")
			}
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, "<html>no</html>")
		}))
		t.Cleanup(server.Close)
		err := failing(t, open(t, git.Options{URL: server.URL + "/x.git"}).Follow(git.Ref{Branch: "main"}), nil)
		var later *sources.RetryAfterError
		if errors.As(err, &later) != (want > 0) || want > 0 && later.After != want || strings.Contains(err.Error(), "html") {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestServerThatNeverAnswersIsGivenUp(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	go func() {
		var held []net.Conn
		for {
			c, err := silent.Accept()
			if err != nil {
				for _, c := range held {
					_ = c.Close()
				}
				return
			}
			held = append(held, c)
		}
	}()
	keys := gitservers.SSH(t, t.TempDir())
	for _, o := range []git.Options{
		{URL: "http://" + silent.Addr().String() + "/x.git"},
		{URL: "ssh://git@" + silent.Addr().String() + "/x.git", SSHKeyFile: keys.KeyFile, KnownHostsFile: keys.KnownHosts},
	} {
		o.Timeout = 200 * time.Millisecond
		main := open(t, o).Follow(git.Ref{Branch: "main"})
		began := time.Now()
		refused(t, main, context.DeadlineExceeded)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: given up after %s", o.URL, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := main.Fetch(ctx)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", o.URL, err)
		}
	}
}

func TestOptionsThatCannotWorkAreRefusedWithoutRepeatingSecrets(t *testing.T) {
	t.Parallel()
	for what, o := range map[string]git.Options{
		"holds a password":      {URL: "https://u:" + canary + "@h/p"},
		"cannot be read":        {URL: "https://u:" + canary + "@h/%zz"},
		"neither encrypted":     {URL: "git://h/p"},
		"is not https":          {URL: "ftp://h/p"},
		"lacks a host":          {URL: "https://h"},
		"unencrypted":           {URL: "http://h.example/p", Password: constant(canary)},
		"not both":              {URL: "https://h/p", Password: constant(canary), Token: constant(canary)},
		"certificate and its":   {URL: "https://h/p", CertFile: "c"},
		"known_hosts":           {URL: "git@h:p", SSHKeyFile: "k"},
		"needs a key file":      {URL: "ssh://git@h/p"},
		"takes a key file":      {URL: "ssh://git@h/p", Password: constant(canary)},
		"mean nothing for file": {URL: "file:///x", CAFile: "x"},
		"fields of their own":   {URL: "https://h/p", Proxy: "http://u:" + canary + "@proxy"},
		"proxy scheme":          {URL: "https://h/p", Proxy: "ftp://proxy"},
		"file:///absolute":      {URL: "file://relative/x"},
	} {
		o.Dir = "unused"
		_, err := git.Open(o)
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("want an error that says %q, got %v", what, err)
		}
		if strings.Contains(fmt.Sprintf("%+v %#v %s", err, err, hintOf(err)), canary) {
			t.Errorf("the secret shows: %v", err)
		}
	}
}
