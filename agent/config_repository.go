package agent

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// RepositoryConfig is one Git repository, or a plain directory for trying
// things out.
type RepositoryConfig struct {
	Name         string        `json:"name" doc:"Its name in this file, in messages and metrics." required:"true" pattern:"^[a-z0-9][a-z0-9._-]*$" max:"63"`
	URL          string        `json:"url" doc:"https://, ssh://, user@host:path, file:// or the absolute path of a directory. Never with a password in it." required:"true" min:"1"`
	Interval     time.Duration `json:"interval" doc:"How often it is asked for something new, give or take a tenth." default:"1m" min:"1s"`
	Timeout      time.Duration `json:"timeout" doc:"Of one conversation with it." default:"5m" min:"1s"`
	Auth         GitAuth       `json:"auth" doc:"How to log in, and whom to trust."`
	AllowRewrite bool          `json:"allowRewrite" doc:"Follow a history that was rewritten (force-push). Otherwise a commit that does not descend from the applied one is refused."`
}

// GitAuth is how we log in to a repository.
type GitAuth struct {
	Username          string `json:"username" doc:"For https; git if not given, which forges take with a token as password."`
	PasswordFile      string `json:"passwordFile" doc:"File that holds the password, or an access token in its place."`
	PasswordEnv       string `json:"passwordEnv" doc:"Environment variable that holds the password."`
	TokenFile         string `json:"tokenFile" doc:"File that holds a bearer token."`
	TokenEnv          string `json:"tokenEnv" doc:"Environment variable that holds a bearer token."`
	SSHKeyFile        string `json:"sshKeyFile" doc:"Private key for ssh."`
	PassphraseFile    string `json:"passphraseFile" doc:"File that holds the key's passphrase."`
	PassphraseEnv     string `json:"passphraseEnv" doc:"Environment variable that holds the key's passphrase."`
	KnownHostsFile    string `json:"knownHostsFile" doc:"The hosts' keys for ssh; they are always checked."`
	CAFile            string `json:"caFile" doc:"PEM file of authorities to trust beside the system's."`
	CertFile          string `json:"certFile" doc:"PEM client certificate."`
	KeyFile           string `json:"keyFile" doc:"PEM key of the client certificate."`
	Proxy             string `json:"proxy" doc:"http://, https:// or socks5:// proxy; as HTTPS_PROXY says if not given."`
	ProxyUsername     string `json:"proxyUsername" doc:"User at the proxy."`
	ProxyPasswordFile string `json:"proxyPasswordFile" doc:"File that holds the password at the proxy."`
	ProxyPasswordEnv  string `json:"proxyPasswordEnv" doc:"Environment variable that holds the password at the proxy."`
}

// Password is the user's, or an access token.
func (a GitAuth) Password() Secret { return Secret{a.PasswordFile, a.PasswordEnv} }

// Token is sent as bearer token.
func (a GitAuth) Token() Secret { return Secret{a.TokenFile, a.TokenEnv} }

// Passphrase opens the SSH key.
func (a GitAuth) Passphrase() Secret { return Secret{a.PassphraseFile, a.PassphraseEnv} }

// ProxyPassword is the user's at the proxy.
func (a GitAuth) ProxyPassword() Secret { return Secret{a.ProxyPasswordFile, a.ProxyPasswordEnv} }

// IsDirectory tells a plain path, which may be followed without a ref.
func (r RepositoryConfig) IsDirectory() bool { return filepath.IsAbs(r.URL) }

// Check wants a URL without a password and what its scheme needs.
func (r *RepositoryConfig) Check(report func(path, text string)) {
	scheme, err := gitScheme(r.URL)
	if err != nil {
		report("url", err.Error())
		return
	}
	a := r.Auth
	switch {
	case scheme == "ssh" && (a.SSHKeyFile == "" || a.KnownHostsFile == ""):
		report("auth", "ssh needs sshKeyFile and knownHostsFile: the host's key is always checked")
	case scheme == "ssh" && a.usesHTTP():
		report("auth", "a password, token, certificate or proxy means nothing for ssh")
	case scheme == "http" && a.usesSSH():
		report("auth", "an ssh key or known_hosts file means nothing for https")
	case scheme == "file" && (a.usesSSH() || a.usesHTTP()):
		report("auth", "has no meaning for a local repository")
	}
	a.check(report)
}

func (a GitAuth) usesHTTP() bool {
	return a.Username+a.CAFile+a.CertFile+a.KeyFile+a.Proxy != "" || !a.Password().IsZero() || !a.Token().IsZero()
}

func (a GitAuth) usesSSH() bool {
	return a.SSHKeyFile+a.KnownHostsFile != "" || !a.Passphrase().IsZero()
}

func (a GitAuth) check(report func(path, text string)) {
	if !a.Password().IsZero() && !a.Token().IsZero() {
		report("auth", "give a password or a bearer token, not both")
	}
	pair(report, "auth.", a.CertFile, a.KeyFile)
	if a.Proxy != "" {
		checkURL(report, "auth.proxy", a.Proxy, "http", "https", "socks5", "socks5h")
	} else if a.ProxyUsername != "" || !a.ProxyPassword().IsZero() {
		report("auth.proxy", "is missing: proxyUsername and proxyPassword are given")
	}
}

// gitScheme is ssh, http (also for https) or file. Its errors never repeat the
// URL, which may hold a password.
func gitScheme(raw string) (string, error) {
	if filepath.IsAbs(raw) {
		return "file", nil
	}
	before, rest, ok := strings.Cut(raw, ":")
	if ok && !strings.HasPrefix(rest, "//") && !strings.Contains(before, "/") && rest != "" {
		return "ssh", nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", errors.New("cannot be read: write https://host/path, ssh://user@host/path, user@host:path, file:///path or /path")
	}
	if _, has := u.User.Password(); has {
		return "", errors.New("holds a password: give it by auth.passwordFile or auth.passwordEnv")
	}
	switch u.Scheme {
	case "http", "https":
		return "http", nil
	case "ssh", "file":
		return u.Scheme, nil
	}
	return "", errors.New("is not https://host/path, ssh://user@host/path, user@host:path, file:///path or the absolute path of a directory")
}

// pair wants a client certificate and its key together.
func pair(report func(path, text string), at, cert, key string) {
	switch {
	case cert != "" && key == "":
		report(at+"keyFile", "is missing: certFile needs its key")
	case key != "" && cert == "":
		report(at+"certFile", "is missing: keyFile needs its certificate")
	}
}

// checkURL wants an absolute URL of these schemes without user information.
func checkURL(report func(path, text string), at, raw string, schemes ...string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme):
		report(at, fmt.Sprintf("is not a URL that begins with %s://", strings.Join(schemes, ":// or ")))
	case u.User != nil:
		report(at, "holds a user or password: secrets are given by file or environment")
	}
}
