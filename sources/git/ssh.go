package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// dialSSH connects, checks the host's key and starts git-upload-pack. It is
// written on x/crypto/ssh, because go-git's own SSH cannot be cancelled while
// it connects, asks agents and reads ~/.ssh/config.
func (r *Repository) dialSSH(ctx context.Context, received *atomic.Int64) (conn, error) {
	hostPort := net.JoinHostPort(r.addr.host, orDefault(r.addr.port, "22"))
	conf, checked, err := r.opts.sshConfig(r.addr.user, hostPort)
	if err != nil {
		return nil, err
	}
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", hostPort)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	counted := &countingConn{Conn: raw, received: received}
	c, chans, reqs, err := ssh.NewClientConn(counted, hostPort, conf)
	if err != nil {
		stop()
		_ = raw.Close()
		return nil, sshRefusal(ctx, checked, err)
	}
	s := &sshSession{client: ssh.NewClient(c, chans, reqs), stop: stop}
	if err := s.start(r.addr.path); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &wire{session: s, close: s.Close}, nil
}

func orDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// hostCheck remembers how the host's key fared, because the handshake's error
// does not tell a wrong user key from anything else.
type hostCheck struct {
	err  error
	done bool
}

func (o Options) sshConfig(user, hostPort string) (*ssh.ClientConfig, *hostCheck, error) {
	signer, err := o.sshSigner()
	if err != nil {
		return nil, nil, err
	}
	known, err := knownhosts.NewDB(o.KnownHostsFile)
	if err != nil {
		return nil, nil, fmt.Errorf("read known_hosts: %w", err)
	}
	check := &hostCheck{}
	verify := known.HostKeyCallback()
	return &ssh.ClientConfig{
		User: orDefault(user, "git"), Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		// only the algorithms the file has for this host, or a host with several
		// keys would offer one we do not know and look like an attack
		HostKeyAlgorithms: known.HostKeyAlgorithms(hostPort),
		HostKeyCallback: func(host string, addr net.Addr, key ssh.PublicKey) error {
			check.done = true
			if err := verify(host, addr, key); err != nil {
				check.err = hostKeyError(host, o.KnownHostsFile, key, err)
			}
			return check.err
		},
		Timeout: 15 * time.Second,
	}, check, nil
}

func (o Options) sshSigner() (ssh.Signer, error) {
	pem, err := os.ReadFile(o.SSHKeyFile)
	if err != nil {
		return nil, fmt.Errorf("read the SSH key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	if !errors.As(err, &locked) {
		return signer, keyError(o.SSHKeyFile, err)
	}
	if o.Passphrase == nil {
		return nil, fmt.Errorf("the SSH key %s needs a passphrase and none is configured", o.SSHKeyFile)
	}
	phrase, err := secret(o.Passphrase, "passphrase")
	if err != nil {
		return nil, err
	}
	signer, err = ssh.ParsePrivateKeyWithPassphrase(pem, []byte(phrase))
	return signer, keyError(o.SSHKeyFile, err)
}

// keyError names the file and leaves the parser's words out where they could
// repeat parts of the key.
func keyError(file string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errWrongPassphrase()):
		return fmt.Errorf("the passphrase does not open the SSH key %s", file)
	}
	return fmt.Errorf("%s is not a private SSH key in PEM or OpenSSH form", file)
}

// sshRefusal says why a handshake failed.
func sshRefusal(ctx context.Context, check *hostCheck, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case check.err != nil:
		return check.err
	case check.done: // the host is who it should be and did not let us in
		return transport.ErrAuthorizationFailed
	}
	return fmt.Errorf("ssh handshake: %w", err)
}

// sshSession is one git-upload-pack on the other side.
type sshSession struct {
	client *ssh.Client
	shell  *ssh.Session
	stdin  io.WriteCloser
	stdout io.Reader
	stderr firstBytes
	stop   func() bool
	asked  bool
}

func (s *sshSession) start(path string) error {
	var err error
	if s.shell, err = s.client.NewSession(); err != nil {
		return fmt.Errorf("open an ssh session: %w", err)
	}
	s.shell.Stderr = &s.stderr
	if s.stdin, err = s.shell.StdinPipe(); err != nil {
		return err
	}
	if s.stdout, err = s.shell.StdoutPipe(); err != nil {
		return err
	}
	return s.shell.Start(transport.UploadPackServiceName + " '" + strings.ReplaceAll(path, "'", `'\''`) + "'")
}

// AdvertisedReferences is part of go-git's interface; nobody calls it.
func (s *sshSession) AdvertisedReferences() (*packp.AdvRefs, error) {
	return nil, errors.ErrUnsupported
}

// AdvertisedReferencesContext reads what the remote says first. The dial's
// context ends a read that hangs.
func (s *sshSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	refs := packp.NewAdvRefs()
	err := refs.Decode(s.stdout)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, packp.ErrEmptyAdvRefs) || err == nil && refs.IsEmpty():
		return nil, transport.ErrEmptyRemoteRepository
	case errors.Is(err, packp.ErrEmptyInput):
		_ = s.shell.Wait() // its stderr is complete then
		return nil, remoteSaid(s.stderr.String())
	case err != nil:
		return nil, fmt.Errorf("read the refs: %w", err)
	}
	transport.FilterUnsupportedCapabilities(refs.Capabilities)
	return refs, nil
}

// UploadPack sends the request and gives the answer; see Git's pack-protocol.
func (s *sshSession) UploadPack(ctx context.Context, q *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if q.IsEmpty() {
		return nil, transport.ErrEmptyUploadPackRequest
	}
	if err := s.send(q); err != nil {
		return nil, err
	}
	answer := packp.NewUploadPackResponse(q)
	if err := answer.Decode(io.NopCloser(s.stdout)); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return answer, nil
}

func (s *sshSession) send(q *packp.UploadPackRequest) error {
	s.asked = true
	var b bytes.Buffer
	if err := q.UploadRequest.Encode(&b); err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	if err := q.UploadHaves.Encode(&b, true); err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	if err := pktline.NewEncoder(&b).EncodeString("done\n"); err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	if _, err := s.stdin.Write(b.Bytes()); err != nil {
		return fmt.Errorf("send the request: %w", err)
	}
	// A server that has answered already has closed its side: that is EOF here,
	// and the answer is waiting to be read.
	if err := s.stdin.Close(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("end the request: %w", err)
	}
	return nil
}

// Close says goodbye where nothing was asked for, and ends the connection.
func (s *sshSession) Close() error {
	if s.stdin != nil && !s.asked {
		_, _ = s.stdin.Write(pktline.FlushPkt)
	}
	s.stop()
	err := s.client.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// firstBytes keeps the beginning of what a remote writes to stderr.
type firstBytes struct {
	mu  sync.Mutex
	buf []byte
}

func (f *firstBytes) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buf = append(f.buf, p[:min(len(p), 4096-len(f.buf))]...)
	return len(p), nil
}

func (f *firstBytes) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(f.buf)
}

type countingConn struct {
	net.Conn
	received *atomic.Int64
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.received.Add(int64(n))
	return n, err
}
