package git

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/ottla-io/ottla/sources"
)

// The defaults of Options.
const (
	DefaultMaxFile  = 5 << 20
	DefaultMaxFetch = 1 << 30
	DefaultTimeout  = 5 * time.Minute
)

// A SecretFunc reads a secret at the moment of its use, so that a rotated one
// works without a restart. What it returns is never kept, printed or wrapped
// into an error.
type SecretFunc func() (string, error)

// Options say where a repository is and how to reach it. Files are read at
// each use. A field that does not fit the URL's scheme is an error of Open.
type Options struct {
	URL string // https://, ssh://, user@host:path, file:// or http:// to this machine
	Dir string // where kept clones live; one directory a repository below it

	MaxFile  int64         // bytes of one file, as read; 0: DefaultMaxFile
	MaxFetch int64         // bytes of one transfer; 0: DefaultMaxFetch
	Timeout  time.Duration // of one conversation with the remote; 0: DefaultTimeout

	User     string     // for HTTPS; "" with a Password: "git", which the forges take with a token
	Password SecretFunc // or a token in its place
	Token    SecretFunc // sent as "Authorization: Bearer"
	CAFile   string     // PEM; trusted beside the system's
	CertFile string     // PEM client certificate, with KeyFile
	KeyFile  string

	Proxy         string     // http://, https:// or socks5://, without user information; "": as HTTPS_PROXY says
	ProxyUser     string     // with ProxyPassword
	ProxyPassword SecretFunc //

	SSHKeyFile     string
	Passphrase     SecretFunc // of SSHKeyFile, if it has one
	KnownHostsFile string     // required for SSH: the host's key is always checked

	// AllowCleartext lets a password or token travel over http:// to another
	// machine.
	AllowCleartext bool
}

// Format prints the repository only, whatever the verb: a user name in a URL
// may be a token.
func (o Options) Format(f fmt.State, _ rune) {
	a, err := parseAddress(o.URL)
	if err != nil {
		_, _ = io.WriteString(f, "git.Options(?)")
		return
	}
	_, _ = fmt.Fprintf(f, "git.Options(%s)", a)
}

func (o Options) withDefaults() Options {
	o.MaxFile = cmp.Or(o.MaxFile, DefaultMaxFile)
	o.MaxFetch = cmp.Or(o.MaxFetch, DefaultMaxFetch)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	if o.User == "" && o.Password != nil {
		o.User = "git"
	}
	return o
}

// check finds what cannot work before anything is tried.
func (o Options) check(a address) error {
	if o.Dir == "" {
		return errors.New("no directory for the kept clone")
	}
	switch a.scheme {
	case "http", "https":
		return o.checkHTTP(a)
	case "ssh":
		return o.checkSSH()
	}
	if o.usesHTTP() || o.usesSSH() {
		return errors.New("credentials and certificates mean nothing for file://")
	}
	return nil
}

func (o Options) usesHTTP() bool {
	return o.Password != nil || o.Token != nil || o.CAFile != "" || o.CertFile != "" || o.KeyFile != "" || o.Proxy != ""
}

func (o Options) usesSSH() bool {
	return o.SSHKeyFile != "" || o.Passphrase != nil || o.KnownHostsFile != ""
}

func (o Options) checkHTTP(a address) error {
	switch {
	case o.usesSSH():
		return errors.New("an SSH key or known_hosts file means nothing for http")
	case o.Password != nil && o.Token != nil:
		return errors.New("give a password or a bearer token, not both")
	case (o.CertFile == "") != (o.KeyFile == ""):
		return errors.New("a client certificate needs both its certificate and its key file")
	case a.scheme == "http" && (o.Password != nil || o.Token != nil) && !a.loopback() && !o.AllowCleartext:
		return &sources.HintError{
			Err:  errors.New("the password or token would travel unencrypted over http"),
			Hint: "use the https:// URL",
		}
	}
	return o.checkProxy()
}

func (o Options) checkProxy() error {
	if o.Proxy == "" {
		return nil
	}
	u, err := url.Parse(o.Proxy)
	if err != nil || u.Host == "" {
		return errors.New("the proxy is not a URL") // the parser's words would repeat it
	}
	if u.User != nil {
		return errors.New("the proxy's user and password belong into fields of their own, not into its URL")
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return nil
	}
	return fmt.Errorf("proxy scheme %q is not http, https or socks5", u.Scheme)
}

func (o Options) checkSSH() error {
	if o.usesHTTP() {
		return errors.New("a password, token, certificate or proxy means nothing for ssh: it takes a key file")
	}
	if o.SSHKeyFile == "" {
		return errors.New("ssh needs a key file")
	}
	if o.KnownHostsFile == "" {
		return &sources.HintError{
			Err:  errors.New("ssh needs a known_hosts file: the host's key is always checked"),
			Hint: "ssh-keyscan HOST > known_hosts, and compare the fingerprint with what the host's owner publishes",
		}
	}
	return nil
}

// loopback tells whether traffic to the address stays on this machine.
func (a address) loopback() bool {
	ip := net.ParseIP(a.host)
	return a.host == "localhost" || ip != nil && ip.IsLoopback()
}
