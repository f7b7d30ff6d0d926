package gitservers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// GiteaVersion is the release that Gitea builds.
const GiteaVersion = "v1.26.0"

// GiteaServer is a running Gitea with one user.
type GiteaServer struct {
	Base                  string // http://127.0.0.1:PORT
	User, Password, Token string

	t testing.TB
}

// Gitea builds a real forge from its module, about three minutes the first
// time, and runs it until the test ends. Helpers are kept in the user's cache
// folder.
func Gitea(t testing.TB) *GiteaServer {
	t.Helper()
	Require(t, "git", "go")
	binary, module := buildGitea(t)
	dir, address := t.TempDir(), freeAddress(t)
	s := &GiteaServer{Base: "http://" + address, User: "ada", Password: "correct-horse-7", t: t}
	_, port, _ := strings.Cut(address, ":")
	conf := write(t, filepath.Join(dir, "app.ini"), fmt.Sprintf(giteaConf, dir, module, port, s.Base, dir, dir, dir), 0o600)
	run := func(args ...string) *exec.Cmd {
		cmd := exec.Command(binary, append([]string{"--config", conf, "--work-path", dir}, args...)...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "GITEA_WORK_DIR="+dir)
		return cmd
	}
	start(t, run("web")).await(t, "tcp", address)
	s.admin(run("admin", "user", "create", "--admin", "--username", s.User, "--password", s.Password,
		"--email", "ada@example.com", "--must-change-password=false"))
	s.Token = s.admin(run("admin", "user", "generate-access-token", "--username", s.User, "--scopes", "all", "--raw"))
	return s
}

const giteaConf = `APP_NAME = test
RUN_MODE = prod
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = %s
[server]
HTTP_ADDR = 127.0.0.1
STATIC_ROOT_PATH = %s
HTTP_PORT = %s
ROOT_URL = %s/
OFFLINE_MODE = true
DISABLE_SSH = true
[database]
DB_TYPE = sqlite3
PATH = %s/gitea.db
[repository]
ROOT = %s/repositories
[log]
LEVEL = Warn
ROOT_PATH = %s/log
[security]
INSTALL_LOCK = true
SECRET_KEY = only-for-a-test
[webhook]
ALLOWED_HOST_LIST = loopback
`

func (s *GiteaServer) admin(cmd *exec.Cmd) string {
	s.t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args[3:], " "), err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// Post calls Gitea's API.
func (s *GiteaServer) Post(path string, body any) {
	s.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.Base+"/api/v1"+path, bytes.NewReader(data))
	if err != nil {
		s.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.SetBasicAuth(s.User, s.Password)
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode >= 300 {
		words, _ := io.ReadAll(io.LimitReader(answer.Body, 1024))
		s.t.Fatalf("POST %s: %s: %s", path, answer.Status, words)
	}
}

// URL is a repository's address, without user information.
func (s *GiteaServer) URL(name string) string { return s.Base + "/" + s.User + "/" + name + ".git" }

// WithPassword is a repository's address for git push.
func (s *GiteaServer) WithPassword(name string) string {
	return strings.Replace(s.URL(name), "://", "://"+s.User+":"+s.Password+"@", 1)
}

// buildGitea makes an empty module that takes Gitea's replacements over, which
// go install refuses, and builds it.
func buildGitea(t testing.TB) (binary, module string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "ottla", "gitea-"+GiteaVersion)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b := builder{t: t, dir: dir}
	module = b.module()
	binary = filepath.Join(dir, "gitea")
	if _, err := os.Stat(binary); err == nil {
		return binary, module
	}
	b.writeModule(module)
	b.run("go", "build", "-mod=mod", "-tags", "sqlite sqlite_unlock_notify", "-o", binary+".new", "code.gitea.io/gitea")
	if err := os.Rename(binary+".new", binary); err != nil {
		t.Fatal(err)
	}
	return binary, module
}

type builder struct {
	t   testing.TB
	dir string
}

// module downloads Gitea's source and says where it is.
func (b builder) module() string {
	b.t.Helper()
	var got struct{ Dir string }
	if err := json.Unmarshal(b.run("go", "mod", "download", "-json", "code.gitea.io/gitea@"+GiteaVersion), &got); err != nil {
		b.t.Fatal(err)
	}
	return got.Dir
}

func (b builder) writeModule(module string) {
	b.t.Helper()
	theirs, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		b.t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(module, "go.sum"))
	if err != nil {
		b.t.Fatal(err)
	}
	// the same requirements and replacements under another name
	_, rest, _ := strings.Cut(string(theirs), "\n")
	write(b.t, filepath.Join(b.dir, "go.mod"), "module gitea-for-tests\n"+rest, 0o600)
	write(b.t, filepath.Join(b.dir, "go.sum"), string(sums), 0o600)
	b.run("go", "mod", "edit", "-require=code.gitea.io/gitea@"+GiteaVersion)
}

func (b builder) run(name string, args ...string) []byte {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), name, args...)
	cmd.Dir = b.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now()
	out, err := cmd.Output()
	if err != nil {
		b.t.Fatalf("%s %s after %s: %v\n%s%s", name, strings.Join(args, " "), time.Since(began), err, out, stderr.Bytes())
	}
	return out
}
