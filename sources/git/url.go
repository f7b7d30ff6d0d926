package git

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ottla-io/ottla/sources"
)

// address is a repository's URL taken apart. User information is kept out of
// every string made from it.
type address struct {
	scheme string // https http ssh file
	user   string
	host   string // without port, lower case
	port   string // "" for the scheme's own
	path   string // with the leading slash for URLs, as written for user@host:path
}

// parseAddress reads a URL or an scp-like address. Its errors never repeat the
// input, which may hold a password.
func parseAddress(raw string) (address, error) {
	if a, ok := parseScpLike(raw); ok {
		return a, nil
	}
	if strings.HasPrefix(raw, "/") {
		return address{scheme: "file", path: filepath.Clean(raw)}, nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		return address{}, errors.New("the repository's URL cannot be read: it should be https://host/path, ssh://user@host/path, user@host:path or file:///path")
	}
	if _, has := u.User.Password(); has {
		return address{}, &sources.HintError{
			Err:  errors.New("the repository's URL holds a password"),
			Hint: "take it out of the URL and give it by file or environment",
		}
	}
	return fromURL(u)
}

func fromURL(u *url.URL) (address, error) {
	a := address{scheme: strings.ToLower(u.Scheme), user: u.User.Username(),
		host: strings.ToLower(u.Hostname()), port: u.Port(), path: u.Path}
	switch a.scheme {
	case "https", "http", "ssh":
		if a.host == "" || strings.Trim(a.path, "/") == "" {
			return address{}, fmt.Errorf("the repository's %s URL lacks a host or a path", a.scheme)
		}
		if a.port == defaultPort(a.scheme) {
			a.port = ""
		}
		return a, nil
	case "file":
		if a.host != "" && a.host != "localhost" || a.path == "" {
			return address{}, errors.New("a file URL is file:///absolute/path")
		}
		a.host, a.path = "", filepath.Clean(a.path)
		return a, nil
	case "git":
		return address{}, errors.New("git:// is neither encrypted nor authenticated: use https or ssh")
	}
	return address{}, fmt.Errorf("URL scheme %q is not https, http, ssh or file", a.scheme)
}

func defaultPort(scheme string) string {
	return map[string]string{"https": "443", "http": "80", "ssh": "22"}[scheme]
}

// parseScpLike reads user@host:path. A colon after a slash, or a scheme, is
// something else.
func parseScpLike(raw string) (address, bool) {
	before, rest, ok := strings.Cut(raw, ":")
	if !ok || strings.Contains(before, "/") || strings.HasPrefix(rest, "//") || rest == "" {
		return address{}, false
	}
	user, host, ok := strings.Cut(before, "@")
	if !ok {
		user, host = "", before
	}
	if host == "" {
		return address{}, false
	}
	return address{scheme: "ssh", user: user, host: strings.ToLower(host), path: rest}, true
}

// String is the address for people and logs: no user information.
func (a address) String() string {
	if a.scheme == "file" {
		return "file://" + a.path
	}
	return a.scheme + "://" + a.hostPort("") + "/" + strings.TrimPrefix(a.path, "/")
}

func (a address) hostPort(fallback string) string {
	port := a.port
	if port == "" {
		port = fallback
	}
	if port != "" {
		return net.JoinHostPort(a.host, port)
	}
	if strings.Contains(a.host, ":") {
		return "[" + a.host + "]"
	}
	return a.host
}

var unsafeName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// dirName names the kept clone: readable, one per address whoever logs in.
func (a address) dirName() string {
	sum := sha256.Sum256([]byte(a.String()))
	name := strings.Trim(unsafeName.ReplaceAllString(strings.TrimSuffix(path.Base(a.path), ".git"), "-"), ".-")
	if len(name) > 40 {
		name = name[:40]
	}
	return name + "-" + hex.EncodeToString(sum[:8])
}

// sameRepository is what is equal for all the ways to write one repository's
// address: https, ssh, scp-like, any user, with or without .git. Ports are
// left out, because a forge's ssh port is not its https port.
func (a address) sameRepository() string {
	host, p := a.host, strings.ToLower(strings.Trim(a.path, "/"))
	if host == "ssh.dev.azure.com" { // v3/ORG/PROJECT/REPO there, ORG/PROJECT/_git/REPO on the web
		if parts := strings.Split(p, "/"); len(parts) == 4 && parts[0] == "v3" {
			host, p = "dev.azure.com", path.Join(parts[1], parts[2], "_git", parts[3])
		}
	}
	return host + "/" + strings.Trim(strings.TrimSuffix(p, ".git"), "/")
}
