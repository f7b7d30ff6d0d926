package gitservers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// SSHServer is a running OpenSSH server that lets one key in.
type SSHServer struct {
	Address          string // 127.0.0.1:PORT
	KeyFile          string // the user's private key
	LockedKeyFile    string // the same key, under Passphrase
	Passphrase       string
	StrangerKeyFile  string // a key it does not let in
	KnownHosts       string // has the host's ed25519 key only; it has an ECDSA one too
	KnownHostsOther  string // another key for this host: it looks changed
	KnownHostsNobody string // an empty file: the host is unknown

	root, user string
}

// URL is a repository's address.
func (s *SSHServer) URL(name string) string {
	return "ssh://" + s.user + "@" + s.Address + filepath.Join(s.root, name)
}

// SSH serves the bare repositories below root, as the user who runs the test,
// until the test ends.
func SSH(t testing.TB, root string) *SSHServer {
	t.Helper()
	found := Require(t, "sshd", "ssh-keygen", "git-upload-pack")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := shortDir(t)
	s := &SSHServer{Address: freeAddress(t), Passphrase: "open sesame", root: root, user: me.Username}
	k := keys{t: t, dir: dir, program: found[1]}
	host, second, other := k.make("host", "ed25519", ""), k.make("second", "ecdsa", ""), k.make("other", "ed25519", "")
	s.KeyFile, s.StrangerKeyFile = k.make("user", "ed25519", ""), k.make("stranger", "ed25519", "")
	s.LockedKeyFile = k.make("locked", "ed25519", s.Passphrase)
	s.KnownHosts = k.known("known", s.Address, host)
	s.KnownHostsOther = k.known("known-other", s.Address, other)
	s.KnownHostsNobody = write(t, filepath.Join(dir, "known-nobody"), "", 0o600)
	allowed := write(t, filepath.Join(dir, "authorized"), k.public(s.KeyFile)+k.public(s.LockedKeyFile), 0o600)

	_, port, _ := net.SplitHostPort(s.Address)
	conf := write(t, filepath.Join(dir, "sshd_config"), fmt.Sprintf(sshdConf, port, host, second, allowed, filepath.Join(dir, "pid")), 0o600)
	if os.Getuid() == 0 { // sshd run by root insists on this directory
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	start(t, exec.Command(found[0], "-D", "-e", "-f", conf)).await(t, "tcp", s.Address)
	return s
}

const sshdConf = `Port %s
ListenAddress 127.0.0.1
HostKey %s
HostKey %s
AuthorizedKeysFile %s
PidFile %s
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 500
`

type keys struct {
	t       testing.TB
	dir     string
	program string
}

func (k keys) make(name, kind, passphrase string) string {
	k.t.Helper()
	file := filepath.Join(k.dir, name)
	out, err := exec.Command(k.program, "-q", "-t", kind, "-N", passphrase, "-C", name, "-f", file).CombinedOutput()
	if err != nil {
		k.t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	return file
}

func (k keys) public(file string) string {
	k.t.Helper()
	data, err := os.ReadFile(file + ".pub")
	if err != nil {
		k.t.Fatal(err)
	}
	return string(data)
}

func (k keys) known(name, address, hostKey string) string {
	k.t.Helper()
	host, port, _ := net.SplitHostPort(address)
	fields := strings.Fields(k.public(hostKey))
	line := fmt.Sprintf("[%s]:%s %s %s\n", host, port, fields[0], fields[1])
	return write(k.t, filepath.Join(k.dir, name), line, 0o600)
}
