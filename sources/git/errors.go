package git

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"github.com/ottla-io/ottla/sources"
)

// What goes wrong with a remote, for errors.Is. ErrRefNotFound stands with Ref.
var (
	ErrEmptyRepository    = errors.New("the repository has no commits")
	ErrRepositoryNotFound = errors.New("the repository is not there, or may not be seen")
	ErrAuthentication     = errors.New("authentication failed")
	ErrHostKey            = errors.New("the host's key is not the known one")
	ErrLocked             = errors.New("another process uses the kept clone")
	errProxyAuth          = errors.New("the proxy wants a user and password")
)

// explain turns what libraries and servers say into words, a cause for
// errors.Is and a hint. Text of servers and URLs is left out.
func explain(err error) error {
	var (
		hinted     *sources.HintError
		unexpected *plumbing.UnexpectedError
		permanent  *plumbing.PermanentError
		inURL      *url.Error
	)
	switch {
	case err == nil || errors.As(err, &hinted):
		return err
	case errors.As(err, &unexpected) && unexpected.Err != nil:
		return explain(unexpected.Err)
	case errors.As(err, &permanent) && permanent.Err != nil:
		return explain(permanent.Err)
	case errors.As(err, &inURL):
		return explain(inURL.Err)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return hint(ErrEmptyRepository, "push a first commit; nothing is removed meanwhile")
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return hint(ErrRepositoryNotFound, "check the URL and that the credentials may read it: forges hide what may not be read")
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return hint(ErrAuthentication, "check user, password, token or key, their expiry, and their right to read this repository")
	case errors.Is(err, errProxyAuth):
		return hint(errProxyAuth, "give the proxy's user and password")
	case errors.Is(err, context.DeadlineExceeded):
		return hint(fmt.Errorf("no answer in time: %w", err), "check the network path, or raise the timeout of this repository")
	}
	return explainNetwork(err)
}

func explainNetwork(err error) error {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		dns     *net.DNSError
		op      *net.OpError
	)
	switch {
	case errors.As(err, &unknown):
		return hint(err, "if the server's certificate comes from an authority of your own, give its certificate as the CA file")
	case errors.As(err, &name), errors.As(err, &invalid):
		return hint(err, "the server's certificate is wrong or too old: renew it, or use the name it is made for")
	case errors.As(err, &dns):
		return hint(err, "check the host's name and this machine's resolver")
	case errors.As(err, &op) && op.Op == "dial":
		return hint(err, "check that the host is up and that this machine may reach that port")
	case errors.As(err, &op) && op.Op == "remote error":
		return hint(err, "the server refused the TLS handshake: it may want a client certificate")
	}
	return err
}

func hint(err error, words string) error { return &sources.HintError{Err: err, Hint: words} }

// hostKeyError names the host, the key it showed and what to do, and keeps an
// unknown host apart from a changed key.
func hostKeyError(host, file string, key ssh.PublicKey, err error) error {
	shown := key.Type() + " " + ssh.FingerprintSHA256(key)
	line := knownhosts.Line([]string{host}, key)
	switch {
	case knownhosts.IsHostKeyChanged(err):
		return hint(fmt.Errorf("%w: %s now shows %s, %s has another", ErrHostKey, host, shown, file),
			"somebody may stand in between. Only if the host's owner confirms this fingerprint, replace its lines in "+file+" by: "+line)
	case knownhosts.IsHostUnknown(err):
		return hint(fmt.Errorf("%w: %s is not in %s; it shows %s", ErrHostKey, host, file, shown),
			"compare the fingerprint with what the host's owner publishes, then add to "+file+": "+line)
	}
	return fmt.Errorf("%w: %s: %w", ErrHostKey, host, err)
}

// errWrongPassphrase is what x/crypto returns for one; it is x509's error.
func errWrongPassphrase() error { return x509.IncorrectPasswordError }

// remoteSaid makes an error of what a remote wrote to stderr before it gave
// up. Forges say "not found" in a few ways and all mean may-not-be-seen too.
func remoteSaid(text string) error {
	lower := strings.ToLower(text)
	for _, sign := range []string{"not found", "does not appear to be a git repository", "does not exist", "no such repository", "could not be found"} {
		if strings.Contains(lower, sign) {
			return transport.ErrRepositoryNotFound
		}
	}
	if words := printable(text, 200); words != "" {
		return fmt.Errorf("the remote said %q", words)
	}
	return errors.New("the remote closed the connection without a word")
}

// printable cuts foreign text to one short line.
func printable(text string, limit int) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}
